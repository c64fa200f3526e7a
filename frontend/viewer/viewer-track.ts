/**
 * Reads the track format. `ml/viewer_files/viewer_track.py` writes it and describes the bytes; `viewer-track.test.ts` decodes the
 * fixture that its test writes.
 */

import type { Intrinsics } from "./camera";
import type { Indices, Vec3 } from "./geometry";

export type Range = [first: number, last: number]; // inclusive

export interface TrackChunk {
  first: number;
  count: number;
  rows: number;
  file: string;
  bytes: number;
}

export interface TrackHand {
  track: number;
  side: "left" | "right";
  vertex_count: number; // 0: joints alone
  faces: { file: string; count: number; type: "uint16" | "uint32" } | null;
  joints?: { file: string; bytes: number }; // not in tracks written before 0.2.0
  skin?: { file: string; bytes: number };
  /** Of methods that tell how certain joints are. */
  certainty?: { file: string; bytes: number };
  /** Its chunks hold parameters, from which the page poses the meshes. */
  model?: { file: string; bytes: number; steps: number[]; mirrored: boolean };
  present: Range[];
  chunks: TrackChunk[];
}

export interface TrackHeader {
  version: number;
  fps: number;
  frame_count: number;
  width: number;
  height: number;
  intrinsics: Intrinsics;
  method: string;
  hand_model: string;
  unit: "m";
  box: { min: Vec3; max: Vec3 };
  chunk_frames: number;
  hands: TrackHand[];
}

const LIMIT = 32767;

/** The header if it is valid; throws an error that says what is wrong with it. */
export function checkHeader(header: TrackHeader): TrackHeader {
  if (header.version !== 1 && header.version !== 2)
    throw new Error(`track of version ${header.version}; this page reads versions 1 and 2`);
  if (!(header.fps > 0) || !(header.frame_count >= 0)) throw new Error("track without a frame rate or a number of frames");
  for (const [name, list, length] of [
    ["intrinsics", header.intrinsics, 9],
    ["box.min", header.box?.min, 3],
    ["box.max", header.box?.max, 3],
  ] as const)
    if (list?.length !== length || !list.every(Number.isFinite))
      throw new Error(`track whose ${name} is not ${length} numbers`);
  return header;
}

/** Decompress gzip. */
export async function gunzip(packed: ArrayBuffer): Promise<ArrayBuffer> {
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).arrayBuffer();
}

/** Quantised positions, `rows` × `vertexCount` × 3, from the unpacked bytes of a chunk. */
export function decodeChunk(data: ArrayBuffer, rows: number, vertexCount: number): Int16Array {
  const stride = vertexCount * 3;
  const size = rows * stride;
  if (data.byteLength !== 2 * size) throw new Error(`chunk of ${data.byteLength} bytes, expected ${2 * size}`);
  const bytes = new Uint8Array(data);
  const positions = new Int16Array(size);
  for (let i = 0; i < size; i++) {
    const before = i < stride ? 0 : (positions[i - stride] as number);
    // an Int16Array wraps modulo 2¹⁶ by itself
    positions[i] = before + ((bytes[i] as number) | ((bytes[size + i] as number) << 8));
  }
  return positions;
}

/** Joints of a hand in every track: 21, in OpenPose order. */
export const JOINTS = 21;

/** Joints in metres, `rows` × 21 × 3, from the unpacked bytes of a joints file. */
export function decodeJoints(data: ArrayBuffer, rows: number): Float32Array {
  return decodeFloats(data, rows, JOINTS * 3);
}

/** `rows` × `stride` numbers from the unpacked bytes of joints, or of a chunk of parameters. */
export function decodeFloats(data: ArrayBuffer, rows: number, stride: number): Float32Array {
  const size = rows * stride;
  if (data.byteLength !== 4 * size) throw new Error(`numbers of ${data.byteLength} bytes, expected ${4 * size}`);
  const bytes = new Uint8Array(data);
  const bits = new Int32Array(size);
  const byte = (plane: number, i: number) => bytes[plane * size + i] as number;
  for (let i = 0; i < size; i++) {
    const before = i < stride ? 0 : (bits[i - stride] as number);
    bits[i] = before + (byte(0, i) | (byte(1, i) << 8) | (byte(2, i) << 16) | (byte(3, i) << 24));
  }
  return new Float32Array(bits.buffer);
}

/** How certain the joints of a hand are, `rows` × 21. */
export interface Certainty {
  /** Standard deviation in half millimetres; 255 is that or more. */
  std: Uint8Array;
  /** 0 for joints that nothing saw. */
  seen: Uint8Array;
}

