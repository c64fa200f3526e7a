/** The camera of the video, and where to put the orbit camera. */

import { type Matrix4, PerspectiveCamera } from "three";
import type { Vec3 } from "./geometry";

export const NEAR = 0.01;
export const FAR = 20;

/** A pinhole camera's matrix K row by row, in pixels. */
export type Intrinsics = [
  fx: number,
  skew: number,
  cx: number,
  _: number,
  fy: number,
  cy: number,
  _: number,
  _: number,
  _: number,
];

/**
 * Projection (column by column, OpenGL) of a pinhole camera with intrinsics K on a
 * image of width × height px. The principal point may lie anywhere, so the frustum is off-centre:
 * a point (X, Y, Z), y up and z backward, is projected to where K projects (X, −Y, −Z).
 */
export function projectionFromIntrinsics(k: Intrinsics, width: number, height: number, near = NEAR, far = FAR): number[] {
  const [fx, skew, cx, , fy, cy] = k;
  const depth = (far + near) / (near - far);
  return [
    [(2 * fx) / width, 0, 0, 0],
    [(-2 * skew) / width, (2 * fy) / height, 0, 0],
    [1 - (2 * cx) / width, (2 * cy) / height - 1, depth, -1],
    [0, 0, (2 * far * near) / (near - far), 0],
  ].flat();
}

/** The camera of the video, at the origin of the camera frame. */
export class VideoCamera extends PerspectiveCamera {
  constructor(intrinsics: Intrinsics, width: number, height: number) {
    super();
    this.projectionMatrix.fromArray(projectionFromIntrinsics(intrinsics, width, height));
    this.projectionMatrixInverse.copy(this.projectionMatrix as Matrix4).invert();
  }
}

export interface Rect {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** The largest rectangle of an image's proportions in the middle of `outer` (as `object-fit: contain`). */
export function contain(outer: Rect, width: number, height: number): Rect {
  const scale = Math.min(outer.width / width, outer.height / height);
  const w = width * scale;
  const h = height * scale;
  return { x: outer.x + (outer.width - w) / 2, y: outer.y + (outer.height - h) / 2, width: w, height: h };
}

/** Camera position from which a sphere (m) fits into the view, seen from `direction` (any length). */
export function fitPosition(centre: Vec3, radius: number, direction: Vec3, fieldOfView: number, aspect: number): Vec3 {
  const half = ((fieldOfView / 2) * Math.PI) / 180;
  const narrow = Math.min(half, Math.atan(Math.tan(half) * aspect));
  const distance = (radius / Math.sin(narrow)) * 1.05;
  const length = Math.hypot(...direction);
  const along = (axis: 0 | 1 | 2) => centre[axis] + (direction[axis] / length) * distance;
  return [along(0), along(1), along(2)];
}
