/**
 * Alignments of predicted to true joints, frame by frame: the same as `ml/metrics/alignment.py`, which names the sources.
 * Points are x, y, z one after the other (P × 3) in any one unit. Elements are read with `as number`: loops stay inside.
 */

import { determinant, type Matrix3, svd3 } from "./svd";

export const ALIGNMENTS = ["none", "root", "scale-translation", "procrustes", "procrustes-rotation"] as const;
export type Alignment = (typeof ALIGNMENTS)[number];

/** Added to Frobenius norms, as in the official scripts. */
const EPSILON = 1e-8;

/** p' = linear · p + translation: how the prediction is moved; the 3D view moves meshes by the same. */
export interface Affine {
  linear: Matrix3; // row by row
  translation: [number, number, number];
}

export interface AlignmentOptions {
  /** Joint whose position is matched by `root` and `scale-translation`. */
  root?: number;
  /** Joints between which `scale-translation` matches the distance. */
  bone?: [number, number];
}

type Points = Float64Array | readonly number[];

const point = (points: Points, index: number): [number, number, number] => [
  points[3 * index] as number,
  points[3 * index + 1] as number,
  points[3 * index + 2] as number,
];

function uniform(scale: number, translation: [number, number, number]): Affine {
  return { linear: [scale, 0, 0, 0, scale, 0, 0, 0, scale], translation };
}

/** How an alignment moves the prediction onto the truth. `root` moves its root onto the truth's, which keeps all errors. */
export function alignment(name: Alignment, truth: Points, prediction: Points, options: AlignmentOptions = {}): Affine {
  const { root = 0, bone = [0, 4] } = options;
  if (name === "none") return uniform(1, [0, 0, 0]);
  if (name === "procrustes" || name === "procrustes-rotation")
    return similarity(truth, prediction, { reflections: name === "procrustes" });
  const scale = name === "root" ? 1 : length(truth, bone) / (length(prediction, bone) || 1);
  const [to, from] = [point(truth, root), point(prediction, root)];
  return uniform(scale, [to[0] - scale * from[0], to[1] - scale * from[1], to[2] - scale * from[2]]);
}

function length(points: Points, [a, b]: [number, number]): number {
  const [p, q] = [point(points, a), point(points, b)];
  return Math.hypot(p[0] - q[0], p[1] - q[1], p[2] - q[2]);
}

interface Cloud {
  mean: [number, number, number];
  norm: number;
}

function cloud(points: Points): Cloud {
  const count = points.length / 3;
  const mean: [number, number, number] = [0, 0, 0];
  for (let i = 0; i < points.length; i++) mean[(i % 3) as 0 | 1 | 2] += (points[i] as number) / count;
  let squares = 0;
  for (let i = 0; i < points.length; i++) squares += ((points[i] as number) - mean[(i % 3) as 0 | 1 | 2]) ** 2;
  return { mean, norm: Math.sqrt(squares) + EPSILON };
}

/** The best similarity by SVD (orthogonal Procrustes); without `reflections` a proper rotation. */
function similarity(truth: Points, prediction: Points, { reflections }: { reflections: boolean }): Affine {
  const [to, from] = [cloud(truth), cloud(prediction)];
  const covariance: Matrix3 = [0, 0, 0, 0, 0, 0, 0, 0, 0];
  for (let i = 0; i < truth.length; i += 3)
    for (const row of [0, 1, 2] as const) {
      const expected = ((truth[i + row] as number) - to.mean[row]) / to.norm;
      for (const column of [0, 1, 2] as const)
        covariance[(3 * row + column) as 0] +=
          (expected * ((prediction[i + column] as number) - from.mean[column])) / from.norm;
    }
  const { u, s, v } = svd3(covariance);
  const isMirrored = determinant(u) * determinant(v) < 0;
  const last = isMirrored && !reflections ? -1 : 1;
  const factor = ((s[0] + s[1] + last * s[2]) * to.norm) / from.norm;
  const entry = (row: 0 | 1 | 2, column: 0 | 1 | 2) =>
    factor *
    ((u[(3 * row) as 0] as number) * (v[(3 * column) as 0] as number) +
      (u[(3 * row + 1) as 0] as number) * (v[(3 * column + 1) as 0] as number) +
      last * (u[(3 * row + 2) as 0] as number) * (v[(3 * column + 2) as 0] as number));
  const linear: Matrix3 = [
    entry(0, 0),
    entry(0, 1),
    entry(0, 2),
    entry(1, 0),
    entry(1, 1),
    entry(1, 2),
    entry(2, 0),
    entry(2, 1),
    entry(2, 2),
  ];
  const moved = apply({ linear, translation: [0, 0, 0] }, from.mean);
  return { linear, translation: [to.mean[0] - moved[0], to.mean[1] - moved[1], to.mean[2] - moved[2]] };
}

/** Points moved by an alignment. */
export function apply({ linear, translation }: Affine, [x, y, z]: readonly [number, number, number]): [number, number, number] {
  const [a, b, c, d, e, f, g, h, i] = linear;
  return [
    a * x + b * y + c * z + translation[0],
    d * x + e * y + f * z + translation[1],
    g * x + h * y + i * z + translation[2],
  ];
}

/** Mean distance between true points and the moved prediction, in their unit. */
export function meanDistance(truth: Points, prediction: Points, move: Affine): number {
  const count = truth.length / 3;
  let sum = 0;
  for (let k = 0; k < count; k++) {
    const [x, y, z] = apply(move, point(prediction, k));
    const [tx, ty, tz] = point(truth, k);
    sum += Math.sqrt((x - tx) ** 2 + (y - ty) ** 2 + (z - tz) ** 2);
  }
  return sum / count;
}