/** From the unpacked bytes of a certainty file. */
export function decodeCertainty(data: ArrayBuffer, rows: number): Certainty {
  const size = rows * JOINTS;
  if (data.byteLength !== 2 * size) throw new Error(`certainty of ${data.byteLength} bytes, expected ${2 * size}`);
  const summed = (plane: Uint8Array) => {
    // a Uint8Array wraps modulo 2⁸ by itself
    for (let i = JOINTS; i < size; i++) plane[i] = (plane[i] as number) + (plane[i - JOINTS] as number);
    return plane;
  };
  return { std: summed(new Uint8Array(data.slice(0, size))), seen: summed(new Uint8Array(data.slice(size))) };
}

/** Which joints move each vertex (V × 4), and how far, in 255ths. */
export interface Skin {
  joints: Uint8Array;
  weights: Uint8Array;
}

export function decodeSkin(data: ArrayBuffer, vertexCount: number): Skin {
  const size = 4 * vertexCount;
  if (data.byteLength !== 2 * size) throw new Error(`skin of ${data.byteLength} bytes, expected ${2 * size}`);
  const joints = new Uint8Array(data, 0, size);
  for (const joint of joints) if (joint >= JOINTS) throw new Error(`skin with joint ${joint}, expected less than ${JOINTS}`);
  return { joints, weights: new Uint8Array(data, size, size) };
}

/** Vertex indices of the triangles (F × 3), from the unpacked bytes of a faces file; all of them below `vertexCount`. */
export function decodeFaces(data: ArrayBuffer, type: "uint16" | "uint32", vertexCount: number): Indices {
  const faces = type === "uint16" ? new Uint16Array(data) : new Uint32Array(data);
  if (faces.length % 3) throw new Error(`faces with ${faces.length} vertex indices, expected a multiple of 3`);
  for (const index of faces)
    if (index >= vertexCount) throw new Error(`face with vertex index ${index}, expected less than ${vertexCount}`);
  return faces;
}

/** Quantised positions in metres: `centre + quantised · step`, axis by axis. */
export interface BoxScale {
  centre: Vec3;
  step: Vec3;
}

export function boxScale({ min, max }: TrackHeader["box"]): BoxScale {
  return {
    centre: [(min[0] + max[0]) / 2, (min[1] + max[1]) / 2, (min[2] + max[2]) / 2],
    step: [(max[0] - min[0]) / (2 * LIMIT), (max[1] - min[1]) / (2 * LIMIT), (max[2] - min[2]) / (2 * LIMIT)],
  };
}

/** Write the positions (m, camera frame of OpenCV) of one row into `target` (V × 3). */
export function dequantise(row: Int16Array, scale: BoxScale, target: Float32Array): void {
  const [cx, cy, cz] = scale.centre;
  const [sx, sy, sz] = scale.step;
  for (let i = 0; i < row.length; i += 3) {
    target[i] = cx + (row[i] as number) * sx;
    target[i + 1] = cy + (row[i + 1] as number) * sy;
    target[i + 2] = cz + (row[i + 2] as number) * sz;
  }
}

/** Number of frames of the ranges before `frame`, or −1 for a frame in a gap. */
export function rowOf(present: Range[], frame: number): number {
  let rows = 0;
  for (const [first, last] of present) {
    if (frame < first) return -1;
    if (frame <= last) return rows + frame - first;
    rows += last - first + 1;
  }
  return -1;
}

/** The frames of ranges, one after the other. */
export function framesOf(present: Range[]): Int32Array {
  return Int32Array.from(present.flatMap(([first, last]) => Array.from({ length: last - first + 1 }, (_, k) => first + k)));
}

/** The ranges of 0 … frameCount − 1 that are not covered. */
export function gaps(present: Range[], frameCount: number): Range[] {
  const found: Range[] = [];
  let next = 0;
  for (const [first, last] of present) {
    if (first > next) found.push([next, first - 1]);
    next = last + 1;
  }
  if (next < frameCount) found.push([next, frameCount - 1]);
  return found;
}

/** Sorted, disjoint ranges that cover the same frames as the given ones. */
export function union(ranges: Range[]): Range[] {
  const merged: Range[] = [];
  for (const [first, last] of [...ranges].sort((a, b) => a[0] - b[0])) {
    const end = merged.at(-1);
    if (end && first <= end[1] + 1) end[1] = Math.max(end[1], last);
    else merged.push([first, last]);
  }
  return merged;
}
