import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { ALIGNMENTS, type Alignment, alignment, apply } from "./alignment";
import { determinant, type Matrix3, svd3 } from "./svd";

type Frame = Array<[number, number, number]>;
const fixture: { truth: Frame[]; prediction: Frame[]; aligned: Record<Alignment, Frame[]> } = JSON.parse(
  readFileSync(new URL("./fixtures/alignments.json", import.meta.url), "utf8"),
);

describe("alignments", () => {
  it.each(ALIGNMENTS)("%s is that of ml.metrics to 1e-9 m", (name) => {
    for (const [k, truth] of fixture.truth.entries()) {
      const prediction = fixture.prediction[k] as Frame;
      const move = alignment(name, truth.flat(), prediction.flat());
      const root = name === "root" ? (truth[0] as [number, number, number]) : [0, 0, 0]; // Python moves roots to the origin
      for (const [joint, position] of prediction.entries()) {
        const expected = fixture.aligned[name][k]?.[joint] as [number, number, number];
        const moved = apply(move, position).map((value, axis) => value - (root[axis] as number));
        for (const axis of [0, 1, 2]) expect(Math.abs((moved[axis] as number) - (expected[axis] as number))).toBeLessThan(1e-9);
      }
    }
  });

  it("does not reflect if reflections are not allowed", () => {
    for (const [k, truth] of fixture.truth.entries()) {
      const prediction = (fixture.prediction[k] as Frame).flat();
      const { linear } = alignment("procrustes-rotation", truth.flat(), prediction);
      expect(determinant(linear)).toBeGreaterThan(0);
    }
    const mirrored = alignment("procrustes", (fixture.truth[1] as Frame).flat(), (fixture.prediction[1] as Frame).flat());
    expect(determinant(mirrored.linear)).toBeLessThan(0);
  });
});

describe("svd3", () => {
  const matrices: Matrix3[] = [
    [1, 2, 3, 4, 5, 6, 7, 8, 10],
    [1, 2, 3, 4, 5, 6, 7, 8, 9], // of rank 2
    [1, 2, 3, 2, 4, 6, 3, 6, 9], // of rank 1
    [0, 0, 0, 0, 0, 0, 0, 0, 0],
    [0, -1e-9, 0, 1e-9, 0, 0, 0, 0, 5],
  ];
  it.each(matrices.map((m) => [m]))("gives back the matrix from orthogonal factors: %j", (m) => {
    const { u, s, v } = svd3(m);
    const times = (a: Matrix3, b: (row: number, column: number) => number) =>
      [0, 1, 2].flatMap((i) =>
        [0, 1, 2].map((j) => [0, 1, 2].reduce((sum, k) => sum + (a[(3 * i + k) as 0] as number) * b(k, j), 0)),
      );
    const restored = times(u, (k, j) => (s[k as 0] as number) * (v[(3 * j + k) as 0] as number));
    for (const [k, value] of restored.entries()) expect(value).toBeCloseTo(m[k as 0] as number, 12);
    for (const factor of [u, v]) {
      const identity = times(factor, (k, j) => factor[(3 * j + k) as 0] as number);
      for (const [k, value] of identity.entries()) expect(value).toBeCloseTo(k % 4 ? 0 : 1, 12);
    }
    expect([...s].sort((a, b) => b - a)).toEqual(s);
  });
});
