/**
 * Poses the meshes of hands whose parameters a track holds, by linear blend skinning. `ml/viewer_files/posed_hands.py` describes
 * the bytes and writes them, `ml/hand/model.py` is the same hand on the server; `posed-hand.test.ts` compares the two.
 */

import type { Vec3 } from "./geometry";

const JOINTS = 16; // MANO order: the root, then five fingers of three joints
const BETAS = 10;
const INFLUENCES = 4;
const WORLD = 12 * JOINTS; // where the motion of the root's parent starts
/** Numbers a row: 16 rotations, the translation, ten β. */
export const PARAMETERS = 3 * JOINTS + 3 + BETAS;

/** A hand at rest and how it moves; lengths in metres. */
export interface HandModel {
  vertexCount: number;
  /** At rest, then per unit of each β: 11 × 16 × 3. */
  joints: Float32Array;
  /** At rest, then per unit of each β: 11 × V × 3. */
  vertices: Float32Array;
  /** V × 4; those of a vertex sum to 1. */
  weights: Float32Array;
  /** Which joint each weight is of. */
  influences: Uint8Array;
}

/** The model from the unpacked bytes of its file, which is of a right hand: `mirrored` makes it the left one. */
export function decodeModel(data: ArrayBuffer, vertexCount: number, steps: readonly number[], mirrored: boolean): HandModel {
  const count = 1 + BETAS;
  const sizes = [4 * count * JOINTS * 3, 2 * count * vertexCount * 3, 2 * vertexCount * INFLUENCES, vertexCount * INFLUENCES];
  const ends = sizes.map((_, part) => sizes.slice(0, part + 1).reduce((sum, size) => sum + size, 0));
  if (data.byteLength !== ends[3]) throw new Error(`hand model of ${data.byteLength} bytes, expected ${ends[3]}`);
  if (steps.length !== count) throw new Error(`hand model with ${steps.length} steps, expected ${count}`);
  const joints = new Float32Array(data.slice(0, ends[0]));
  const quantised = new Int16Array(data.slice(ends[0], ends[1]));
  const vertices = Float32Array.from(quantised, (value, i) => value * (steps[Math.floor(i / (3 * vertexCount))] as number));
  if (mirrored)
    for (const points of [joints, vertices]) for (let i = 0; i < points.length; i += 3) points[i] = -(points[i] ?? 0);
  const influences = new Uint8Array(data, ends[2]);
  for (const joint of influences)
    if (joint >= JOINTS) throw new Error(`hand model with joint ${joint}, expected below ${JOINTS}`);
  return {
    vertexCount,
    joints,
    vertices,
    weights: Float32Array.from(new Uint16Array(data.slice(ends[1], ends[2])), (weight) => weight / 65535),
    influences,
  };
}

/** One hand in one pose after the other. */
export class PosedHand {
  private readonly betas = new Float32Array(BETAS);
  private readonly restJoints: Float32Array;
  private readonly rest: Float32Array;
  /** Of each joint, and of the root's parent, where it carries the points at rest: three rows of a rotation and a translation. */
  private readonly motions = new Float64Array(WORLD + 12);

  constructor(private readonly model: HandModel) {
    this.restJoints = model.joints.slice(0, 3 * JOINTS);
    this.rest = model.vertices.slice(0, 3 * model.vertexCount);
  }

  /** Write the vertices (m, camera frame of OpenCV) of a row of parameters into `target` (V × 3). */
  pose(row: Float32Array, target: Float32Array): void {
    this.setShape(row.subarray(PARAMETERS - BETAS));
    this.setMotions(row);
    const { rest, motions } = this;
    const { weights, influences, vertexCount } = this.model;
    for (let v = 0; v < vertexCount; v++) {
      const [x, y, z] = [rest[3 * v] as number, rest[3 * v + 1] as number, rest[3 * v + 2] as number];
      let [px, py, pz] = [0, 0, 0];
      for (let i = INFLUENCES * v; i < INFLUENCES * (v + 1); i++) {
        const weight = weights[i] as number;
        if (weight === 0) continue;
        const m = 12 * (influences[i] as number);
        px += weight * carried(motions, m, x, y, z);
        py += weight * carried(motions, m + 4, x, y, z);
        pz += weight * carried(motions, m + 8, x, y, z);
      }
      target[3 * v] = px;
      target[3 * v + 1] = py;
      target[3 * v + 2] = pz;
    }
  }

  /** The hand at rest of a shape, which mostly is the same in all frames. */
  private setShape(betas: Float32Array): void {
    if (betas.every((beta, k) => beta === this.betas[k])) return;
    this.betas.set(betas);
    shaped(this.model.joints, betas, this.restJoints);
    shaped(this.model.vertices, betas, this.rest);
  }

  private setMotions(row: Float32Array): void {
    const { motions, restJoints } = this;
    for (let axis = 0; axis < 3; axis++) {
      const m = WORLD + 4 * axis;
      motions.fill(0, m, m + 3);
      motions[m + axis] = 1;
      motions[m + 3] = row[3 * JOINTS + axis] as number;
    }
    for (let joint = 0; joint < JOINTS; joint++) {
      const parent = joint === 0 ? WORLD : joint % 3 === 1 ? 0 : 12 * (joint - 1);
      const [x, y, z] = [restJoints[3 * joint], restJoints[3 * joint + 1], restJoints[3 * joint + 2]] as Vec3;
      const local = rotation(...([row[3 * joint], row[3 * joint + 1], row[3 * joint + 2]] as Vec3));
      for (let axis = 0; axis < 3; axis++) {
        const from = parent + 4 * axis;
        const to = 12 * joint + 4 * axis;
        const place = carried(motions, from, x, y, z);
        const [a, b, c] = [motions[from], motions[from + 1], motions[from + 2]] as Vec3;
        for (let column = 0; column < 3; column++)
          motions[to + column] =
            a * (local[column] as number) + b * (local[3 + column] as number) + c * (local[6 + column] as number);
        motions[to + 3] = 0;
        motions[to + 3] = place - carried(motions, to, x, y, z); // the joint itself is where its parent carries it
      }
    }
  }
}

/** One coordinate of a carried point: `m` is where that row of the motion starts. */
function carried(motions: Float64Array, m: number, x: number, y: number, z: number): number {
  return (
    (motions[m] as number) * x + (motions[m + 1] as number) * y + (motions[m + 2] as number) * z + (motions[m + 3] as number)
  );
}

function shaped(directions: Float32Array, betas: Float32Array, target: Float32Array): void {
  const size = target.length;
  target.set(directions.subarray(0, size));
  for (let k = 0; k < BETAS; k++) {
    const beta = betas[k] as number;
    for (let i = 0; i < size; i++) target[i] = (target[i] as number) + beta * (directions[(k + 1) * size + i] as number);
  }
}

/** The matrix, row by row, of a rotation by |(x, y, z)| about that axis (Rodrigues). */
export function rotation(x: number, y: number, z: number): number[] {
  const angle = Math.hypot(x, y, z);
  // sin(a) / a and (1 − cos(a)) / a², with their limits at 0
  const s = angle < 1e-6 ? 1 : Math.sin(angle) / angle;
  const c = angle < 1e-6 ? 0.5 : 2 * (Math.sin(angle / 2) / angle) ** 2;
  return [
    1 - c * (y * y + z * z),
    c * x * y - s * z,
    c * x * z + s * y,
    c * x * y + s * z,
    1 - c * (x * x + z * z),
    c * y * z - s * x,
    c * x * z - s * y,
    c * y * z + s * x,
    1 - c * (x * x + y * y),
  ];
}
