import { describe, expect, it } from "vitest";
import { clampToImage, distance, moveByKey } from "./segment";

describe("a segment on an image", () => {
  it("stays within the image", () => {
    expect(clampToImage({ x: -3, y: 500 }, { width: 640, height: 480 })).toEqual({ x: 0, y: 480 });
    expect(clampToImage({ x: 3, y: 5 }, { width: 640, height: 480 })).toEqual({ x: 3, y: 5 });
  });
  it("moves by keys", () => {
    expect(moveByKey({ x: 3, y: 5 }, "ArrowUp", false)).toEqual({ x: 3, y: 4 });
    expect(moveByKey({ x: 3, y: 5 }, "ArrowRight", true)).toEqual({ x: 13, y: 5 });
    expect(moveByKey({ x: 3, y: 5 }, "Tab", false)).toBeNull();
  });
  it("has a length", () => {
    expect(distance({ x: 1, y: 2 }, { x: 4, y: 6 })).toBe(5);
  });
});
