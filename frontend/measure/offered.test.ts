import { describe, expect, it } from "vitest";
import { offered } from "./offered";

describe("the video that shows the size", () => {
  it("stays as long as it is ticked", () => {
    expect(offered(["a", "b"], new Set(["a", "b"]), "b")).toBe("b");
  });
  it("is another ticked one when it is unticked", () => {
    expect(offered(["a", "b", "c"], new Set(["b", "c"]), "a")).toBe("b");
  });
  it("stays when none is ticked", () => {
    expect(offered(["a", "b"], new Set(), "a")).toBe("a");
  });
});
