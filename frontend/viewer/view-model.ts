/** The state of the page as signals, which the panels and the 3D scene read. */

import { computed, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import { type Metric, meanOverHands, type Series } from "../charts/frame-metrics";
import type { PageData, RunInfo, UploadInfo } from "./api";
import { type CameraState, DEFAULT_OPACITY, type Layout, type ViewState } from "./url-state";
import type { Range, TrackHeader } from "./viewer-track";

export interface RunModel {
  id: string;
  /** A, B, C …: runs differ by more than colour. */
  letter: string;
  info: Signal<RunInfo>;
  shown: Signal<boolean>;
  opacity: Signal<number>;
  header: Signal<TrackHeader | null>;
  series: Signal<Series | null>;
  /** Metric → one value per frame: means over the hands. */
  means: ReadonlySignal<Record<string, Array<number | null>>>;
  buffered: Signal<Range[]>;
  /** Why its meshes could not be loaded, in a sentence. */
  problem: Signal<string>;
}

function makeRun(info: RunInfo, metrics: Metric[], index: number, shown: boolean, opacity: number): RunModel {
  const series = signal<Series | null>(null);
  return {
    id: info.id,
    letter: String.fromCharCode(65 + index),
    info: signal(info),
    shown: signal(shown),
    opacity: signal(opacity),
    header: signal<TrackHeader | null>(null),
    series,
    means: computed(() => {
      const numbers = series.value;
      return numbers ? Object.fromEntries(metrics.map(({ name }) => [name, meanOverHands(numbers, name)])) : {};
    }),
    buffered: signal<Range[]>([]),
    problem: signal(""),
  };
}

/** Mean of a metric over the clip; before the values per frame are loaded, from the run's summary. */
export function clipMean(run: RunModel, metric: string): number | null {
  const values = run.means.value[metric]?.filter((value) => value !== null);
  if (!values) return run.info.value.prediction?.summary[metric] ?? null;
  return values.length ? values.reduce((sum, value) => sum + value, 0) / values.length : null;
}

/** Methods that are shown, and so loaded, unless the link names others. */
const SHOWN_AT_FIRST = 2;

function describeMissing(requested: string[], found: string[]): string {
  const missing = requested.length - found.length;
  if (!missing) return "";
  const runs = missing === 1 ? "A run" : `${missing} runs`;
  const instead = found.length ? "" : " The newest runs are shown instead.";
  return `${runs} of this link cannot be shown: deleted, or of another upload.${instead}`;
}

export class ViewModel {
  readonly upload: Signal<UploadInfo>;
  readonly runs: RunModel[];
  /** The metrics of the catalogue that runs have for each frame. */
  readonly metrics: Metric[];
  readonly frame = signal(0);
  readonly playing = signal(false);
  readonly speed = signal(1);
  readonly loop = signal(true);
  readonly layout = signal<Layout>("overlay");
  readonly wireframe = signal(false);
  readonly camera = signal<CameraState | null>(null);
  readonly zoom = signal<[number, number] | null>(null);
  /** Which runs of the link are missing, in a sentence; empty when all are here. */
  readonly linkProblem: string;
  /** The metric of the methods' table. */
  readonly metric: Signal<Metric | undefined>;
  /** Id of the run whose details are open; empty for none. */
  readonly selected = signal("");
  readonly help = signal(false);
  /** A message about the whole page: shown, and read by screen readers. */
  readonly notice = signal("");
  /** Whether WebGL has started. */
  readonly hasRenderer = signal(false);
  readonly noWebgl = signal(false);
  readonly videoFailed = signal(false);

  readonly shownRuns = computed(() => this.runs.filter((run) => run.shown.value));
  readonly readyRuns = computed(() => this.runs.filter((run) => run.header.value !== null));

  /** Origins of sites that embed a shared page and may steer it. */
  readonly sites: string[];

  constructor(data: PageData, state: ViewState) {
    this.sites = data.sites ?? [];
    this.upload = signal(data.upload);
    this.metrics = data.metrics;
    this.metric = signal(data.metrics[0]);
    const offered = data.runs;
    const found = state.runs?.filter((id) => offered.some((run) => run.id === id));
    this.linkProblem = describeMissing(state.runs ?? [], found ?? []);
    const requested = found?.length || !state.runs?.length ? found : undefined;
    const newest = offered.filter((run, i) => offered.findIndex((other) => other.method === run.method) === i);
    const first = new Set(newest.slice(0, SHOWN_AT_FIRST).map((run) => run.id));
    this.runs = offered.map((info, index) => {
      const shown = requested ? requested.includes(info.id) : first.has(info.id);
      return makeRun(info, data.metrics, index, shown, state.opacity[info.id] ?? DEFAULT_OPACITY);
    });
    this.frame.value = Math.min(state.frame, Math.max(0, this.frameCount - 1));
    this.speed.value = state.speed;
    this.loop.value = state.loop;
    this.layout.value = state.layout;
    this.wireframe.value = state.wireframe;
    this.camera.value = state.camera;
    this.zoom.value = state.zoom;
  }

  get frameCount(): number {
    return this.upload.value.frame_count ?? 1;
  }

  /** A single image has nothing to play and no values over time. */
  get isSingleImage(): boolean {
    return this.frameCount < 2;
  }

  get fps(): number {
    return this.upload.value.fps ?? 30;
  }

  /** The state for the URL; reads signals, so that effects that call it follow them. */
  urlState(): ViewState {
    const opacity: Record<string, number> = {};
    for (const run of this.runs) if (run.opacity.value !== DEFAULT_OPACITY) opacity[run.id] = run.opacity.value;
    return {
      frame: this.frame.value,
      runs: this.shownRuns.value.map((run) => run.id),
      opacity,
      layout: this.layout.value,
      wireframe: this.wireframe.value,
      speed: this.speed.value,
      loop: this.loop.value,
      camera: this.camera.value,
      zoom: this.zoom.value,
    };
  }

  /** Show only this run; all again when it is the only one. */
  solo(run: RunModel): void {
    const alone = this.shownRuns.value.length === 1 && run.shown.value;
    for (const other of this.runs) other.shown.value = alone || other === run;
  }
}
