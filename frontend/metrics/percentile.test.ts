import { expect, it } from "vitest";
import { percentile } from "./percentile";

it("computes a percentile over all histograms together", () => {
  const counts = (bin: number, count: number) => Array.from({ length: 8 }, (_, k) => (k === bin ? count : 0));
  expect(percentile([counts(1, 90), counts(5, 10)], 0.9)).toBe(1);
  expect(percentile([counts(1, 90), counts(5, 10)], 0.95)).toBe(3);
  expect(percentile([counts(7, 1)], 0.95)).toBe(4);
  expect(percentile([[0, 0]], 0.95)).toBeNull();
  expect(percentile([], 0.95)).toBeNull();
});
