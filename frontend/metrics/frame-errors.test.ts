import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { ALIGNMENTS, type Alignment } from "./alignment";
import { answer, type ErrorRequest } from "./error-request";
import { accelerationErrors, type HandJoints, jointErrors } from "./frame-errors";
import { MetricsClient } from "./metrics-client";

const fixture: {
  frames: number[];
  truth: number[][][];
  prediction: number[][][];
  errors_mm: Record<Alignment, number[]>;
  acceleration_mm: Array<number | null>;
} = JSON.parse(readFileSync(new URL("./fixtures/alignments.json", import.meta.url), "utf8"));

const hand = (joints: number[][][], frames = fixture.frames): HandJoints => ({
  frames,
  joints: new Float64Array(joints.flat(2)),
  jointCount: 21,
});
const [truth, prediction] = [hand(fixture.truth), hand(fixture.prediction)];
const COUNT = 13;

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
  it.each(ALIGNMENTS)("MPJPE under %s is that of ml.metrics to 1e-6 mm", (name) => {
    expectClose(jointErrors(truth, prediction, COUNT, name), fixture.errors_mm[name]);
  });
  it("acceleration errors are those of ml.metrics to 1e-6 mm, and none beside a gap", () => {
    expectClose(accelerationErrors(truth, prediction, COUNT), fixture.acceleration_mm);
  });
  it("are null where one of the two has no hand", () => {
    const part = hand(fixture.prediction.slice(3), fixture.frames.slice(3));
    expect(jointErrors(truth, part, COUNT, "root").slice(0, 4)).toEqual([null, null, null, expect.any(Number)]);
    expect(accelerationErrors(truth, part, COUNT)[3]).toBeNull();
  });
});

describe("the worker", () => {
  const request = { truth, prediction, frameCount: COUNT, alignments: ["root", "procrustes"] as const };
  it("answers with what was asked for", () => {
    const found = answer({ ...request, id: 3 });
    expect(found.id).toBe(3);
    expect(Object.keys(found.joints)).toEqual(["root", "procrustes"]);
    expectClose(found.joints.procrustes ?? [], fixture.errors_mm.procrustes);
  });
  it("is asked several times at once, and its failure is told", async () => {
    const sent: ErrorRequest[] = [];
    const port = { postMessage: (message: ErrorRequest) => sent.push(message) } as unknown as Worker;
    const client = new MetricsClient(port);
    const [first, second] = [client.errors(request), client.errors({ ...request, alignments: ["none"] })];
    for (const message of sent.reverse()) port.onmessage?.({ data: answer(message) } as MessageEvent);
    expect(Object.keys((await first).joints)).toEqual(["root", "procrustes"]);
    expect(Object.keys((await second).joints)).toEqual(["none"]);
    const lost = client.errors(request);
    port.onerror?.({ message: "out of memory" } as ErrorEvent);
    await expect(lost).rejects.toThrow("out of memory");
  });
});
