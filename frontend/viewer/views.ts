/** Which layers are drawn where: all in one view, a column for each method, or two methods by wipe or blinking. */

import type { Rect } from "./camera";
import type { Layout } from "./url-state";

export interface View<L> {
  kind: "video" | "orbit";
  rect: Rect; // CSS px, from the canvas' upper left corner
  /** The part of `rect` that is drawn. */
  clip: Rect;
  layers: L[];
  /** Whether the canvas draws the video image; else the video element below shows through. */
  backdrop: boolean;
}

export interface Arrangement<L> {
  layout: Layout;
  /** The shown methods, in order. */
  runs: L[];
  /** The ground truth, in every view. */
  truth: L | null;
  video: Rect;
  orbit: Rect;
  /** Where the wipe's handle is, 0 … 1 of each pane's width. */
  wipe: number;
  /** Whether blinking shows the second method now. */
  second: boolean;
}

const PANES = ["video", "orbit"] as const;

/** The views of an arrangement, in the order in which they are drawn. */
export function arrange<L>(arrangement: Arrangement<L>): View<L>[] {
  const { layout, runs, truth, wipe, second } = arrangement;
  const withTruth = (layers: L[]) => (truth ? [truth, ...layers] : layers);
  const whole = (layers: L[]) =>
    PANES.map((kind): View<L> => view(kind, arrangement[kind], arrangement[kind], withTruth(layers), false));
  const [first, other] = runs;
  if (layout === "overlay" || first === undefined || other === undefined) return whole(runs);
  if (layout === "blink") return whole([second ? other : first]);
  if (layout === "wipe")
    return PANES.flatMap((kind) => {
      const rect = arrangement[kind];
      const left = { ...rect, width: rect.width * wipe };
      const right = { ...rect, x: rect.x + left.width, width: rect.width - left.width };
      return [view(kind, rect, left, withTruth([first]), false), view(kind, rect, right, withTruth([other]), false)];
    });
  return runs.flatMap((run, index) =>
    PANES.map((kind) => {
      const pane = arrangement[kind];
      const width = pane.width / runs.length;
      const rect = { ...pane, x: pane.x + index * width, width };
      return view(kind, rect, rect, withTruth([run]), kind === "video");
    }),
  );
}

function view<L>(kind: "video" | "orbit", rect: Rect, clip: Rect, layers: L[], backdrop: boolean): View<L> {
  return { kind, rect, clip, layers, backdrop };
}

/** The part that two rectangles share; of width or height 0 where there is none. */
export function intersection(a: Rect, b: Rect): Rect {
  const x = Math.max(a.x, b.x);
  const y = Math.max(a.y, b.y);
  const width = Math.max(0, Math.min(a.x + a.width, b.x + b.width) - x);
  const height = Math.max(0, Math.min(a.y + a.height, b.y + b.height) - y);
  return { x, y, width, height };
}
