/** A hand of joints alone, as a mesh: one slim octahedron a bone. */

import type { Indices } from "./geometry";
import type { Skin } from "./viewer-track";

/** Parent of each of the 21 joints, OpenPose order: wrist, then thumb to little finger from base to tip. */
const PARENTS = Array.from({ length: 21 }, (_, joint) => (joint === 0 ? -1 : joint % 4 === 1 ? 0 : joint - 1));
/** Parent and child of each of the 20 bones. */
export const BONES = PARENTS.flatMap((parent, child) => (parent < 0 ? [] : [[parent, child] as const]));

const CORNERS = 6; // the parent's end, four around, the child's end
const AROUND = 0.2; // where the four are along the bone
const RADIUS = 0.004; // m

export const STICK_VERTICES = CORNERS * BONES.length;

export function stickFaces(): Indices {
  const faces = BONES.flatMap((_, bone) => {
    const at = (corner: number) => CORNERS * bone + corner;
    return [1, 2, 3, 4].flatMap((k) => {
      const next = (k % 4) + 1;
      return [at(0), at(next), at(k), at(5), at(k), at(next)];
    });
  });
  return Uint16Array.from(faces);
}

/** Which joints each vertex belongs to. */
export function stickSkin(): Skin {
  const joints = new Uint8Array(4 * STICK_VERTICES);
  const weights = new Uint8Array(4 * STICK_VERTICES);
  BONES.forEach(([parent, child], bone) => {
    for (let corner = 0; corner < CORNERS; corner++) {
      const i = 4 * (CORNERS * bone + corner);
      const towards = corner === 0 ? 0 : corner === 5 ? 255 : Math.round(255 * AROUND);
      joints.set([parent, child], i);
      weights.set([255 - towards, towards], i);
    }
  });
  return { joints, weights };
}

/** Write the vertices (m) of one row of joints (21 × 3) into `target` (V × 3). */
export function stickPositions(joints: Float32Array | Float64Array, target: Float32Array): void {
  BONES.forEach(([parent, child], bone) => {
    const [a, b] = [point(joints, parent), point(joints, child)];
    const along = minus(b, a);
    const length = Math.hypot(...along) || 1e-6;
    const unit = scaled(along, 1 / length);
    const across = normalised(cross(unit, Math.abs(unit[1]) < 0.9 ? [0, 1, 0] : [1, 0, 0]));
    const up = cross(unit, across);
    const radius = Math.min(RADIUS, length / 4);
    const corners: Vector[] = [a];
    for (const [u, v] of [
      [1, 0],
      [0, 1],
      [-1, 0],
      [0, -1],
    ] as const)
      corners.push(plus(plus(a, scaled(along, AROUND)), plus(scaled(across, u * radius), scaled(up, v * radius))));
    corners.push(b);
    corners.forEach((corner, k) => {
      target.set(corner, 3 * (CORNERS * bone + k));
    });
  });
}

type Vector = [number, number, number];

const point = (points: Float32Array | Float64Array, k: number): Vector => [
  points[3 * k] as number,
  points[3 * k + 1] as number,
  points[3 * k + 2] as number,
];
const plus = (a: Vector, b: Vector): Vector => [a[0] + b[0], a[1] + b[1], a[2] + b[2]];
const minus = (a: Vector, b: Vector): Vector => [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
const scaled = (a: Vector, by: number): Vector => [a[0] * by, a[1] * by, a[2] * by];
const cross = (a: Vector, b: Vector): Vector => [
  a[1] * b[2] - a[2] * b[1],
  a[2] * b[0] - a[0] * b[2],
  a[0] * b[1] - a[1] * b[0],
];
const normalised = (a: Vector): Vector => scaled(a, 1 / (Math.hypot(...a) || 1));
