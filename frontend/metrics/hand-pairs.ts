/** Which hand of a prediction answers which hand of the truth, frame by frame: as `ml/metrics/matching.py` pairs them. */

/** Joints of one hand over time: row k has frame `frames[k]` (ascending) and joints 3 · J · k …, in metres. */
export interface HandJoints {
  side: "left" | "right";
  frames: readonly number[] | Int32Array;
  joints: Float32Array | Float64Array;
  jointCount: number;
}

export type Points = Float32Array | Float64Array | readonly number[];

/** The joints of one row. */
export function rowOfJoints({ joints, jointCount }: HandJoints, row: number): Float32Array | Float64Array {
  return joints.subarray(3 * jointCount * row, 3 * jointCount * (row + 1));
}

/** Frame → row, −1 where the hand is not there. */
function rowsByFrame(hand: HandJoints, frameCount: number): Int32Array {
  const rows = new Int32Array(frameCount).fill(-1);
  hand.frames.forEach((frame, row) => {
    if (frame < frameCount && Number.isFinite(rowOfJoints(hand, row)[0])) rows[frame] = row;
  });
  return rows;
}

/** For one hand of the truth: by frame its own row, and which hand and row of the prediction answers it; −1 for none. */
export interface HandPairs {
  truthRow: Int32Array;
  hand: Int32Array;
  row: Int32Array;
}

/** Pairs of all hands of the truth, in their order. Several hands of one side are paired so that the sum of distances is least. */
export function pairHands(truth: readonly HandJoints[], prediction: readonly HandJoints[], frameCount: number): HandPairs[] {
  const none = () => new Int32Array(frameCount).fill(-1);
  const pairs = truth.map((hand) => ({ truthRow: rowsByFrame(hand, frameCount), hand: none(), row: none() }));
  const rows = prediction.map((hand) => rowsByFrame(hand, frameCount));
  for (const side of ["left", "right"] as const) {
    const wanted = truth.flatMap((hand, k) => (hand.side === side ? [k] : []));
    const offered = prediction.flatMap((hand, k) => (hand.side === side ? [k] : []));
    for (let frame = 0; frame < frameCount; frame++) {
      const there = wanted.filter((k) => (pairs[k] as HandPairs).truthRow[frame] !== -1);
      const answers = offered.filter((k) => (rows[k] as Int32Array)[frame] !== -1);
      const distance = (k: number, other: number) =>
        meanApart(
          rowOfJoints(truth[k] as HandJoints, (pairs[k] as HandPairs).truthRow[frame] as number),
          rowOfJoints(prediction[other] as HandJoints, (rows[other] as Int32Array)[frame] as number),
        );
      for (const [k, other] of assign(there, answers, distance)) {
        const pair = pairs[k] as HandPairs;
        pair.hand[frame] = other;
        pair.row[frame] = (rows[other] as Int32Array)[frame] as number;
      }
    }
  }
  return pairs;
}

function meanApart(one: Points, other: Points): number {
  let sum = 0;
  for (let i = 0; i < one.length; i += 3)
    sum += Math.hypot(
      (one[i] as number) - (other[i] as number),
      (one[i + 1] as number) - (other[i + 1] as number),
      (one[i + 2] as number) - (other[i + 2] as number),
    );
  return (3 * sum) / one.length;
}

/** Beyond this many hands of one side in a frame they are paired one after the other. */
const EXACT = 5;

function assign(
  wanted: readonly number[],
  offered: readonly number[],
  distance: (wanted: number, offered: number) => number,
): Array<[number, number]> {
  if (wanted.length === 0 || offered.length === 0) return [];
  if (wanted.length === 1 && offered.length === 1) return [[wanted[0] as number, offered[0] as number]];
  const costs = new Map(wanted.flatMap((k) => offered.map((other) => [`${k} ${other}`, distance(k, other)] as const)));
  const cost = (k: number, other: number) => costs.get(`${k} ${other}`) as number;
  if (wanted.length > EXACT || offered.length > EXACT) return greedy(wanted, offered, cost);
  let best: { sum: number; pairs: Array<[number, number]> } = { sum: Number.POSITIVE_INFINITY, pairs: [] };
  const count = Math.min(wanted.length, offered.length);
  const extend = (at: number, left: readonly number[], pairs: Array<[number, number]>, sum: number): void => {
    if (pairs.length === count) {
      if (sum < best.sum) best = { sum, pairs };
      return;
    }
    if (wanted.length - at < count - pairs.length) return;
    const k = wanted[at] as number;
    for (const other of left)
      extend(
        at + 1,
        left.filter((each) => each !== other),
        [...pairs, [k, other]],
        sum + cost(k, other),
      );
    extend(at + 1, left, pairs, sum); // this one stays without an answer
  };
  extend(0, offered, [], 0);
  return best.pairs;
}

function greedy(
  wanted: readonly number[],
  offered: readonly number[],
  cost: (wanted: number, offered: number) => number,
): Array<[number, number]> {
  const all = wanted.flatMap((k) => offered.map((other) => [k, other] as [number, number]));
  all.sort((a, b) => cost(...a) - cost(...b));
  const pairs: Array<[number, number]> = [];
  for (const [k, other] of all) if (pairs.every(([one, two]) => one !== k && two !== other)) pairs.push([k, other]);
  return pairs;
}
