import { describe, expect, it } from "vitest";
import { jointInWords, unseenInWords } from "./certainty";

const certainty = (std: number[], seen: number[]) => ({ std: Uint8Array.from(std), seen: Uint8Array.from(seen) });

describe("a joint in words", () => {
  const row = certainty([0, 46, 255, 9], [1, 0, 0, 1]);

  it("is named with whether it was seen and its standard deviation", () => {
    expect([0, 1, 2, 3].map((joint) => jointInWords(joint, row))).toEqual([
      "wrist",
      "thumb 1: not seen, ± 23 mm",
      "thumb 2: not seen, ± 127 mm or more",
      "thumb 3: ± 5 mm",
    ]);
  });

  it("is only named if the method does not report certainty", () => expect(jointInWords(8, null)).toBe("index 4"));
});

describe("the unseen joints of a hand", () => {
  it("are counted, with the range of their standard deviations", () => {
    expect(unseenInWords(certainty([10, 24, 82], [1, 0, 0]))).toBe("2 of 3 joints not seen (± 12–41 mm)");
    expect(unseenInWords(certainty([10, 24, 24], [1, 1, 0]))).toBe("1 of 3 joints not seen (± 12 mm)");
    expect(unseenInWords(certainty([0, 0, 0], [1, 0, 0]))).toBe("2 of 3 joints not seen");
    expect(unseenInWords(certainty([10, 24, 82], [1, 1, 1]))).toBe("");
  });
});
