/** A line segment on an image, in its pixels. */

export interface Point {
  x: number;
  y: number;
}

export interface Size {
  width: number;
  height: number;
}

const STEPS: Record<string, Point> = {
  ArrowLeft: { x: -1, y: 0 },
  ArrowRight: { x: 1, y: 0 },
  ArrowUp: { x: 0, y: -1 },
  ArrowDown: { x: 0, y: 1 },
};

/** The nearest point within the image. */
export function clampToImage({ x, y }: Point, { width, height }: Size): Point {
  return { x: Math.min(Math.max(x, 0), width), y: Math.min(Math.max(y, 0), height) };
}

/** The point after an arrow key: one pixel further, ten with shift; null for any other key. */
export function moveByKey({ x, y }: Point, key: string, shift: boolean): Point | null {
  const step = STEPS[key];
  const pixels = shift ? 10 : 1;
  return step ? { x: x + pixels * step.x, y: y + pixels * step.y } : null;
}

export function distance(a: Point, b: Point): number {
  return Math.hypot(a.x - b.x, a.y - b.y);
}
