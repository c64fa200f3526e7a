/** What is drawn: the runs of methods, and the ground truth. */

import { computed, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import { type Metric, meanOverHands, type Series } from "../charts/frame-metrics";
import type { Alignment } from "../metrics/alignment";
import type { ErrorResponse } from "../metrics/error-request";
import type { HandJoints } from "../metrics/hand-pairs";
import type { RunInfo } from "./api";
import type { MeshSource } from "./mesh-chunks";
import { DEFAULT_OPACITY, type TruthStyle } from "./url-state";
import type { Range, TrackHeader } from "./viewer-track";

/** How a layer is drawn: its surface, its edges, or both. */
export interface Look {
  opacity: number; // of the surface
  surface: boolean; // false: edges alone
  edges: boolean;
}

export interface Layer {
  id: string;
  /** A, B, C …: layers differ by more than colour. */
  letter: string;
  title: ReadonlySignal<string>;
  colour: ReadonlySignal<string>;
  /** Address of its track. */
  track: string;
  /** Whether it can be loaded. */
  ready: ReadonlySignal<boolean>;
  shown: ReadonlySignal<boolean>;
  look: ReadonlySignal<Look>;
  header: Signal<TrackHeader | null>;
  source: Signal<MeshSource | null>;
  /** The joints of all its hands in the order of the header; null before they are needed, and where the track has none. */
  joints: Signal<HandJoints[] | null>;
  buffered: Signal<Range[]>;
  /** Why something of it could not be loaded, in a sentence. */
  problem: Signal<string>;
}

export interface RunModel extends Layer {
  info: Signal<RunInfo>;
  shown: Signal<boolean>;
  opacity: Signal<number>;
  series: Signal<Series | null>;
  /** Errors against what is compared with, as far as they are computed. */
  errors: Signal<ErrorResponse | null>;
  /** Metric → one value per frame, a mean over the hands. */
  means: ReadonlySignal<Record<string, Array<number | null>>>;
  /** Metric → its mean over the clip. */
  clips: ReadonlySignal<Record<string, number | null>>;
}

export const TRUTH = "truth";
/** Grey, as in every plot. */
export const TRUTH_COLOUR = "#BBBBBB";

/** The catalogue's name of MPJPE under each alignment. */
export const ALIGNED_METRIC: Record<Alignment, string> = {
  none: "mpjpe",
  root: "ra_mpjpe",
  "scale-translation": "st_mpjpe",
  procrustes: "pa_mpjpe",
  "procrustes-rotation": "pr_mpjpe",
};
export const ACCELERATION = "ra_acceleration_error";

function makeLayer(id: string, letter: string, track: string) {
  return {
    id,
    letter,
    track,
    header: signal<TrackHeader | null>(null),
    source: signal<MeshSource | null>(null),
    joints: signal<HandJoints[] | null>(null),
    buffered: signal<Range[]>([]),
    problem: signal(""),
  };
}

export function makeTruth(track: string, style: ReadonlySignal<TruthStyle>): Layer {
  return {
    ...makeLayer(TRUTH, "T", track),
    title: signal("Ground truth"),
    colour: signal(TRUTH_COLOUR),
    ready: signal(true),
    shown: computed(() => style.value !== "off"),
    look: computed(() => ({ opacity: 0.45, surface: style.value !== "wireframe", edges: style.value === "wireframe" })),
  };
}

export interface RunSettings {
  metrics: Metric[];
  index: number;
  shown: boolean;
  opacity: number | undefined;
  track: string;
  wireframe: ReadonlySignal<boolean>;
}

export function makeRun(info: RunInfo, { metrics, index, shown, opacity, track, wireframe }: RunSettings): RunModel {
  const about = signal(info);
  const series = signal<Series | null>(null);
  const errors = signal<ErrorResponse | null>(null);
  const opaque = signal(opacity ?? DEFAULT_OPACITY);
  const measured = computed(() => seriesMeans(series.value, metrics));
  return {
    ...makeLayer(info.id, String.fromCharCode(65 + index), track),
    info: about,
    title: computed(() => about.value.method_title),
    colour: computed(() => about.value.colour),
    ready: computed(() => about.value.status === "succeeded"),
    shown: signal(shown),
    opacity: opaque,
    look: computed(() => ({ opacity: opaque.value, surface: true, edges: wireframe.value })),
    series,
    errors,
    means: computed(() => ({ ...measured.value, ...errorValues(errors.value, (values) => values.frames) })),
    clips: computed(() => ({
      ...(about.value.prediction?.summary ?? {}),
      ...Object.fromEntries(Object.entries(measured.value).map(([name, values]) => [name, mean(values)])),
      ...errorValues(errors.value, (values) => values.clip),
    })),
  };
}

function seriesMeans(series: Series | null, metrics: Metric[]): Record<string, Array<number | null>> {
  return series ? Object.fromEntries(metrics.map(({ name }) => [name, meanOverHands(series, name)])) : {};
}

function mean(values: Array<number | null>): number | null {
  const found = values.filter((value) => value !== null);
  return found.length ? found.reduce((sum, value) => sum + value, 0) / found.length : null;
}

function errorValues<T>(errors: ErrorResponse | null, pick: (values: ErrorResponse["acceleration"]) => T): Record<string, T> {
  if (!errors) return {};
  const found: Record<string, T> = { [ACCELERATION]: pick(errors.acceleration) };
  for (const [name, values] of Object.entries(errors.joints)) found[ALIGNED_METRIC[name as Alignment]] = pick(values);
  return found;
}
