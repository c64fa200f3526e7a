import { describe, expect, it, vi } from "vitest";
import type { RunInfo, UploadInfo } from "./api";
import { Clock } from "./clock";
import { match, shortcuts } from "./shortcuts";
import { DEFAULT_STATE } from "./url-state";
import { clipMean, type RunModel, ViewModel } from "./view-model";

const upload = { id: "u", name: "clip.mp4", frame_count: 100, fps: 30 } as UploadInfo;
const run = (id: string, method: string) =>
  ({ id, method, method_title: method, colour: "#4477AA", status: "succeeded" }) as RunInfo;

function page() {
  const model = new ViewModel(
    { upload, runs: [run("a", "one"), run("b", "two"), run("c", "one")], metrics: [] },
    DEFAULT_STATE,
  );
  const clock = new Clock(100, 30);
  const actions = { snapshot: vi.fn(), fullScreen: vi.fn(), fit: vi.fn() };
  const table = shortcuts(model, clock, actions);
  const press = (key: string, shiftKey = false) => table.find((entry) => entry.keys.includes(key))?.run({ key, shiftKey });
  return { model, clock, actions, table, press };
}

describe("shortcuts", () => {
  it("move by one frame, with shift by ten", () => {
    const { clock, press } = page();
    press("ArrowRight", true);
    press("ArrowRight");
    press("ArrowLeft");
    expect(clock.frame).toBe(10);
    press("End");
    expect(clock.frame).toBe(99);
  });

  it("switch methods, layout and wireframe", () => {
    const { model, press } = page();
    press("2");
    press("9");
    press("c");
    press("w");
    expect(model.runs.map((one) => one.shown.value)).toEqual([true, false, false]);
    expect([model.layout.value, model.wireframe.value]).toEqual(["side", true]);
    press("o");
    expect(model.layout.value).toBe("overlay");
  });

  it("have distinct keys", () => {
    const keys = page().table.flatMap((entry) => entry.keys);
    expect(new Set(keys).size).toBe(keys.length);
  });

  it("leave the browser's keys, text fields and buttons alone", () => {
    const { table } = page();
    const event = (key: string, tagName = "BODY", more = {}) =>
      ({ key, target: { tagName }, ...more }) as unknown as KeyboardEvent;
    expect(match(table, event("s"))?.description).toContain("PNG");
    expect(match(table, event("s", "BODY", { ctrlKey: true }))).toBeUndefined();
    expect(match(table, event("1", "INPUT"))).toBeUndefined();
    const slider = { target: { tagName: "INPUT", type: "range" } };
    expect(match(table, event("1", "", slider))?.description).toBe("show or hide a method");
    expect(match(table, event("ArrowLeft", "", slider))).toBeUndefined();
    expect(match(table, event(" ", "BUTTON"))).toBeUndefined();
    expect(match(table, event("w", "BUTTON"))?.description).toBe("wireframe");
  });
});

describe("clipMean", () => {
  it("is the mean of the values per frame, before these are loaded that of the summary", () => {
    const metric = { name: "jitter", title: "Jitter", unit: "", direction: "lower" as const, definition: "", decimals: 2 };
    const info = { ...run("a", "one"), prediction: { sha256: "", size_bytes: 1, rows: 1, summary: { jitter: 9 } } };
    const one = new ViewModel({ upload, runs: [info], metrics: [metric] }, DEFAULT_STATE).runs[0] as RunModel;
    expect([clipMean(one, "jitter"), clipMean(one, "other")]).toEqual([9, null]);
    one.series.value = { frame_count: 3, hands: [{ track: 0, side: "left", values: { jitter: [1, null, 2] } }] };
    expect(clipMean(one, "jitter")).toBe(1.5);
  });
});

describe("ViewModel", () => {
  it("shows the newest runs of two methods, unless the link names runs", () => {
    expect(page().model.runs.map((one) => one.shown.value)).toEqual([true, true, false]);
    const eight = [..."abcdefgh"].map((name) => run(name, name));
    const many = new ViewModel({ upload, runs: eight, metrics: [] }, DEFAULT_STATE);
    expect(many.shownRuns.value.map((one) => one.id)).toEqual(["a", "b"]);
    const data = { upload, runs: [run("a", "one"), run("b", "two")], metrics: [] };
    const model = new ViewModel(data, { ...DEFAULT_STATE, runs: ["b"], frame: 1e6 });
    expect(model.runs.map((one) => one.shown.value)).toEqual([false, true]);
    expect(model.frame.value).toBe(99);
  });

  it("names the runs of a link that are missing, and shows the others or the newest", () => {
    const data = { upload, runs: [run("a", "one"), run("b", "two")], metrics: [] };
    const shown = (model: ViewModel) => model.shownRuns.value.map((one) => one.id);
    const part = new ViewModel(data, { ...DEFAULT_STATE, runs: ["b", "gone"] });
    expect(shown(part)).toEqual(["b"]);
    expect(part.linkProblem).toMatch(/^A run of this link cannot be shown/);
    const none = new ViewModel(data, { ...DEFAULT_STATE, runs: ["gone", "lost"] });
    expect(shown(none)).toEqual(["a", "b"]);
    expect(none.linkProblem).toMatch(/^2 runs of this link .* newest runs are shown instead/);
    const all = new ViewModel(data, { ...DEFAULT_STATE, runs: [] });
    expect([shown(all), all.linkProblem]).toEqual([[], ""]);
  });

  it("has no playback for a single image", () => {
    const single = new ViewModel({ upload: { ...upload, frame_count: 1 }, runs: [], metrics: [] }, DEFAULT_STATE);
    const actions = { snapshot: vi.fn(), fullScreen: vi.fn(), fit: vi.fn() };
    const keys = shortcuts(single, new Clock(1, 30), actions).flatMap((entry) => entry.keys);
    expect(keys).not.toContain("ArrowRight");
    expect(keys).toContain("w");
  });

  it("shows one alone, and all again", () => {
    const { model } = page();
    const second = model.runs[1] as RunModel;
    model.solo(second);
    expect(model.shownRuns.value.map((one) => one.id)).toEqual(["b"]);
    model.solo(second);
    expect(model.shownRuns.value.length).toBe(3);
  });

  it("returns the state it was created from", () => {
    const { model } = page();
    (model.runs[1] as RunModel).opacity.value = 0.3;
    expect(model.urlState()).toEqual({ ...DEFAULT_STATE, runs: ["a", "b"], opacity: { b: 0.3 } });
  });
});
