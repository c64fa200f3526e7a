/** What the page knows: signals that panels read and the scene follows. */

import { computed, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import { type Metric, meanOverHands, type Series } from "../charts/series";
import type { PageData, RunInfo, UploadInfo } from "./api";
import { type CameraState, DEFAULT_OPACITY, type Layout, type ViewState } from "./state";
import type { Range, TrackHeader } from "./track";

export interface RunModel {
  id: string;
  /** A, B, C …: so that no run is told by colour alone. */
  letter: string;
  info: Signal<RunInfo>;
  shown: Signal<boolean>;
  opacity: Signal<number>;
  header: Signal<TrackHeader | null>;
  series: Signal<Series | null>;
  /** Metric to numbers, one a frame: means over the hands. */
  means: ReadonlySignal<Record<string, Array<number | null>>>;
  buffered: Signal<Range[]>;
  /** Why its meshes are not here, in a sentence. */
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

export class Model {
  readonly upload: Signal<UploadInfo>;
  readonly runs: RunModel[];
  /** Of the catalogue, those that runs have for each frame. */
  readonly metrics: Metric[];
  readonly frame = signal(0);
  readonly playing = signal(false);
  readonly speed = signal(1);
  readonly loop = signal(true);
  readonly layout = signal<Layout>("overlay");
  readonly wireframe = signal(false);
  readonly camera = signal<CameraState | null>(null);
  readonly zoom = signal<[number, number] | null>(null);
  readonly help = signal(false);
  /** What went wrong with the page as a whole, or what is being done: shown, and read out. */
  readonly notice = signal("");
  readonly noWebgl = signal(false);
  readonly videoFailed = signal(false);

  readonly shownRuns = computed(() => this.runs.filter((run) => run.shown.value));
  readonly readyRuns = computed(() => this.runs.filter((run) => run.header.value !== null));

  constructor(data: PageData, state: ViewState) {
    this.upload = signal(data.upload);
    this.metrics = data.metrics;
    const asked = state.runs;
    const offered = data.runs.slice(0, 9);
    const newest = new Set(
      offered.filter((run, i) => offered.findIndex((other) => other.method === run.method) === i).map((run) => run.id),
    );
    this.runs = offered.map((info, index) => {
      const shown = asked ? asked.includes(info.id) : newest.has(info.id);
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

  get fps(): number {
    return this.upload.value.fps ?? 30;
  }

  /** The state for the URL (reads signals: an effect that calls it follows them). */
  state(): ViewState {
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

  /** Show this run alone, or (where it is alone) all again. */
  solo(run: RunModel): void {
    const alone = this.shownRuns.value.length === 1 && run.shown.value;
    for (const other of this.runs) other.shown.value = alone || other === run;
  }
}
