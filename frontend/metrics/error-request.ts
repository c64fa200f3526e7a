/** What the page asks the metrics worker, and the answers. Hands are sent once, under a key, and then named by it. */

import type { Alignment } from "./alignment";
import { accelerationErrors, type ClipValues, type ErrorOptions, type JointErrors, jointErrors } from "./frame-errors";
import { type HandJoints, type HandPairs, pairHands } from "./hand-pairs";
import { type Smoothness, smoothness } from "./smoothness";

export interface PutRequest {
  kind: "put";
  key: string;
  hands: HandJoints[];
}

export interface ErrorRequest {
  kind: "errors";
  id: number;
  truth: string;
  prediction: string;
  frameCount: number;
  alignments: readonly Alignment[];
  options?: ErrorOptions;
}

export interface ErrorResponse {
  id: number;
  /** MPJPE in mm by alignment: PA-MPJPE is `procrustes`, RA-MPJPE `root`. */
  joints: Partial<Record<Alignment, JointErrors>>;
  /** RA-ACC in mm/frame². */
  acceleration: ClipValues;
  /** Share of the truth's hands that the prediction has. */
  coverage: number;
  /** Jitter, lag and kept amplitude; null without motion. */
  smoothness: Smoothness | null;
}

/** The worker's side: keeps the hands it was sent, and their pairs. */
export class ErrorService {
  private readonly hands = new Map<string, HandJoints[]>();
  private readonly pairs = new Map<string, HandPairs[]>();
  /** Acceleration errors do not depend on the alignment, which is what changes most. */
  private readonly accelerations = new Map<string, ClipValues>();
  private readonly smoothness = new Map<string, Smoothness | null>();

  put({ key, hands }: PutRequest): void {
    this.hands.set(key, hands);
    for (const kept of [this.pairs, this.accelerations, this.smoothness])
      for (const pair of kept.keys()) if (pair.split("|").includes(key)) kept.delete(pair);
  }

  answer({ id, truth, prediction, frameCount, alignments, options }: ErrorRequest): ErrorResponse {
    const [expected, predicted] = [this.hands.get(truth), this.hands.get(prediction)];
    if (!expected || !predicted) throw new Error(`no hands of ${expected ? prediction : truth}`);
    const key = `${truth}|${prediction}|${frameCount}`;
    const pairs = this.pairs.get(key) ?? pairHands(expected, predicted, frameCount);
    this.pairs.set(key, pairs);
    const joints: ErrorResponse["joints"] = {};
    for (const name of alignments) joints[name] = jointErrors(expected, predicted, pairs, name, options);
    const over = `${key}|${JSON.stringify(options ?? {})}`;
    const acceleration = this.accelerations.get(over) ?? accelerationErrors(expected, predicted, pairs, options);
    this.accelerations.set(over, acceleration);
    const motion = this.smoothness.get(key) ?? smoothness(expected, predicted, pairs);
    this.smoothness.set(key, motion);
    return { id, joints, acceleration, coverage: coverageOf(pairs), smoothness: motion };
  }
}

function coverageOf(pairs: readonly HandPairs[]): number {
  const count = (rows: Int32Array) => rows.reduce((sum, row) => sum + (row < 0 ? 0 : 1), 0);
  const wanted = pairs.reduce((sum, { truthRow }) => sum + count(truthRow), 0);
  return wanted ? pairs.reduce((sum, { row }) => sum + count(row), 0) / wanted : 0;
}
