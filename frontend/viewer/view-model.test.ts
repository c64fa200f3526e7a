import { describe, expect, it } from "vitest";
import type { RunInfo, UploadInfo } from "./api";
import type { RunModel } from "./layers";
import { DEFAULT_STATE } from "./url-state";
import { ViewModel } from "./view-model";

const upload = { id: "u", name: "clip.mp4", frame_count: 100, fps: 30 } as UploadInfo;
const run = (id: string, method: string) =>
  ({ id, method, method_title: method, colour: "#4477AA", status: "succeeded" }) as RunInfo;

describe("a metric's mean over the clip", () => {
  it("is the mean of the values per frame, or the value of the summary before these are loaded", () => {
    const metric = { name: "jitter", title: "Jitter", unit: "", direction: "lower" as const, definition: "", decimals: 2 };
    const info = { ...run("a", "one"), prediction: { sha256: "", size_bytes: 1, rows: 1, summary: { jitter: 9 } } };
    const data = { upload, runs: [info], metrics: [metric], truth_metrics: [], first_methods: [] };
    const one = new ViewModel(data, DEFAULT_STATE).runs[0] as RunModel;
    expect([one.clips.value.jitter, one.clips.value.other]).toEqual([9, undefined]);
    one.series.value = { frame_count: 3, hands: [{ track: 0, side: "left", values: { jitter: [1, null, 4] } }] };
    expect(one.clips.value.jitter).toBe(2.5);
  });
});

describe("the methods that are shown at first", () => {
  const runs = [run("e", "own"), run("d", "fit"), run("c", "motion"), run("b", "fit"), run("a", "other")];
  const shown = (offered: RunInfo[]) => {
    const data = { upload, runs: offered, metrics: [], truth_metrics: [], first_methods: ["motion", "fit"] };
    return new ViewModel(data, DEFAULT_STATE).shownRuns.value.map(({ id }) => id);
  };

  it("are the recommended ones, the newest run of each", () => expect(shown(runs)).toEqual(["d", "c"]));

  it("are the newest runs if there are none of the recommended ones", () => {
    expect(shown([run("b", "own"), run("a", "fit")])).toEqual(["b", "a"]);
    expect(shown([run("c", "own"), run("b", "third"), run("a", "other")])).toEqual(["c", "b"]);
  });
});

describe("ground truth", () => {
  const truth = { status: "succeeded", stage: "", progress: 1, error: "", links: { track: "/truth/track/" } } as const;
  const metric = (name: string) => ({
    name,
    title: name,
    unit: "mm",
    direction: "lower" as const,
    definition: "",
    decimals: 1,
  });
  const names = ["mpjpe", "ra_mpjpe", "st_mpjpe", "pa_mpjpe", "pr_mpjpe", "ra_acceleration_error", "agreement"];
  const data = {
    runs: [run("a", "one"), run("b", "two")],
    metrics: [metric("jitter")],
    truth_metrics: names.map(metric),
    first_methods: [],
  };
  const withTruth = () => new ViewModel({ ...data, upload: { ...upload, truth } }, DEFAULT_STATE);
  const without = () => new ViewModel({ ...data, upload }, DEFAULT_STATE);

  it("is shown as ghost, as wireframe, or not", () => {
    const model = withTruth();
    const styles = [0, 1, 2, 3].map(() => {
      const style = model.truthStyle.value;
      model.nextTruthStyle();
      return style;
    });
    expect(styles).toEqual(["ghost", "wireframe", "off", "ghost"]);
    expect(model.layers.map((layer) => layer.letter)).toEqual(["T", "A", "B"]);
    expect(without().truth).toBeNull();
  });

  it("gives the metrics of every alignment that has a plot, the chosen one first", () => {
    const model = withTruth();
    const shown = () => model.metrics.value.map(({ name }) => name);
    expect(shown()).toEqual(["mpjpe", "pa_mpjpe", "ra_mpjpe", "ra_acceleration_error", "jitter"]);
    model.comparison.alignment.value = "scale-translation";
    expect(shown()[0]).toBe("st_mpjpe");
    model.comparison.joints.value = "tips";
    expect(model.metrics.value[0]?.title).toBe("st_mpjpe (fingertips)");
  });

  it("is replaced by a method as the reference if there is none", () => {
    const model = without();
    expect(model.comparison.target.value).toBeNull();
    expect(model.metrics.value.map(({ name }) => name)).toEqual(["jitter"]);
    model.comparison.toggleColours();
    expect(model.comparison.target.value?.id).toBe("a");
    expect(model.metrics.value.map(({ title }) => title)).toEqual(["agreement", "jitter"]);
    expect(model.urlState()).toMatchObject({ reference: "a", errors: true });
  });

  it("gives the colours' scale: fixed, or the 95th percentile of the shown methods' errors", () => {
    const { comparison, runs } = withTruth();
    expect(comparison.scaleMax.value).toBe(20);
    comparison.scale.value = "p95";
    const histogram = Array.from({ length: 400 }, (_, bin) => (bin === 22 ? 1 : 0));
    const values = { frames: [], clip: 1 };
    (runs[0] as RunModel).errors.value = {
      id: 0,
      joints: { none: { ...values, histogram } },
      acceleration: values,
      coverage: 1,
      smoothness: null,
    };
    expect(comparison.scaleMax.value).toBe(12);
  });

  it("lets methods be sorted by their values, those without one last", () => {
    const model = withTruth();
    const [a, b] = model.runs as [RunModel, RunModel];
    const errors = (clip: number | null) => {
      const values = { frames: [clip], clip };
      return { id: 0, joints: { none: { ...values, histogram: [] } }, acceleration: values, coverage: 1, smoothness: null };
    };
    const order = () => model.sortedRuns().map((one) => one.id);
    b.errors.value = errors(3);
    model.sort.value = { by: "clip", descending: true };
    expect(order()).toEqual(["b", "a"]);
    a.errors.value = errors(5);
    expect(order()).toEqual(["a", "b"]);
    model.sort.value = { by: "frame", descending: false };
    expect(order()).toEqual(["b", "a"]);
    model.sort.value = { by: "name", descending: true };
    expect(order()).toEqual(["b", "a"]);
    model.sort.value = { by: "", descending: false };
    expect(order()).toEqual(["a", "b"]);
  });
});
