/** Errors of one hand for every frame, as `ml/metrics/errors.py` computes them. */

import { type Alignment, type AlignmentOptions, alignment, meanDistance } from "./alignment";

/** Joints of one hand: row k has frame `frames[k]` (ascending) and `joints` 3 · J · k …, in metres. */
export interface HandJoints {
  frames: number[];
  joints: Float64Array;
  jointCount: number;
}

const MILLIMETRES = 1000;

/** Pairs of rows of the frames that both have, in order. */
function shared(truth: HandJoints, prediction: HandJoints): Array<[truthRow: number, predictionRow: number, frame: number]> {
  const rows = new Map(prediction.frames.map((frame, row) => [frame, row]));
  return truth.frames.flatMap((frame, row) => {
    const other = rows.get(frame);
    return other === undefined ? [] : [[row, other, frame] as [number, number, number]];
  });
}

function row({ joints, jointCount }: HandJoints, index: number): Float64Array {
  return joints.subarray(3 * jointCount * index, 3 * jointCount * (index + 1));
}

/** MPJPE in mm under an alignment for frames 0 … frameCount − 1; null where truth or prediction has no hand. */
export function jointErrors(
  truth: HandJoints,
  prediction: HandJoints,
  frameCount: number,
  name: Alignment,
  options: AlignmentOptions = {},
): Array<number | null> {
  const found = Array<number | null>(frameCount).fill(null);
  for (const [k, other, frame] of shared(truth, prediction)) {
    const [expected, predicted] = [row(truth, k), row(prediction, other)];
    found[frame] = MILLIMETRES * meanDistance(expected, predicted, alignment(name, expected, predicted, options));
  }
  return found;
}

/**
 * RA-ACC in mm/frame² for frames 0 … frameCount − 1: mean distance of the second differences of root-aligned joints; null
 * where the frame or one of its neighbours is missing in truth or prediction.
 */
export function accelerationErrors(
  truth: HandJoints,
  prediction: HandJoints,
  frameCount: number,
  root = 0,
): Array<number | null> {
  const found = Array<number | null>(frameCount).fill(null);
  const pairs = new Map(shared(truth, prediction).map(([k, other, frame]) => [frame, [k, other] as const]));
  for (const [frame, now] of pairs) {
    const [before, after] = [pairs.get(frame - 1), pairs.get(frame + 1)];
    if (!before || !after) continue;
    const expected = secondDifference(row(truth, before[0]), row(truth, now[0]), row(truth, after[0]), root);
    const predicted = secondDifference(row(prediction, before[1]), row(prediction, now[1]), row(prediction, after[1]), root);
    let sum = 0;
    for (let i = 0; i < expected.length; i += 3) {
      const apart = [0, 1, 2].map((axis) => (predicted[i + axis] as number) - (expected[i + axis] as number));
      sum += Math.hypot(...apart);
    }
    found[frame] = (MILLIMETRES * sum) / truth.jointCount;
  }
  return found;
}

function secondDifference(before: Float64Array, now: Float64Array, after: Float64Array, root: number): Float64Array {
  const of = (points: Float64Array, i: number) => (points[i] as number) - (points[3 * root + (i % 3)] as number);
  return now.map((_, i) => of(after, i) - 2 * of(now, i) + of(before, i));
}
