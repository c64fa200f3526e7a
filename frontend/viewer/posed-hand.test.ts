import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { decodeModel, PARAMETERS, PosedHand, rotation } from "./posed-hand";
import { checkHeader, decodeFloats, type TrackHeader } from "./viewer-track";

const folder = new URL("./fixtures/posed/", import.meta.url);
const read = (name: string) => readFileSync(new URL(name, folder));
const header: TrackHeader = checkHeader(JSON.parse(read("track.json").toString()));

function buffer(data: Uint8Array): ArrayBuffer {
  return data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength) as ArrayBuffer;
}

const unpacked = (name: string) => buffer(gunzipSync(read(`track/${name}`)));

describe("hands posed in the browser", () => {
  it("have the server's vertices to 0.1 mm, in any order of frames", () => {
    const vertices = new Float32Array(buffer(read("vertices.bin")));
    expect(header.hands.map(({ side }) => side)).toEqual(["left", "right"]);
    header.hands.forEach(({ model, chunks, vertex_count }, index) => {
      if (!model || !chunks[0]) throw new Error("a hand without a model");
      const hand = new PosedHand(decodeModel(unpacked(model.file), vertex_count, model.steps, model.mirrored));
      const rows = decodeFloats(unpacked(chunks[0].file), 2, PARAMETERS);
      const made = new Float32Array(3 * vertex_count);
      for (const frame of [1, 0, 1]) {
        hand.pose(rows.subarray(frame * PARAMETERS, (frame + 1) * PARAMETERS), made);
        const start = (2 * index + frame) * made.length;
        let worst = 0;
        for (let i = 0; i < made.length; i++)
          worst = Math.max(worst, Math.abs((made[i] as number) - (vertices[start + i] as number)));
        expect(worst).toBeLessThan(2e-5); // along each axis
      }
    });
  });
});

describe("a model's file that is damaged", () => {
  it("is refused with a reason", () => {
    const { model, vertex_count } = header.hands[0] ?? {};
    if (!model || !vertex_count) throw new Error("a hand without a model");
    const data = unpacked(model.file);
    expect(() => decodeModel(data.slice(1), vertex_count, model.steps, false)).toThrow(`expected ${data.byteLength}`);
    expect(() => decodeModel(data, vertex_count, [1], false)).toThrow("1 steps, expected 11");
    new Uint8Array(data).fill(16, data.byteLength - 1);
    expect(() => decodeModel(data, vertex_count, model.steps, false)).toThrow("joint 16, expected below 16");
  });
});

describe("a rotation", () => {
  it("is the identity for the zero vector, and its angle is the length of the vector", () => {
    expect(rotation(0, 0, 0)).toEqual([1, 0, 0, 0, 1, 0, 0, 0, 1].map((value) => expect.closeTo(value, 12)));
    const quarter = [0, -1, 0, 1, 0, 0, 0, 0, 1];
    expect(rotation(0, 0, Math.PI / 2)).toEqual(quarter.map((value) => expect.closeTo(value, 12)));
    const tiny = rotation(1e-7, 0, 0);
    expect(tiny[7]).toBeCloseTo(1e-7, 12);
  });
});
