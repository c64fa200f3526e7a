import { describe, expect, it } from "vitest";
import { arrow, formatValue, type Metric, meanOverHands, type Series, worstFrames } from "./frame-metrics";

const series: Series = {
  frame_count: 4,
  hands: [
    { track: 0, side: "left", values: { jitter: [1, null, 3, null] } },
    { track: 1, side: "right", values: { jitter: [3, 5, null, null] } },
  ],
};

describe("meanOverHands", () => {
  it("is over the hands that have a value, and leaves gaps", () => {
    expect(meanOverHands(series, "jitter")).toEqual([2, 5, 3, null]);
  });
  it("is empty for a metric that no hand has", () => {
    expect(meanOverHands(series, "reprojection")).toEqual([null, null, null, null]);
  });
});

describe("worstFrames", () => {
  it("are at a distance from each other, worst first, and never in a gap", () => {
    expect(worstFrames([1, 9, 8, null, 2, 7], 2, 2)).toEqual([1, 5]);
    expect(worstFrames([null, 4, 5, 1], 9, 2)).toEqual([2]);
  });
});

describe("formatValue", () => {
  it("adds the unit, or gives a dash for a missing value", () => {
    const metric: Metric = {
      name: "jitter",
      title: "Jitter",
      unit: "mm/frame²",
      direction: "lower",
      definition: "",
      decimals: 2,
    };
    expect(formatValue(1.23456, metric)).toBe("1.23 mm/frame²");
    expect(formatValue(null, metric)).toBe("–");
    expect([arrow(metric), arrow({ ...metric, direction: "higher" })]).toEqual(["↓", "↑"]);
  });
});
