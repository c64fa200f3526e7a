import { describe, expect, it } from "vitest";
import { duration, isFinal, ordinal, remaining } from "./status-text";

describe("status text", () => {
  it("names the place in the queue before the time", () => {
    expect(remaining({ status: "queued", place: 1, seconds_left: null })).toBe("next in the queue");
    expect(remaining({ status: "queued", place: 12, seconds_left: 4 })).toBe("12th in the queue");
  });
  it("is empty when work has ended or nothing is known", () => {
    expect(remaining({ status: "succeeded", place: null, seconds_left: 3 })).toBe("");
    expect(remaining({ status: "running", place: null, seconds_left: null })).toBe("");
  });
  it("rounds durations and writes ordinals", () => {
    expect([0.2, 8.6, 89, 120, 7200].map(duration)).toEqual(["1 s", "9 s", "89 s", "2 min", "2.0 h"]);
    expect([1, 2, 3, 4, 11, 12, 13, 21, 102].map(ordinal)).toEqual([
      "1st",
      "2nd",
      "3rd",
      "4th",
      "11th",
      "12th",
      "13th",
      "21st",
      "102nd",
    ]);
  });
  it("distinguishes final from open states", () => {
    expect(["ready", "failed", "cancelled", "succeeded"].every(isFinal)).toBe(true);
    expect(["queued", "running", "ingesting", "receiving"].some(isFinal)).toBe(false);
  });
});
