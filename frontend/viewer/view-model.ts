/** The state of the page as signals, which the panels and the 3D scene read. */

import { computed, effect, type ReadonlySignal, type Signal, signal, untracked } from "@preact/signals";
import type { Metric } from "../charts/frame-metrics";
import { type Addresses, addresses } from "./addresses";
import type { PageData, RunInfo, UploadInfo } from "./api";
import { Comments } from "./comments";
import { Comparison } from "./comparison";
import { HandBoxes } from "./hand-boxes";
import { type Layer, makeRun, makeTruth, type RunModel } from "./layers";
import { NewRuns } from "./new-runs";
import { type CameraState, DEFAULT_OPACITY, type Layout, type TruthStyle, type ViewState } from "./url-state";

/** Methods that are shown, and so loaded, unless the link names others. */
const SHOWN_AT_FIRST = 2;

function describeMissing(requested: string[], found: string[]): string {
  const missing = requested.length - found.length;
  if (!missing) return "";
  const runs = missing === 1 ? "A run" : `${missing} runs`;
  const instead = found.length ? "" : " The newest runs are shown instead.";
  return `${runs} of this link cannot be shown: deleted, or of another upload.${instead}`;
}

export interface Sort {
  by: "" | "name" | "frame" | "clip"; // empty: the newest run first
  descending: boolean;
}

/** Call `start` once for each layer that the page offers, now or later. */
export function forEachLayer(model: ViewModel, start: (layer: Layer) => void): void {
  const started = new Set<string>();
  effect(() => {
    for (const layer of model.layers) {
      if (started.has(layer.id)) continue;
      started.add(layer.id);
      untracked(() => start(layer));
    }
  });
}

export class ViewModel {
  readonly upload: Signal<UploadInfo>;
  readonly addresses: Addresses;
  readonly truth: Layer | null;
  readonly comparison: Comparison;
  /** Null on a shared page. */
  readonly comments: Comments | null;
  /** Null where nobody may start one. */
  readonly newRuns: NewRuns | null;
  /** Null on a shared page. */
  readonly boxes: HandBoxes | null;
  /** The metrics that runs have for each frame: those against what is compared with, then those without ground truth. */
  readonly metrics: ReadonlySignal<Metric[]>;
  readonly frame = signal(0);
  readonly playing = signal(false);
  readonly speed = signal(1);
  readonly loop = signal(true);
  readonly layout = signal<Layout>("overlay");
  /** Where the wipe's handle is, 0 … 1 of the width. */
  readonly wipe = signal(0.5);
  /** Which of the two methods blinking shows now. */
  readonly blinkSecond = signal(false);
  readonly truthStyle = signal<TruthStyle>("ghost");
  readonly wireframe = signal(false);
  /** Whether joints and bones are drawn. */
  readonly skeleton = signal(false);
  readonly camera = signal<CameraState | null>(null);
  readonly zoom = signal<[number, number] | null>(null);
  /** Which runs of the link are missing, in a sentence; empty when all are here. */
  readonly linkProblem: string;
  /** Name of the metric chosen for the methods' table; empty for the first. */
  readonly metricName = signal("");
  readonly metric = computed<Metric | undefined>(
    () => this.metrics.value.find(({ name }) => name === this.metricName.value) ?? this.metrics.value[0],
  );
  readonly sort = signal<Sort>({ by: "", descending: false });
  /** Id of the run whose details are open; empty for none. */
  readonly selected = signal("");
  readonly help = signal(false);
  /** A message about the whole page: shown, and read by screen readers. */
  readonly notice = signal("");
  /** Whether WebGL has started. */
  readonly hasRenderer = signal(false);
  /** Whether the first frame with meshes has been drawn. */
  readonly firstDrawn = signal(false);
  readonly noWebgl = signal(false);
  readonly videoFailed = signal(false);

  private readonly offered = signal<RunModel[]>([]);
  private readonly ownMetrics: Metric[];

  readonly shownRuns = computed(() => this.runs.filter((run) => run.shown.value));
  readonly readyRuns = computed(() => this.runs.filter((run) => run.header.value !== null));

  /** Origins of sites that embed a shared page and may steer it. */
  readonly sites: string[];
  /** Whether the page shows only what was shared by a link: read-only, without downloads of data. */
  readonly isShared: boolean;

