import { describe, expect, it } from "vitest";
import { boxBetween } from "./hand-boxes";

describe("the box between two corners", () => {
  it("is the same whichever is drawn first, and inside the image", () => {
    const box = { x: 10, y: 20.1, width: 90, height: 30 };
    expect(boxBetween({ x: 10, y: 20.1 }, { x: 100, y: 50.1 }, 640, 480)).toEqual(box);
    expect(boxBetween({ x: 100, y: 20.1 }, { x: 10, y: 50.1 }, 640, 480)).toEqual(box);
    const cut = { x: 0, y: 400, width: 640, height: 80 };
    expect(boxBetween({ x: -30, y: 400 }, { x: 900, y: 700 }, 640, 480)).toEqual(cut);
  });
});
