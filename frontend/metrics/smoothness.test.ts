import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { type HandJoints, pairHands } from "./hand-pairs";
import { smoothness } from "./smoothness";

const COUNT = 300;
const JOINTS = 4;

/** A hand whose joints swing at several frequencies about a wrist that stands still. */
function swinging(change: (wave: (t: number) => number, frame: number, joint: number) => number): HandJoints {
  const joints = new Float64Array(3 * JOINTS * COUNT);
  for (let frame = 0; frame < COUNT; frame++)
    for (let joint = 1; joint < JOINTS; joint++) {
      const wave = (t: number) => 0.03 * Math.sin(0.21 * t + joint) + 0.01 * Math.sin(0.47 * t);
      joints[3 * (JOINTS * frame + joint)] = change(wave, frame, joint);
    }
  return { side: "left", frames: Array.from({ length: COUNT }, (_, k) => k), joints, jointCount: JOINTS };
}

const truth = swinging((wave, frame) => wave(frame));
const of = (prediction: HandJoints) => smoothness([truth], [prediction], pairHands([truth], [prediction], COUNT));
const noise = (seed: number) => 0.002 * (2 * (Math.abs(Math.sin(seed * 12.9898) * 43758.5453) % 1) - 1);

describe("smoothness", () => {
  it("of the truth itself has full amplitude and no lag", () => {
    const found = of(truth);
    expect(found?.lag).toBe(0);
    expect(found?.amplitude).toBeCloseTo(1, 10);
    expect(found?.jitter).toBeCloseTo(found?.truthJitter as number, 10);
  });
  it("gives the number of frames that a prediction is late or early", () => {
    expect(of(swinging((wave, frame) => wave(frame - 3)))?.lag).toBe(3);
    expect(of(swinging((wave, frame) => wave(frame + 2)))?.lag).toBe(-2);
  });
  it("of a smoothed prediction has less jitter and less amplitude than the truth", () => {
    const mean = (wave: (t: number) => number, frame: number) =>
      [-6, -4, -2, 0, 2, 4, 6].reduce((sum, by) => sum + wave(frame + by), 0) / 7;
    const found = of(swinging(mean));
    expect(found?.lag).toBe(0);
    expect(found?.jitter).toBeLessThan(found?.truthJitter as number);
    expect(found?.amplitude).toBeLessThan(0.85);
    expect(of(swinging((wave, frame) => 0.5 * wave(frame)))?.amplitude).toBeCloseTo(0.5, 10);
  });
  it("of a noisy prediction has more jitter and the same amplitude", () => {
    const found = of(swinging((wave, frame, joint) => wave(frame) + noise(7 * frame + joint)));
    expect(found?.jitter).toBeGreaterThan(1.5 * (found?.truthJitter as number));
    expect(found?.amplitude).toBeCloseTo(1, 1);
    expect(found?.lag).toBe(0);
  });
  it("has the lag and the kept amplitude of ml.metrics", () => {
    const fixture = JSON.parse(readFileSync(new URL("./fixtures/alignments.json", import.meta.url), "utf8"));
    const hand = (joints: number[][][]): HandJoints => ({
      side: "right",
      frames: fixture.frames,
      joints: new Float64Array(joints.flat(2)),
      jointCount: 21,
    });
    const [expected, predicted] = [hand(fixture.truth), hand(fixture.prediction)];
    const found = smoothness([expected], [predicted], pairHands([expected], [predicted], 13));
    expect(found?.lag).toBe(fixture.smoothness.lag);
    expect(Math.abs((found?.amplitude as number) - fixture.smoothness.amplitude)).toBeLessThan(1e-9);
  });
  it("is null for a hand at rest and for too few common frames", () => {
    const still = swinging(() => 0.1);
    expect(smoothness([still], [truth], pairHands([still], [truth], COUNT))).toBeNull();
    const short = { ...truth, frames: [0, 1], joints: truth.joints.slice(0, 6 * JOINTS) };
    expect(of(short)).toBeNull();
  });
});
