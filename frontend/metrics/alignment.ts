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

type Points = Float32Array | Float64Array | readonly number[];

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
  let [x, y, z] = [0, 0, 0];
  for (let i = 0; i < points.length; i += 3) {
    x += points[i] as number;
    y += points[i + 1] as number;
    z += points[i + 2] as number;
  }
  x /= count;
  y /= count;
  z /= count;
  let squares = 0;
  for (let i = 0; i < points.length; i += 3) {
    const dx = (points[i] as number) - x;
    const dy = (points[i + 1] as number) - y;
    const dz = (points[i + 2] as number) - z;
    squares += dx * dx + dy * dy + dz * dz;
  }
  return { mean: [x, y, z], norm: Math.sqrt(squares) + EPSILON };
}

/** Centred truth (rows) times centred prediction (columns), each over its norm. Unrolled: it is done for every frame. */
function covarianceOf(truth: Points, to: Cloud, prediction: Points, from: Cloud): Matrix3 {
  const [tx, ty, tz] = to.mean;
  const [px, py, pz] = from.mean;
  let [a, b, c, d, e, f, g, h, k] = [0, 0, 0, 0, 0, 0, 0, 0, 0];
  for (let i = 0; i < truth.length; i += 3) {
    const x = (prediction[i] as number) - px;
    const y = (prediction[i + 1] as number) - py;
    const z = (prediction[i + 2] as number) - pz;
    const u = (truth[i] as number) - tx;
    const v = (truth[i + 1] as number) - ty;
    const w = (truth[i + 2] as number) - tz;
    a += u * x;
    b += u * y;
    c += u * z;
    d += v * x;
    e += v * y;
    f += v * z;
    g += w * x;
    h += w * y;
    k += w * z;
  }
  const n = 1 / (to.norm * from.norm);
  return [a * n, b * n, c * n, d * n, e * n, f * n, g * n, h * n, k * n];
}

/** The best similarity by SVD (orthogonal Procrustes); without `reflections` a proper rotation. */
function similarity(truth: Points, prediction: Points, { reflections }: { reflections: boolean }): Affine {
  const [to, from] = [cloud(truth), cloud(prediction)];
  const { u, s, v } = svd3(covarianceOf(truth, to, prediction, from));
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
