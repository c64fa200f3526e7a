import { describe, expect, it } from "vitest";
import { selectedVideo } from "./selected-video";

describe("the video to measure in", () => {
  it("stays as long as it is ticked", () => {
    expect(selectedVideo(["a", "b"], new Set(["a", "b"]), "b")).toBe("b");
  });
  it("is another ticked one when it is unticked", () => {
    expect(selectedVideo(["a", "b", "c"], new Set(["b", "c"]), "a")).toBe("b");
  });
  it("stays when none is ticked", () => {
    expect(selectedVideo(["a", "b"], new Set(), "a")).toBe("a");
  });
});
