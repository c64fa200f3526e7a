import { describe, expect, it } from "vitest";
import { type Arrangement, arrange, intersection } from "./views";

const base: Arrangement<string> = {
  layout: "overlay",
  runs: ["A", "B", "C"],
  truth: "T",
  video: { x: 0, y: 0, width: 400, height: 300 },
  orbit: { x: 401, y: 0, width: 300, height: 300 },
  wipe: 0.25,
  second: false,
};
const shown = (change: Partial<Arrangement<string>>) =>
  arrange({ ...base, ...change }).map(({ kind, clip, layers }) => [kind, clip.x, clip.width, layers.join("")]);

describe("views", () => {
  it("overlay all methods and the truth", () => {
    expect(shown({})).toEqual([
      ["video", 0, 400, "TABC"],
      ["orbit", 401, 300, "TABC"],
    ]);
    expect(shown({ truth: null, layout: "wipe", runs: ["A"] })).toEqual([
      ["video", 0, 400, "A"],
      ["orbit", 401, 300, "A"],
    ]);
  });
  it("split both panes at the handle of the wipe, with the same camera on both sides", () => {
    expect(shown({ layout: "wipe" })).toEqual([
      ["video", 0, 100, "TA"],
      ["video", 100, 300, "TB"],
      ["orbit", 401, 75, "TA"],
      ["orbit", 476, 225, "TB"],
    ]);
    for (const { kind, rect } of arrange({ ...base, layout: "wipe" })) expect(rect).toEqual(base[kind]);
  });
  it("show one of two methods while blinking", () => {
    expect(shown({ layout: "blink" }).map((view) => view[3])).toEqual(["TA", "TA"]);
    expect(shown({ layout: "blink", second: true }).map((view) => view[3])).toEqual(["TB", "TB"]);
  });
  it("have a column for each method side by side", () => {
    const columns = arrange({ ...base, layout: "side" });
    expect(columns.map(({ kind, backdrop }) => [kind, backdrop])).toEqual(
      Array(3)
        .fill([
          ["video", true],
          ["orbit", false],
        ])
        .flat(),
    );
    expect(columns.map(({ layers }) => layers.join(""))).toEqual(["TA", "TA", "TB", "TB", "TC", "TC"]);
    expect(columns[2]?.rect.x).toBeCloseTo(400 / 3);
  });
});

it("intersects rectangles", () => {
  const a = { x: 0, y: 0, width: 10, height: 10 };
  expect(intersection(a, { x: 4, y: -5, width: 20, height: 8 })).toEqual({ x: 4, y: 0, width: 6, height: 3 });
  expect(intersection(a, { x: 20, y: 0, width: 5, height: 5 }).width).toBe(0);
});