  constructor(data: PageData, state: ViewState) {
    this.sites = data.sites ?? [];
    this.upload = signal(data.upload);
    this.addresses = addresses(data.api);
    this.isShared = Boolean(data.api);
    this.metricName.value = state.metric;
    this.comments = data.comments ? new Comments(this.addresses, data.upload.id, data.comments, state.comment) : null;
    this.truthStyle.value = state.truth;
    const track = data.upload.truth?.links.track;
    this.truth = track ? makeTruth(track, this.truthStyle) : null;
    const found = state.runs?.filter((id) => data.runs.some((run) => run.id === id));
    this.linkProblem = describeMissing(state.runs ?? [], found ?? []);
    const requested = found?.length || !state.runs?.length ? found : undefined;
    const newest = data.runs.filter((run, i) => data.runs.findIndex((other) => other.method === run.method) === i);
    const preferred = newest.filter((run) => data.first_methods.includes(run.method));
    const first = new Set([...preferred, ...newest].slice(0, SHOWN_AT_FIRST).map((run) => run.id));
    this.ownMetrics = data.metrics;
    for (const info of data.runs)
      this.addRun(info, requested ? requested.includes(info.id) : first.has(info.id), state.opacity[info.id]);
    this.newRuns = data.boxes?.can_write ? new NewRuns(this, data.refining ?? null) : null;
    this.boxes = data.boxes ? new HandBoxes(this.addresses, data.upload.id, data.boxes.can_write) : null;
    this.comparison = new Comparison(this.offered, this.truth, data.truth_metrics, state, this.frameCount);
    this.metrics = computed(() => [...this.comparison.metrics.value, ...data.metrics]);
    this.frame.value = Math.min(state.frame, Math.max(0, this.frameCount - 1));
    this.speed.value = state.speed;
    this.loop.value = state.loop;
    this.layout.value = state.layout;
    this.wipe.value = state.wipe;
    this.wireframe.value = state.wireframe;
    this.skeleton.value = state.skeleton;
    this.camera.value = state.camera;
    this.zoom.value = state.zoom;
  }

  get runs(): readonly RunModel[] {
    return this.offered.value;
  }

  /** The truth, then the runs. */
  get layers(): Layer[] {
    return this.truth ? [this.truth, ...this.runs] : [...this.runs];
  }

  /** Offer one more run, after the others. */
  addRun(info: RunInfo, shown: boolean, opacity?: number): RunModel {
    const index = this.offered.peek().length;
    const track = this.addresses.track(info.id);
    const run = makeRun(info, { metrics: this.ownMetrics, index, shown, opacity, track, wireframe: this.wireframe });
    this.offered.value = [...this.offered.peek(), run];
    return run;
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
      skeleton: this.skeleton.value,
      speed: this.speed.value,
      loop: this.loop.value,
      camera: this.camera.value,
      zoom: this.zoom.value,
      truth: this.truth ? this.truthStyle.value : "ghost",
      wipe: this.wipe.value,
      metric: this.metricName.value,
      comment: this.comments?.selected.value ?? "",
      ...this.comparison.urlState(),
    };
  }

  /** The shown runs that can be drawn, at most `count`. */
  drawn(count = Number.POSITIVE_INFINITY): RunModel[] {
    return this.shownRuns.value.filter((run) => run.header.value !== null).slice(0, count);
  }

  setWipe(share: number): void {
    this.wipe.value = Math.min(Math.max(Number(share.toFixed(3)), 0), 1);
  }

  /** Ghost → wireframe → off → ghost. */
  nextTruthStyle(): void {
    const next: Record<TruthStyle, TruthStyle> = { ghost: "wireframe", wireframe: "off", off: "ghost" };
    this.truthStyle.value = next[this.truthStyle.value];
  }

  /** The runs in the order of the methods' table. */
  sortedRuns(): readonly RunModel[] {
    const { by, descending } = this.sort.value;
    const metric = this.metric.value?.name ?? "";
    const value = (run: RunModel) =>
      by === "clip" ? run.clips.value[metric] : by === "frame" ? run.means.value[metric]?.[this.frame.value] : null;
    const order = (a: RunModel, b: RunModel) => {
      if (by === "name") return a.title.value.localeCompare(b.title.value);
      return (value(a) ?? Number.POSITIVE_INFINITY) - (value(b) ?? Number.POSITIVE_INFINITY);
    };
    if (!by) return this.runs;
    const missing = (run: RunModel) => by !== "name" && (value(run) ?? null) === null;
    return [...this.runs].sort(
      (a, b) => Number(missing(a)) - Number(missing(b)) || (descending ? -order(a, b) : order(a, b)) || 0,
    );
  }

  /** Show only this run; all again when it is the only one. */
  solo(run: RunModel): void {
    const alone = this.shownRuns.value.length === 1 && run.shown.value;
    for (const other of this.runs) other.shown.value = alone || other === run;
  }
}
