import { expect, it } from "vitest";
import { roundTicks } from "./smooth-or-true";

it("an axis has round ticks that cover the values", () => {
  expect(roundTicks(0, 4.2)).toEqual([0, 1, 2, 3, 4, 5]);
  expect(roundTicks(-1, 3)).toEqual([-1, 0, 1, 2, 3]);
  expect(roundTicks(50, 112)).toEqual([40, 60, 80, 100, 120]);
  for (const [low, high] of [
    [0, 0.37],
    [-7, 12],
    [3, 3],
  ] as const) {
    const ticks = roundTicks(low, high);
    expect(ticks[0]).toBeLessThanOrEqual(low);
    expect(ticks.at(-1)).toBeGreaterThanOrEqual(high);
    expect(ticks.length).toBeLessThanOrEqual(8);
  }
});
