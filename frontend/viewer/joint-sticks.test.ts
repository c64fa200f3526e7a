import { describe, expect, it } from "vitest";
import { STICK_VERTICES, stickFaces, stickPositions, stickSkin } from "./joint-sticks";

describe("a hand drawn from joints only", () => {
  const joints = Float32Array.from({ length: 63 }, (_, i) => Math.sin(7 * i) / 10);
  const positions = new Float32Array(3 * STICK_VERTICES);
  stickPositions(joints, positions);
  it("is a closed mesh: every edge belongs to two faces, once in each direction", () => {
    const faces = stickFaces();
    const seen = new Map<string, number>();
    for (let f = 0; f < faces.length; f += 3)
      for (const k of [0, 1, 2]) {
        const [a, b] = [faces[f + k] as number, faces[f + ((k + 1) % 3)] as number];
        seen.set(`${a} ${b}`, (seen.get(`${a} ${b}`) ?? 0) + 1);
        expect(Math.max(a, b)).toBeLessThan(STICK_VERTICES);
      }
    for (const [edge, count] of seen) expect([count, seen.get(edge.split(" ").reverse().join(" "))]).toEqual([1, 1]);
  });
  it("has its ends at the joints whose numbers its vertices store", () => {
    const { joints: numbers, weights } = stickSkin();
    for (let v = 0; v < STICK_VERTICES; v++) {
      expect((weights[4 * v] as number) + (weights[4 * v + 1] as number)).toBe(255);
      const only = weights[4 * v] === 255 ? numbers[4 * v] : weights[4 * v + 1] === 255 ? numbers[4 * v + 1] : undefined;
      if (only === undefined) continue;
      expect([...positions.subarray(3 * v, 3 * v + 3)]).toEqual([...joints.subarray(3 * only, 3 * only + 3)]);
    }
  });
  it("has finite vertices if two joints are in the same place", () => {
    stickPositions(new Float32Array(63), positions);
    expect(positions.every(Number.isFinite)).toBe(true);
  });
});
