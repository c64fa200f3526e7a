/**
 * The part of the view that is in the URL, so that a link shows a colleague the same thing. Reading and writing are
 * inverse to each other; unknown values are ignored, and defaults are left out.
 */

import { ALIGNMENTS, type Alignment } from "../metrics/alignment";
import { isJointSubset, type JointSubset } from "../metrics/joint-subsets";

export const LAYOUTS = ["overlay", "side", "wipe", "blink"] as const;
export type Layout = (typeof LAYOUTS)[number];
export const TRUTH_STYLES = ["ghost", "wireframe", "off"] as const;
export type TruthStyle = (typeof TRUTH_STYLES)[number];
/** The upper end of the error colours: so many millimetres, or a percentile of the errors of the clip. */
export const ERROR_SCALES = ["5", "10", "20", "50", "100", "p95"] as const;
export type ErrorScale = (typeof ERROR_SCALES)[number];

export interface CameraState {
  position: [number, number, number]; // metres, x right, y up, z towards the viewer (OpenGL)
  target: [number, number, number];
}

export interface ViewState {
  frame: number;
  runs: string[] | null; // ids of the shown ones; null: the page's default
  opacity: Record<string, number>; // only those that are not DEFAULT_OPACITY
  layout: Layout;
  wireframe: boolean;
  skeleton: boolean; // joints and bones
  speed: number;
  loop: boolean;
  camera: CameraState | null; // null: fitted to the hands
  zoom: [number, number] | null; // frames across the plots
  truth: TruthStyle;
  reference: string; // what is compared with: `truth`, the id of a run, or empty for the page's default
  alignment: Alignment;
  joints: JointSubset;
  errors: boolean; // error colours
  scale: ErrorScale;
  wipe: number; // 0 … 1 of the width
  metric: string; // of the methods' table; empty: the first
  comment: string; // id of the comment that is shown; empty: none
}

export const DEFAULT_OPACITY = 0.8;

export const DEFAULT_STATE: ViewState = {
  frame: 0,
  runs: null,
  opacity: {},
  layout: "overlay",
  wireframe: false,
  skeleton: false,
  speed: 1,
  loop: true,
  camera: null,
  zoom: null,
  truth: "ghost",
  reference: "",
  alignment: "none",
  joints: "all",
  errors: false,
  scale: "20",
  wipe: 0.5,
  metric: "",
  comment: "",
};

/** The value if it is one of `known`, else the default. */
function oneOf<T extends string>(value: string | null, known: readonly T[], otherwise: T): T {
  return known.find((each) => each === value) ?? otherwise;
}

function numbers(text: string | null, count: number): number[] | null {
  const parts = text?.split(",").map((part) => (part.trim() === "" ? Number.NaN : Number(part))) ?? [];
  return parts.length === count && parts.every(Number.isFinite) ? parts : null;
}

/** The state that a query string (`?frame=12&…`) describes. Never throws. */
export function parseState(search: string): ViewState {
  const query = new URLSearchParams(search);
  const frame = numbers(query.get("frame"), 1)?.[0] ?? 0;
  const speed = numbers(query.get("speed"), 1)?.[0] ?? 1;
  const runs = query.get("runs")?.split(",").filter(Boolean) ?? null;
  return {
    frame: Math.max(0, Math.round(frame)),
    runs,
    opacity: parseOpacity(query.get("opacity"), runs ?? []),
    layout: oneOf(query.get("layout"), LAYOUTS, DEFAULT_STATE.layout),
    wireframe: query.get("wireframe") === "1",
    skeleton: query.get("skeleton") === "1",
    speed: speed > 0 && speed <= 16 ? speed : 1,
    loop: query.get("loop") !== "0",
    camera: parseCamera(query.get("camera")),
    zoom: parseZoom(query.get("zoom")),
    ...parseComparison(query),
  };
}

