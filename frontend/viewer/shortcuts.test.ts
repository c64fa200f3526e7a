import { describe, expect, it, vi } from "vitest";
import type { RunInfo, UploadInfo } from "./api";
import { Clock } from "./clock";
import { match, shortcuts } from "./shortcuts";
import { DEFAULT_STATE } from "./url-state";
import { ViewModel } from "./view-model";

const upload = { id: "u", name: "clip.mp4", frame_count: 100, fps: 30 } as UploadInfo;
const run = (id: string, method: string) =>
  ({ id, method, method_title: method, colour: "#4477AA", status: "succeeded" }) as RunInfo;

function page() {
  const model = new ViewModel(
    { upload, runs: [run("a", "one"), run("b", "two"), run("c", "one")], metrics: [], truth_metrics: [], first_methods: [] },
    DEFAULT_STATE,
  );
  const clock = new Clock(100, 30);
  const actions = { snapshot: vi.fn(), fullScreen: vi.fn(), fit: vi.fn(), comment: vi.fn() };
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
