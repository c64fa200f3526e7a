/**
 * "Smooth or true?": whether a method is smooth because it follows the truth, or because it smooths it away. A clip's jitter
 * is set beside its lag and the amplitude that it keeps; all of joint positions relative to the wrist.
 */

import { type HandJoints, type HandPairs, rowOfJoints } from "./hand-pairs";

export interface Smoothness {
  /** Mean length of the second difference in time, mm/frame². */
  jitter: number;
  /** The same of the truth, over the same frames. */
  truthJitter: number;
  /** Frames by which the prediction is late: the shift at which its joint velocities correlate best with the truth's. */
  lag: number;
  /**
   * Share of the true joint velocity that the prediction has at that lag: the cross-spectrum of the two over the truth's own
   * spectrum, weighted by the latter, so that noise adds nothing to it. 1 keeps all motion.
   */
  amplitude: number;
}

const MAX_LAG = 10;
const MILLIMETRES = 1000;

/** Positions relative to the wrist, frame by frame; NaN where there is no row. */
function relative(hand: (frame: number) => Float32Array | Float64Array | null, frameCount: number, size: number): Float64Array {
  const points = new Float64Array(frameCount * size).fill(Number.NaN);
  for (let frame = 0; frame < frameCount; frame++) {
    const row = hand(frame);
    if (!row) continue;
    for (let i = 0; i < size; i++) points[frame * size + i] = (row[i] as number) - (row[i % 3] as number);
  }
  return points;
}

function difference(points: Float64Array, size: number): Float64Array {
  return points.map((value, i) => (points[i + size] ?? Number.NaN) - value);
}

/** Sums over frames and joints: lengths of `a` and how many there are, only where `b` is a number, too. */
function lengths(a: Float64Array, b: Float64Array): [sum: number, count: number] {
  let [sum, count] = [0, 0];
  for (let i = 0; i < a.length; i += 3) {
    const length = Math.hypot(a[i] as number, a[i + 1] as number, a[i + 2] as number);
    if (Number.isNaN(length) || Number.isNaN(b[i] as number)) continue;
    sum += length;
    count++;
  }
  return [sum, count];
}

interface Correlation {
  cross: number;
  truth: number;
  prediction: number;
}

/** Sums of products of velocities, the prediction taken `shift` numbers later. */
function correlate(truth: Float64Array, prediction: Float64Array, shift: number, into: Correlation): void {
  const first = Math.max(0, -shift);
  const last = Math.min(truth.length, truth.length - shift);
  for (let i = first; i < last; i++) {
    const [t, p] = [truth[i] as number, prediction[i + shift] as number];
    const product = t * p;
    if (Number.isNaN(product)) continue;
    into.cross += product;
    into.truth += t * t;
    into.prediction += p * p;
  }
}

/** Null where no three frames in a row are in both, or the truth does not move. */
export function smoothness(
  truth: readonly HandJoints[],
  prediction: readonly HandJoints[],
  pairs: readonly HandPairs[],
): Smoothness | null {
  const lags = Array.from({ length: 2 * MAX_LAG + 1 }, () => ({ cross: 0, truth: 0, prediction: 0 }));
  const [own, true_]: [[number, number], [number, number]] = [
    [0, 0],
    [0, 0],
  ];
  const add = (sums: [number, number], [sum, count]: [number, number]) => {
    sums[0] += sum;
    sums[1] += count;
  };
  pairs.forEach((pair, k) => {
    const size = 3 * (truth[k]?.jointCount ?? 0);
    const of = (hand: HandJoints | undefined, row: number) => (hand && row >= 0 ? rowOfJoints(hand, row) : null);
    const frameCount = pair.row.length;
    const expected = relative((frame) => of(truth[k], pair.truthRow[frame] as number), frameCount, size);
    const found = relative((f) => of(prediction[pair.hand[f] as number], pair.row[f] as number), frameCount, size);
    const [trueSpeed, speed] = [difference(expected, size), difference(found, size)];
    const [trueChange, change] = [difference(trueSpeed, size), difference(speed, size)];
    add(own, lengths(change, trueChange));
    add(true_, lengths(trueChange, change));
    lags.forEach((sums, index) => {
      correlate(trueSpeed, speed, (index - MAX_LAG) * size, sums);
    });
  });
  const score = ({ cross, truth: t, prediction: p }: Correlation) => (t > 0 && p > 0 ? cross / Math.sqrt(t * p) : -1);
  const best = lags.reduce(
    (top, _, index) => (score(lags[index] as Correlation) > score(lags[top] as Correlation) ? index : top),
    MAX_LAG,
  );
  const at = lags[best] as Correlation;
  if (!own[1] || at.truth === 0) return null;
  return {
    jitter: (MILLIMETRES * own[0]) / own[1],
    truthJitter: (MILLIMETRES * true_[0]) / true_[1],
    lag: best - MAX_LAG,
    amplitude: at.cross / at.truth,
  };
}