function parseComparison(query: URLSearchParams) {
  const joints = query.get("joints") ?? "";
  const wipe = numbers(query.get("wipe"), 1)?.[0] ?? DEFAULT_STATE.wipe;
  return {
    truth: oneOf(query.get("truth"), TRUTH_STYLES, DEFAULT_STATE.truth),
    reference: /^[\w-]{1,64}$/.exec(query.get("reference") ?? "")?.[0] ?? "",
    alignment: oneOf(query.get("alignment"), ALIGNMENTS, DEFAULT_STATE.alignment),
    joints: isJointSubset(joints) ? joints : DEFAULT_STATE.joints,
    errors: query.get("errors") === "1",
    scale: oneOf(query.get("scale"), ERROR_SCALES, DEFAULT_STATE.scale),
    wipe: wipe >= 0 && wipe <= 1 ? wipe : DEFAULT_STATE.wipe,
    metric: /^\w{1,64}$/.exec(query.get("metric") ?? "")?.[0] ?? "",
    comment: /^[\w-]{1,64}$/.exec(query.get("comment") ?? "")?.[0] ?? "",
  };
}

/** Null also for a camera that stands in its own target, or far from any hand. */
function parseCamera(text: string | null): CameraState | null {
  const values = numbers(text, 6);
  if (!values) return null;
  const position = values.slice(0, 3) as CameraState["position"];
  const target = values.slice(3) as CameraState["target"];
  const distance = Math.hypot(position[0] - target[0], position[1] - target[1], position[2] - target[2]);
  return distance > 1e-3 && Math.max(...values.map(Math.abs)) < 100 ? { position, target } : null;
}

function parseZoom(text: string | null): [number, number] | null {
  const [first = -1, last = -1] = numbers(text, 2) ?? [];
  return first >= 0 && first < last ? [Math.round(first), Math.round(last)] : null;
}

/** One opacity a run, in the order of `runs`; empty places are the default. */
function parseOpacity(text: string | null, runs: string[]): Record<string, number> {
  const found: Record<string, number> = {};
  text?.split(",").forEach((part, index) => {
    const value = Number(part);
    const run = runs[index];
    if (part !== "" && run !== undefined && value >= 0 && value <= 1) found[run] = value;
  });
  return found;
}

/** The query string of a state: foreign keys in `search` stay as they are. */
export function writeState(state: ViewState, search = ""): string {
  const query = new URLSearchParams(search);
  const put = (key: string, value: string | null) => {
    query.delete(key); // moves it to the end, so that a state has one URL
    if (value !== null) query.set(key, value);
  };
  const trim = (value: number) => String(Number(value.toFixed(3)));
  const opacities = (state.runs ?? []).map((run) => {
    const opacity = state.opacity[run];
    return opacity === undefined ? "" : trim(opacity);
  });
  put("runs", state.runs?.join(",") ?? null);
  put("frame", state.frame ? String(state.frame) : null);
  put("opacity", opacities.some(Boolean) ? opacities.join(",") : null);
  put("layout", state.layout === "overlay" ? null : state.layout);
  put("wireframe", state.wireframe ? "1" : null);
  put("skeleton", state.skeleton ? "1" : null);
  put("speed", state.speed === 1 ? null : trim(state.speed));
  put("loop", state.loop ? null : "0");
  put("camera", state.camera && [...state.camera.position, ...state.camera.target].map(trim).join(","));
  put("zoom", state.zoom?.join(",") ?? null);
  for (const key of ["truth", "reference", "alignment", "joints", "scale", "metric", "comment"] as const)
    put(key, state[key] === DEFAULT_STATE[key] ? null : state[key]);
  put("errors", state.errors ? "1" : null);
  put("wipe", state.wipe === DEFAULT_STATE.wipe ? null : trim(state.wipe));
  const text = query.toString().replaceAll("%2C", ",");
  return text ? `?${text}` : "";
}

/** Calls `write` now, then at most once every `interval` ms, and always with the last value. */
export function throttled<T>(write: (value: T) => void, interval: number): (value: T) => void {
  let timer: ReturnType<typeof setTimeout> | null = null;
  let waiting: { value: T } | null = null;
  const flush = () => {
    timer = waiting ? setTimeout(flush, interval) : null;
    if (waiting) write(waiting.value);
    waiting = null;
  };
  return (value) => {
    waiting = { value };
    if (timer === null) flush();
  };
}
