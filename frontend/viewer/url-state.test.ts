import { describe, expect, it, vi } from "vitest";
import { DEFAULT_STATE, parseState, throttled, type ViewState, writeState } from "./url-state";

const full: ViewState = {
  frame: 212,
  runs: ["a1", "b2"],
  opacity: { b2: 0.25 },
  layout: "side",
  wireframe: true,
  skeleton: true,
  speed: 0.5,
  loop: false,
  camera: { position: [0.1, -0.2, 0.3], target: [0, 0.005, -0.5] },
  zoom: [30, 90],
  truth: "wireframe",
  reference: "a1",
  alignment: "procrustes",
  joints: "tips",
  errors: true,
  scale: "p95",
  wipe: 0.25,
  metric: "pa_mpjpe",
  comment: "c-9",
};

describe("the URL", () => {
  it("holds the whole state", () => {
    expect(parseState(writeState(full))).toEqual(full);
    expect(writeState(full)).toContain("runs=a1,b2");
  });

  it("is empty for the default", () => {
    expect(writeState(DEFAULT_STATE)).toBe("");
    expect(parseState("")).toEqual(DEFAULT_STATE);
  });

  it("keeps unknown parameters and leaves out default values", () => {
    expect(writeState({ ...DEFAULT_STATE, frame: 3 }, "?ref=mail&wireframe=1&frame=9")).toBe("?ref=mail&frame=3");
  });

  it("ignores invalid values", () => {
    const odd =
      "?frame=abc&speed=-1&camera=1,2&zoom=9,3&layout=moon&opacity=2,x&wireframe=maybe&truth=1&alignment=best&joints=constructor&errors=2&scale=7&wipe=3&reference=<b>&metric=a%20b&constructor=1&%zz";
    expect(parseState(odd)).toEqual(DEFAULT_STATE);
    expect(parseState("?frame=-7.6").frame).toBe(0);
    expect(parseState("?camera=1,2,3,4,5,").camera).toBeNull();
    expect(parseState("?camera=1,2,3,1,2,3").camera).toBeNull();
    expect(parseState("?camera=1e9,2,3,0,0,0").camera).toBeNull();
  });

  it("distinguishes an empty list of runs from a missing one", () => {
    expect(parseState("?runs=").runs).toEqual([]);
    expect(parseState(writeState({ ...DEFAULT_STATE, runs: [] })).runs).toEqual([]);
  });
});

describe("throttled", () => {
  it("writes at once, then at intervals, and always the last value", () => {
    vi.useFakeTimers();
    const write = vi.fn();
    const put = throttled(write, 200);
    for (const value of [1, 2, 3]) put(value);
    expect(write.mock.calls).toEqual([[1]]);
    vi.advanceTimersByTime(200);
    expect(write.mock.calls).toEqual([[1], [3]]);
    vi.advanceTimersByTime(1000);
    put(4);
    expect(write.mock.calls).toEqual([[1], [3], [4]]);
    vi.useRealTimers();
  });
});
