import { describe, expect, it } from "vitest";
import { distance, inside, stepped } from "./segment";

describe("a segment on a picture", () => {
  it("stays within it", () => {
    expect(inside({ x: -3, y: 500 }, { width: 640, height: 480 })).toEqual({ x: 0, y: 480 });
    expect(inside({ x: 3, y: 5 }, { width: 640, height: 480 })).toEqual({ x: 3, y: 5 });
  });
  it("moves by keys", () => {
    expect(stepped({ x: 3, y: 5 }, "ArrowUp", false)).toEqual({ x: 3, y: 4 });
    expect(stepped({ x: 3, y: 5 }, "ArrowRight", true)).toEqual({ x: 13, y: 5 });
    expect(stepped({ x: 3, y: 5 }, "Tab", false)).toBeNull();
  });
  it("has a length", () => {
    expect(distance({ x: 1, y: 2 }, { x: 4, y: 6 })).toBe(5);
  });
});
