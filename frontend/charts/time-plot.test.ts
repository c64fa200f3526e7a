import { describe, expect, it } from "vitest";
import { tickIncrements, tickLabel, valueRange } from "./time-plot";

/** The labels that an axis of a few ticks has. */
function labels(largest: number, decimals: number): string[] {
  const [, top] = valueRange(largest, decimals);
  const increment = tickIncrements(decimals).find((step) => top / step <= 3) ?? Number.NaN;
  return Array.from({ length: Math.floor(top / increment + 1e-9) + 1 }, (_, k) => tickLabel(k * increment, increment));
}

describe("the value axis", () => {
  it("has different labels, also for a series of zeros or of one small value", () => {
    for (const largest of [0, 1e-6, 0.004, 0.05, 0.31, 1, 9.7, 123.4, 98765])
      for (const decimals of [1, 2, 4]) {
        const found = labels(largest, decimals);
        expect(found.length).toBeGreaterThan(1);
        expect(new Set(found).size).toBe(found.length);
      }
    expect(labels(0, 2)).toEqual(["0.00", "0.02", "0.04"]);
  });
  it("shows the largest value", () => {
    expect(valueRange(12, 2)[1]).toBeGreaterThan(12);
  });
  it("has round increments without rounding errors", () => {
    expect(tickIncrements(1).slice(0, 6)).toEqual([0.1, 0.2, 0.5, 1, 2, 5]);
  });
});
