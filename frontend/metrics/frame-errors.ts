/** Errors of all hands of a clip, per frame and over the clip, as `ml/metrics/errors.py` computes them. */

import { type Affine, type Alignment, type AlignmentOptions, alignment } from "./alignment";
import { type HandJoints, type HandPairs, rowOfJoints } from "./hand-pairs";

/** Values per frame (means over the hands; null where there is none), and the mean over all rows of the clip. */
export interface ClipValues {
  frames: Array<number | null>;
  clip: number | null;
}

export interface JointErrors extends ClipValues {
  /** How many single distances lie in each bin of `BIN_MM`; the last bin holds the rest. */
  histogram: number[];
}

export interface ErrorOptions extends AlignmentOptions {
  /** Joints that are averaged over; all where it is not given. */
  joints?: readonly number[] | undefined;
}

export const BIN_MM = 0.5;
export const BINS = 400;
const MILLIMETRES = 1000;

class Sums {
  private readonly sums: Float64Array;
  private readonly counts: Uint16Array;
  private sum = 0;
  private count = 0;

  constructor(frameCount: number) {
    this.sums = new Float64Array(frameCount);
    this.counts = new Uint16Array(frameCount);
  }

  add(frame: number, value: number): void {
    this.sums[frame] = (this.sums[frame] as number) + value;
    this.counts[frame] = (this.counts[frame] as number) + 1;
    this.sum += value;
    this.count++;
  }

  values(): ClipValues {
    const frames = Array.from(this.counts, (count, frame) => (count ? (this.sums[frame] as number) / count : null));
    return { frames, clip: this.count ? this.sum / this.count : null };
  }
}

/** MPJPE in mm under an alignment; null where truth or prediction has no hand. */
export function jointErrors(
  truth: readonly HandJoints[],
  prediction: readonly HandJoints[],
  pairs: readonly HandPairs[],
  name: Alignment,
  options: ErrorOptions = {},
): JointErrors {
  const frameCount = pairs[0]?.row.length ?? 0;
  const sums = new Sums(frameCount);
  const histogram = new Array<number>(BINS).fill(0);
  pairs.forEach((pair, k) => {
    for (let frame = 0; frame < frameCount; frame++) {
      const answer = prediction[pair.hand[frame] as number];
      if (!answer) continue;
      const expected = rowOfJoints(truth[k] as HandJoints, pair.truthRow[frame] as number);
      const predicted = rowOfJoints(answer, pair.row[frame] as number);
      const move = alignment(name, expected, predicted, options);
      sums.add(frame, meanDistance(expected, predicted, move, options.joints, histogram));
    }
  });
  return { ...sums.values(), histogram };
}

function meanDistance(
  truth: Float32Array | Float64Array,
  prediction: Float32Array | Float64Array,
  move: Affine,
  joints: readonly number[] | undefined,
  histogram: number[],
): number {
  const count = joints?.length ?? truth.length / 3;
  const [a, b, c, d, e, f, g, h, l] = move.linear;
  const [u, v, w] = move.translation;
  let sum = 0;
  // `jointDistance` written out: this runs for every joint of every frame
  for (let k = 0; k < count; k++) {
    const i = 3 * (joints ? (joints[k] as number) : k);
    const [x, y, z] = [prediction[i] as number, prediction[i + 1] as number, prediction[i + 2] as number];
    const dx = a * x + b * y + c * z + u - (truth[i] as number);
    const dy = d * x + e * y + f * z + v - (truth[i + 1] as number);
    const dz = g * x + h * y + l * z + w - (truth[i + 2] as number);
    const distance = MILLIMETRES * Math.sqrt(dx * dx + dy * dy + dz * dz);
    sum += distance;
    const bin = Math.min(BINS - 1, Math.floor(distance / BIN_MM));
    histogram[bin] = (histogram[bin] as number) + 1;
  }
  return sum / count;
}

/** Distance between one true joint and the moved prediction, in the unit of the points. */
export function jointDistance(
  truth: Float32Array | Float64Array,
  prediction: Float32Array | Float64Array,
  { linear, translation }: Affine,
  joint: number,
): number {
  const i = 3 * joint;
  const [x, y, z] = [prediction[i] as number, prediction[i + 1] as number, prediction[i + 2] as number];
  const [a, b, c, d, e, f, g, h, k] = linear;
  const dx = a * x + b * y + c * z + translation[0] - (truth[i] as number);
  const dy = d * x + e * y + f * z + translation[1] - (truth[i + 1] as number);
  const dz = g * x + h * y + k * z + translation[2] - (truth[i + 2] as number);
  return Math.sqrt(dx * dx + dy * dy + dz * dz);
}

/**
 * RA-ACC in mm/frame²: mean distance of the second differences of root-aligned joints; null where the frame or one of its
 * neighbours is missing in truth or prediction.
 */
export function accelerationErrors(
  truth: readonly HandJoints[],
  prediction: readonly HandJoints[],
  pairs: readonly HandPairs[],
  { root = 0, joints }: ErrorOptions = {},
): ClipValues {
  const frameCount = pairs[0]?.row.length ?? 0;
  const sums = new Sums(frameCount);
  pairs.forEach((pair, k) => {
    const expected = (frame: number) => rowOfJoints(truth[k] as HandJoints, pair.truthRow[frame] as number);
    const predicted = (frame: number) =>
      rowOfJoints(prediction[pair.hand[frame] as number] as HandJoints, pair.row[frame] as number);
    for (let frame = 1; frame + 1 < frameCount; frame++) {
      if ([frame - 1, frame, frame + 1].some((each) => (pair.hand[each] as number) < 0)) continue;
      const of = [expected, predicted].map((at) => [at(frame - 1), at(frame), at(frame + 1)] as const);
      const [p, q] = of as [Triple, Triple];
      const all = joints ?? Array.from({ length: p[0].length / 3 }, (_, joint) => joint);
      let sum = 0;
      for (const joint of all) sum += accelerationApart(p, q, joint, root);
      sums.add(frame, (MILLIMETRES * sum) / all.length);
    }
  });
  return sums.values();
}

type Triple = readonly [Float32Array | Float64Array, Float32Array | Float64Array, Float32Array | Float64Array];

function accelerationApart(p: Triple, q: Triple, joint: number, root: number): number {
  let squares = 0;
  for (let axis = 0; axis < 3; axis++) {
    const apart = secondDifference(q, joint, root, axis) - secondDifference(p, joint, root, axis);
    squares += apart * apart;
  }
  return Math.sqrt(squares);
}

function secondDifference([before, now, after]: Triple, joint: number, root: number, axis: number): number {
  const [i, r] = [3 * joint + axis, 3 * root + axis];
  const of = (points: Float32Array | Float64Array) => (points[i] as number) - (points[r] as number);
  return of(after) - 2 * of(now) + of(before);
}
