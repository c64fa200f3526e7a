import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import {
  boxScale,
  checkHeader,
  decodeChunk,
  decodeFaces,
  dequantise,
  gaps,
  gunzip,
  rowOf,
  type TrackHeader,
  union,
} from "./track";

const folder = new URL("./fixtures/track/", import.meta.url);
const read = (name: string) => readFileSync(new URL(name, folder));
const header: TrackHeader = checkHeader(JSON.parse(read("track.json").toString()));
const expected: Array<{
  side: string;
  frames: number[];
  faces: number[];
  first: number[];
  sixtieth: number[];
  last: number[];
}> = JSON.parse(read("expected.json").toString());

function buffer(name: string): ArrayBuffer {
  const bytes = gunzipSync(read(`track/${name}`));
  return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer;
}

describe("what Python wrote", () => {
  it("has the hands, frames and faces it says", () => {
    expect(header.hands.map((hand) => hand.side)).toEqual(expected.map((hand) => hand.side));
    header.hands.forEach((hand, index) => {
      const frames = hand.present.flatMap(([a, b]) => Array.from({ length: b - a + 1 }, (_, k) => a + k));
      expect(frames).toEqual(expected[index].frames);
      expect([...decodeFaces(buffer(hand.faces.file), hand.faces.type)]).toEqual(expected[index].faces);
    });
  });

  it("decodes to the same numbers", () => {
    const scale = boxScale(header.box);
    header.hands.forEach((hand, index) => {
      const rows = hand.chunks.flatMap((chunk) => {
        const positions = decodeChunk(buffer(chunk.file), chunk.rows, hand.vertex_count);
        const stride = hand.vertex_count * 3;
        return Array.from({ length: chunk.rows }, (_, k) => positions.subarray(k * stride, (k + 1) * stride));
      });
      expect(rows.length).toBe(expected[index].frames.length);
      const wanted = { 0: expected[index].first, 60: expected[index].sixtieth, [rows.length - 1]: expected[index].last };
      for (const [row, numbers] of Object.entries(wanted)) {
        const metres = new Float32Array(numbers.length);
        dequantise(rows[Number(row)], scale, metres);
        for (const [k, value] of metres.entries()) expect(value).toBeCloseTo(numbers[k], 6);
      }
    });
  });

  it("is unpacked by the browser's own gzip", async () => {
    const file = header.hands[0].chunks[0].file;
    const packed = read(`track/${file}`);
    const plain = await gunzip(packed.buffer.slice(packed.byteOffset, packed.byteOffset + packed.byteLength) as ArrayBuffer);
    expect(new Uint8Array(plain)).toEqual(new Uint8Array(buffer(file)));
  });
});

describe("what is not a track", () => {
  it("is refused with a reason", () => {
    expect(() => checkHeader({ ...header, version: 2 })).toThrow("version 2");
    expect(() => checkHeader({ ...header, fps: 0 })).toThrow("frame rate");
    expect(() => decodeChunk(new ArrayBuffer(5), 1, 1)).toThrow("chunk of 5 bytes, expected 6");
  });
});

describe("ranges", () => {
  it("number the rows of the frames in them", () => {
    const present: Array<[number, number]> = [
      [2, 4],
      [9, 9],
    ];
    expect([0, 1, 2, 3, 4, 5, 8, 9, 10].map((frame) => rowOf(present, frame))).toEqual([-1, -1, 0, 1, 2, -1, -1, 3, -1]);
    expect(rowOf([], 0)).toBe(-1);
  });
  it("leave gaps", () => {
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
  it("unite", () => {
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
