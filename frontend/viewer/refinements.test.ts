import { describe, expect, it } from "vitest";
import type { RunInfo, UploadInfo } from "./api";
import { DEFAULT_STATE } from "./url-state";
import { forEachLayer, ViewModel } from "./view-model";

const upload = { id: "u", name: "clip.mp4", frame_count: 100, fps: 30 } as UploadInfo;
const prediction = { sha256: "", size_bytes: 1, rows: 9, summary: {} };
const run = (id: string, about: Partial<RunInfo> = {}) =>
  ({ id, method: "fit", method_title: "Fit", status: "succeeded", prediction, start: null, ...about }) as RunInfo;
const page = (runs: RunInfo[], refining: { name: string; title: string } | null = { name: "hmp", title: "HMP" }) =>
  new ViewModel({ upload, runs, metrics: [], truth_metrics: [], first_methods: [], refining }, DEFAULT_STATE);

describe("refining a run", () => {
  it("is offered for finished runs of other methods with hands", () => {
    const model = page([
      run("external", { method: "HaMeR" }),
      run("own", { method: "hmp" }),
      run("open", { status: "running", prediction: null }),
      run("empty", { prediction: { ...prediction, rows: 0 } }),
    ]);
    expect(model.runs.map((each) => model.refinements?.isOffered(each))).toEqual([true, false, false, false]);
  });

  it("is not offered where it is done or on its way, but again where it failed", () => {
    const offered = (status: RunInfo["status"]) => {
      const model = page([run("new", { method: "hmp", status, start: "old" }), run("old")]);
      return model.runs.map((each) => model.refinements?.isOffered(each));
    };
    expect(offered("succeeded")).toEqual([false, false]);
    expect(offered("queued")).toEqual([false, false]);
    expect(offered("failed")).toEqual([false, true]);
  });

  it("is not offered to those who may not start runs", () => expect(page([run("a")], null).refinements).toBeNull());
});

describe("a run that is added", () => {
  it("has the next letter, and is followed as the others are", () => {
    const model = page([run("a"), run("b")]);
    const started: string[] = [];
    forEachLayer(model, (layer) => started.push(layer.letter));
    model.addRun(run("c", { status: "queued" }), false);
    expect(started).toEqual(["A", "B", "C"]);
    expect(model.shownRuns.value.map(({ letter }) => letter)).toEqual(["A"]);
  });
});
