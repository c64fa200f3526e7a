import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { ALIGNMENTS, type Alignment } from "./alignment";
import { type ErrorRequest, ErrorService, type PutRequest } from "./error-request";
import { accelerationErrors, BIN_MM, type ClipValues, type ErrorOptions, jointErrors } from "./frame-errors";
import { type HandJoints, pairHands } from "./hand-pairs";
import { JOINT_SUBSETS } from "./joint-subsets";
import { MetricsClient } from "./metrics-client";

const fixture: {
  frames: number[];
  truth: number[][][];
  prediction: number[][][];
  errors_mm: Record<Alignment, number[]>;
  tip_errors_mm: Record<Alignment, number[]>;
  acceleration_mm: Array<number | null>;
} = JSON.parse(readFileSync(new URL("./fixtures/alignments.json", import.meta.url), "utf8"));

const hand = (joints: number[][][], frames = fixture.frames, side: HandJoints["side"] = "right"): HandJoints => ({
  side,
  frames,
  joints: new Float64Array(joints.flat(2)),
  jointCount: 21,
});
const [truth, prediction] = [hand(fixture.truth), hand(fixture.prediction)];
const COUNT = 13;

const errors = (expected: HandJoints[], predicted: HandJoints[], name: Alignment, options?: ErrorOptions) =>
  jointErrors(expected, predicted, pairHands(expected, predicted, COUNT), name, options);
const accelerations = (expected: HandJoints[], predicted: HandJoints[]) =>
  accelerationErrors(expected, predicted, pairHands(expected, predicted, COUNT)).frames;

function expectClose(found: Array<number | null>, expected: Array<number | null>): void {
  expect(found.length).toBe(COUNT);
  for (const [k, frame] of fixture.frames.entries()) {
    const [value, wanted] = [found[frame], expected[k]];
    if (wanted === null || wanted === undefined) expect(value).toBeNull();
    else expect(Math.abs((value as number) - wanted)).toBeLessThan(1e-6);
  }
  for (const frame of [6, 7, 12]) expect(found[frame]).toBeNull();
}

describe("errors per frame", () => {
  it.each(ALIGNMENTS)("MPJPE under %s is that of ml.metrics to 1e-6 mm, of all joints and of fingertips", (name) => {
    const all = errors([truth], [prediction], name);
    expectClose(all.frames, fixture.errors_mm[name]);
    const mean = fixture.errors_mm[name].reduce((sum, value) => sum + value, 0) / fixture.frames.length;
    expect(Math.abs((all.clip as number) - mean)).toBeLessThan(1e-6);
    const tips = errors([truth], [prediction], name, { joints: JOINT_SUBSETS.tips.joints });
    expectClose(tips.frames, fixture.tip_errors_mm[name]);
  });
  it("acceleration errors are those of ml.metrics to 1e-6 mm, and none beside a gap", () => {
    expectClose(accelerations([truth], [prediction]), fixture.acceleration_mm);
  });
  it("are null where one of the two has no hand, or its joints are not numbers", () => {
    const part = hand(fixture.prediction.slice(3), fixture.frames.slice(3));
    expect(errors([truth], [part], "root").frames.slice(0, 4)).toEqual([null, null, null, expect.any(Number)]);
    expect(accelerations([truth], [part])[3]).toBeNull();
    const broken = hand([[...Array(21)].map(() => [Number.NaN, 0, 0]), ...fixture.prediction.slice(1)]);
    expect(errors([truth], [broken], "root").frames[0]).toBeNull();
  });
  it("are counted in a histogram", () => {
    const { histogram } = errors([truth], [truth], "none");
    expect(histogram[0]).toBe(21 * fixture.frames.length);
    const far = errors([truth], [prediction], "none").histogram;
    expect(far.reduce((sum, count) => sum + count, 0)).toBe(21 * fixture.frames.length);
    expect(far.findLastIndex((count) => count > 0) * BIN_MM).toBeGreaterThan(100);
  });
});

describe("pairs of hands", () => {
  const moved = (by: number) => hand(fixture.truth.map((row) => row.map(([x, y, z]) => [(x ?? 0) + by, y ?? 0, z ?? 0])));
  it("have the same side", () => {
    const [pair] = pairHands([hand(fixture.truth, fixture.frames, "left")], [prediction], COUNT);
    expect([...(pair?.hand ?? [])]).toEqual(Array(COUNT).fill(-1));
  });
  it("are those whose distances have the least sum", () => {
    const [first, second] = pairHands([moved(0), moved(0.2)], [moved(0.21), moved(0.02)], COUNT);
    expect([first?.hand[0], second?.hand[0]]).toEqual([1, 0]);
  });
  it("leave out surplus hands", () => {
    const pairs = pairHands([moved(0), moved(0.2)], [moved(0.19)], COUNT);
    expect(pairs.map(({ hand: found }) => found[0])).toEqual([-1, 0]);
  });
});

describe("the error service", () => {
  const request = { truth: "truth", prediction: "a", frameCount: COUNT, alignments: ["root", "procrustes"] as const };
  const service = () => {
    const made = new ErrorService();
    made.put({ kind: "put", key: "truth", hands: [truth] });
    made.put({ kind: "put", key: "a", hands: [prediction] });
    return made;
  };
  it("answers with the requested alignments, or an error for unknown hands", () => {
    const found = service().answer({ ...request, kind: "errors", id: 3 });
    expect(found.id).toBe(3);
    expect(Object.keys(found.joints)).toEqual(["root", "procrustes"]);
    expectClose((found.joints.procrustes as ClipValues).frames, fixture.errors_mm.procrustes);
    expect(found.coverage).toBe(1);
    expect(() => service().answer({ ...request, prediction: "b", kind: "errors", id: 4 })).toThrow("no hands of b");
  });
  it("takes hands that are sent again instead of the earlier ones", () => {
    const made = service();
    made.answer({ ...request, kind: "errors", id: 0 });
    made.put({ kind: "put", key: "a", hands: [hand(fixture.truth.slice(5), fixture.frames.slice(5))] });
    const again = made.answer({ ...request, kind: "errors", id: 1 });
    expect(again.coverage).toBe(0.5);
    expect(again.joints.root?.clip).toBeCloseTo(0);
  });
  it("can be asked several times at once, and its failure is reported", async () => {
    const sent: ErrorRequest[] = [];
    const made = new ErrorService();
    const port = {
      postMessage: (message: PutRequest | ErrorRequest) => (message.kind === "put" ? made.put(message) : sent.push(message)),
    } as unknown as Worker;
    const client = new MetricsClient(port);
    client.put("truth", [truth]);
    client.put("a", [prediction]);
    const [first, second] = [client.errors(request), client.errors({ ...request, alignments: ["none"] })];
    for (const message of sent.reverse()) port.onmessage?.({ data: made.answer(message) } as MessageEvent);
    expect(Object.keys((await first).joints)).toEqual(["root", "procrustes"]);
    expect(Object.keys((await second).joints)).toEqual(["none"]);
    const lost = client.errors(request);
    port.onerror?.({ message: "out of memory" } as ErrorEvent);
    await expect(lost).rejects.toThrow("out of memory");
  });
});
