import { describe, expect, it } from "vitest";
import type { RunInfo, UploadInfo } from "./api";
import type { HandBoxes } from "./hand-boxes";
import { DEFAULT_STATE } from "./url-state";
import { forEachLayer, ViewModel } from "./view-model";

const upload = { id: "u", name: "clip.mp4", frame_count: 100, fps: 30 } as UploadInfo;
const prediction = { sha256: "", size_bytes: 1, rows: 9, summary: {} };
const run = (id: string, about: Partial<RunInfo> = {}) =>
  ({ id, method: "fit", method_title: "Fit", status: "succeeded", prediction, start: null, boxes: [], ...about }) as RunInfo;
const refining = { name: "hmp", title: "HMP" };
const page = (runs: RunInfo[], can_write = true) =>
  new ViewModel(
    { upload, runs, metrics: [], truth_metrics: [], first_methods: [], refining, boxes: { can_write } },
    DEFAULT_STATE,
  );

describe("refining a run", () => {
  it("is offered for finished runs of other methods with hands", () => {
    const model = page([
      run("external", { method: "HaMeR" }),
      run("own", { method: "hmp" }),
      run("open", { status: "running", prediction: null }),
      run("empty", { prediction: { ...prediction, rows: 0 } }),
    ]);
    expect(model.runs.map((each) => model.newRuns?.canRefine(each))).toEqual([true, false, false, false]);
  });

  it("is not offered if it is done, queued or running, but again if it failed", () => {
    const offered = (status: RunInfo["status"]) => {
      const model = page([run("new", { method: "hmp", status, start: "old" }), run("old")]);
      return model.runs.map((each) => model.newRuns?.canRefine(each));
    };
    expect(offered("succeeded")).toEqual([false, false]);
    expect(offered("queued")).toEqual([false, false]);
    expect(offered("failed")).toEqual([false, true]);
  });

  it("is not offered to those who may not start runs", () => expect(page([run("a")], false).newRuns).toBeNull());
});

describe("running a method again", () => {
  const box = { id: "box", frame: 3, x: 0, y: 0, width: 20, height: 20, side: "left" as const };

  it("is offered after boxes were drawn or deleted, until it has been started", () => {
    const model = page([
      run("external", { is_external: true }),
      run("old", { method: "a" }),
      run("now", { method: "b", boxes: [box] }),
      run("failed", { method: "c", status: "failed", boxes: [box] }),
      run("first", { method: "c" }),
    ]);
    const boxes = model.boxes as HandBoxes;
    boxes.all.value = [box];
    const offered = () => model.runs.filter((each) => model.newRuns?.canRunAgain(each, boxes)).map(({ id }) => id);
    expect(offered()).toEqual(["old", "first"]);
    model.addRun(run("again", { method: "a", status: "queued", boxes: [box] }), false);
    expect(offered()).toEqual(["first"]);
    boxes.all.value = [];
    expect(offered()).toEqual(["now"]);
  });
});

describe("a run that is added", () => {
  it("has the next letter, and is updated like the others", () => {
    const model = page([run("a"), run("b")]);
    const started: string[] = [];
    forEachLayer(model, (layer) => started.push(layer.letter));
    model.addRun(run("c", { status: "queued" }), false);
    expect(started).toEqual(["A", "B", "C"]);
    expect(model.shownRuns.value.map(({ letter }) => letter)).toEqual(["A"]);
  });
});
