import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import type { Intrinsics } from "./camera";
import type { Vec3 } from "./geometry";
import {
  boxScale,
  checkHeader,
  decodeCertainty,
  decodeChunk,
  decodeFaces,
  decodeJoints,
  decodeSkin,
  dequantise,
  gaps,
  gunzip,
  rowOf,
  type TrackHeader,
  union,
} from "./viewer-track";

const folder = new URL("./fixtures/track/", import.meta.url);
const read = (name: string) => readFileSync(new URL(name, folder));
const header: TrackHeader = checkHeader(JSON.parse(read("track.json").toString()));
interface ExpectedHand {
  side: string;
  frames: number[];
  faces: number[];
  first: number[];
  sixtieth: number[];
  last: number[];
  joints: number[];
  certainty: [number[], number[]];
}
const expected: ExpectedHand[] = JSON.parse(read("expected.json").toString());
const pairs = () => header.hands.map((hand, index) => [hand, expected[index] as ExpectedHand] as const);

function buffer(name: string): ArrayBuffer {
  const bytes = gunzipSync(read(`track/${name}`));
  return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer;
}

describe("a track written by Python", () => {
  it("has the expected hands, frames and faces", () => {
    expect(header.hands.map((hand) => hand.side)).toEqual(expected.map((hand) => hand.side));
    for (const [hand, truth] of pairs()) {
      const frames = hand.present.flatMap(([a, b]) => Array.from({ length: b - a + 1 }, (_, k) => a + k));
      expect(frames).toEqual(truth.frames);
      const faces = hand.faces as NonNullable<typeof hand.faces>;
      expect([...decodeFaces(buffer(faces.file), faces.type, hand.vertex_count)]).toEqual(truth.faces);
    }
  });

  it("has bit-exact joints, and the four largest skinning weights", () => {
    for (const [hand, truth] of pairs()) {
      const joints = decodeJoints(buffer(hand.joints?.file ?? ""), truth.frames.length);
      expect([...joints.subarray(-63)]).toEqual(truth.joints.map(Math.fround));
      const skin = decodeSkin(buffer(hand.skin?.file ?? ""), hand.vertex_count);
      for (let v = 0; v < hand.vertex_count; v++) {
        expect(skin.joints[4 * v]).toBe(v % 21);
        expect(skin.weights.subarray(4 * v, 4 * v + 4).reduce((sum, part) => sum + part, 0)).toBe(255);
      }
    }
  });

  it("has the certainty of the joints", () => {
    for (const [hand, truth] of pairs()) {
      const { std, seen } = decodeCertainty(buffer(hand.certainty?.file ?? ""), truth.frames.length);
      expect([[...std.subarray(-21)], [...seen.subarray(-21)]]).toEqual(truth.certainty);
    }
    expect(() => decodeCertainty(new ArrayBuffer(41), 1)).toThrow("certainty of 41 bytes, expected 42");
  });

  it("decodes to the same positions", () => {
    const scale = boxScale(header.box);
    for (const [hand, truth] of pairs()) {
      const rows = hand.chunks.flatMap((chunk) => {
        const positions = decodeChunk(buffer(chunk.file), chunk.rows, hand.vertex_count);
        const stride = hand.vertex_count * 3;
        return Array.from({ length: chunk.rows }, (_, k) => positions.subarray(k * stride, (k + 1) * stride));
      });
      expect(rows.length).toBe(truth.frames.length);
      for (const [row, numbers] of [
        [rows[0], truth.first],
        [rows[60], truth.sixtieth],
        [rows.at(-1), truth.last],
      ] as const) {
        const metres = new Float32Array(numbers.length);
        dequantise(row as Int16Array, scale, metres);
        expect(metres.every((value, k) => Math.abs(value - (numbers[k] as number)) < 5e-7)).toBe(true);
      }
    }
  });

  it("is decompressed by the browser's gzip", async () => {
    for (const { file } of header.hands.flatMap((hand) => hand.chunks)) {
      const packed = read(`track/${file}`);
      const plain = await gunzip(packed.buffer.slice(packed.byteOffset, packed.byteOffset + packed.byteLength) as ArrayBuffer);
      expect(new Uint8Array(plain)).toEqual(new Uint8Array(buffer(file)));
    }
  });
});

describe("an invalid track", () => {
  it("is rejected with a reason", () => {
    expect(() => checkHeader({ ...header, version: 3 })).toThrow("version 3");
    expect(() => checkHeader({ ...header, fps: 0 })).toThrow("frame rate");
    expect(() => checkHeader({ ...header, box: { ...header.box, min: [0, 0] as unknown as Vec3 } })).toThrow(
      "box.min is not 3",
    );
    expect(() => checkHeader({ ...header, intrinsics: [] as unknown as Intrinsics })).toThrow("intrinsics is not 9");
    expect(() => decodeChunk(new ArrayBuffer(5), 1, 1)).toThrow("chunk of 5 bytes, expected 6");
    expect(() => decodeJoints(new ArrayBuffer(8), 1)).toThrow("numbers of 8 bytes, expected 252");
    expect(() => decodeSkin(new ArrayBuffer(7), 1)).toThrow("skin of 7 bytes, expected 8");
    expect(() => decodeSkin(new Uint8Array(8).fill(21).buffer, 1)).toThrow("joint 21, expected less than 21");
    const faces = new Uint16Array([0, 1, 7]).buffer;
    expect(() => decodeFaces(faces, "uint16", 7)).toThrow("vertex index 7, expected less than 7");
    expect(() => decodeFaces(faces.slice(0, 4), "uint16", 8)).toThrow("2 vertex indices, expected a multiple of 3");
  });
});

describe("ranges", () => {
  it("map frames to rows", () => {
    const present: Array<[number, number]> = [
      [2, 4],
      [9, 9],
    ];
    expect([0, 1, 2, 3, 4, 5, 8, 9, 10].map((frame) => rowOf(present, frame))).toEqual([-1, -1, 0, 1, 2, -1, -1, 3, -1]);
    expect(rowOf([], 0)).toBe(-1);
  });
  it("have gaps", () => {
    expect(
      gaps(
        [
          [2, 4],
          [9, 9],
        ],
        12,
      ),
    ).toEqual([
      [0, 1],
      [5, 8],
      [10, 11],
    ]);
    expect(gaps([], 3)).toEqual([[0, 2]]);
    expect(gaps([[0, 2]], 3)).toEqual([]);
  });
  it("are merged", () => {
    expect(
      union([
        [5, 8],
        [0, 2],
        [3, 3],
        [7, 9],
      ]),
    ).toEqual([
      [0, 3],
      [5, 9],
    ]);
  });
});
