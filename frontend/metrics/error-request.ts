/** What the page asks the metrics worker, and the answer. */

import type { Alignment, AlignmentOptions } from "./alignment";
import { accelerationErrors, type HandJoints, jointErrors } from "./frame-errors";

export interface ErrorRequest {
  id: number;
  truth: HandJoints;
  prediction: HandJoints;
  frameCount: number;
  alignments: readonly Alignment[];
  options?: AlignmentOptions;
}

export interface ErrorResponse {
  id: number;
  /** MPJPE in mm per frame, by alignment: PA-MPJPE is `procrustes`, RA-MPJPE `root`. */
  joints: Partial<Record<Alignment, Array<number | null>>>;
  /** RA-ACC in mm/frame² per frame. */
  acceleration: Array<number | null>;
}

/** The answer to one request. */
export function answer({ id, truth, prediction, frameCount, alignments, options }: ErrorRequest): ErrorResponse {
  const joints: ErrorResponse["joints"] = {};
  for (const name of alignments) joints[name] = jointErrors(truth, prediction, frameCount, name, options);
  return { id, joints, acceleration: accelerationErrors(truth, prediction, frameCount, options?.root) };
}
