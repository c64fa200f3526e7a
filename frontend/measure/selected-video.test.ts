import { describe, expect, it } from "vitest";
import { selectedVideo } from "./selected-video";

describe("the video to measure in", () => {
  it("stays while it is selected", () => {
    expect(selectedVideo(["a", "b"], new Set(["a", "b"]), "b")).toBe("b");
  });
  it("changes to another selected one when it is deselected", () => {
    expect(selectedVideo(["a", "b", "c"], new Set(["b", "c"]), "a")).toBe("b");
  });
  it("stays when none is selected", () => {
    expect(selectedVideo(["a", "b"], new Set(), "a")).toBe("a");
  });
});
