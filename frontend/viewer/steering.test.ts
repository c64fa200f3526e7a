import { signal } from "@preact/signals";
import { describe, expect, it } from "vitest";
import type { Alignment } from "../metrics/alignment";
import { type Command, follow, readCommand, type Steered } from "./steering";
import type { CameraState } from "./url-state";

function steered(alignment?: Alignment) {
  const done: unknown[] = [];
  const made: Steered = {
    clock: {
      frame: 0,
      playing: false,
      seek: (frame: number) => done.push(["seek", frame]),
      play: () => done.push("play"),
      pause: () => done.push("pause"),
    },
    runs: ["2d-fit", "kong2022"].map((method) => ({ id: `id of ${method}`, info: { value: { method } }, shown: signal(true) })),
    frame: signal(0),
    playing: signal(false),
    alignment: alignment && signal(alignment),
    setViewpoint: (name) => done.push(name),
    setCamera: (camera: CameraState) => done.push(camera),
  };
  return { made, done };
}

describe("readCommand", () => {
  it("ignores messages that are not for the viewer", () => {
    for (const data of [null, 7, "palmares:play", {}, { type: "setImmediate$1" }, { type: 7 }])
      expect(readCommand(data)).toBeNull();
  });

  it.each([
    [{ type: "palmares:seek", frame: -1 }, "from 0"],
    [{ type: "palmares:seek", frame: "7" }, "from 0"],
    [{ type: "palmares:camera", camera: "behind" }, "fit, front, side, top"],
    [{ type: "palmares:camera", camera: { position: [0, 0, Number.NaN], target: [0, 0, 0] } }, "three numbers"],
    [{ type: "palmares:camera", camera: { position: [1, 1, 1], target: [1, 1, 1] } }, "three numbers"],
    [{ type: "palmares:methods", methods: "2d-fit" }, "list of names"],
    [{ type: "palmares:alignment", alignment: "best" }, "one of none"],
    [{ type: "palmares:fly" }, "no message palmares:fly"],
  ])("says what is wrong with %j", (data, sentence) => {
    expect(readCommand(data)).toContain(sentence);
  });

  it("returns valid commands unchanged", () => {
    const camera = { position: [0, 0, 1], target: [0, 0, 0] };
    for (const data of [{ type: "palmares:seek", frame: 12 }, { type: "palmares:play" }, { type: "palmares:camera", camera }])
      expect(readCommand(data)).toEqual(data);
  });
});

describe("follow", () => {
  it("seeks, plays, and sets cameras", () => {
    const { made, done } = steered();
    const commands: Command[] = [
      { type: "palmares:seek", frame: 12 },
      { type: "palmares:play" },
      { type: "palmares:pause" },
      { type: "palmares:camera", camera: "top" },
    ];
    expect(commands.map((command) => follow(command, made))).toEqual(["", "", "", ""]);
    expect(done).toEqual([["seek", 12], "play", "pause", "top"]);
  });

  it("shows the methods that are named, by method or by run", () => {
    const { made } = steered();
    expect(follow({ type: "palmares:methods", methods: ["kong2022"] }, made)).toBe("");
    expect(made.runs.map((run) => run.shown.value)).toEqual([false, true]);
    expect(follow({ type: "palmares:methods", methods: ["id of 2d-fit"] }, made)).toBe("");
    expect(made.runs.map((run) => run.shown.value)).toEqual([true, false]);
    expect(follow({ type: "palmares:methods", methods: ["gone"] }, made)).toBe("This view has no method gone.");
    expect(made.runs.map((run) => run.shown.value)).toEqual([true, false]);
  });

  it("sets the alignment only if there is ground truth", () => {
    const { made } = steered("none");
    expect(follow({ type: "palmares:alignment", alignment: "root" }, made)).toBe("");
    expect(made.alignment?.value).toBe("root");
    expect(follow({ type: "palmares:alignment", alignment: "root" }, steered().made)).toContain("no ground truth");
  });
});
