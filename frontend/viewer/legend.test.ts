import { describe, expect, it } from "vitest";
import { fitText, placeLegend } from "./legend";

describe("placeLegend", () => {
  it("keeps every entry inside, and none over another", () => {
    const widths = [120, 80, 200, 150, 190, 210, 60, 230];
    const places = placeLegend(widths, 400, 20);
    expect(places.length).toBe(8);
    const boxes = places.map(({ row, x }, k) => ({ row, from: x, to: x + (widths[k] as number) }));
    for (const box of boxes) expect(box.to).toBeLessThanOrEqual(400);
    for (const [k, box] of boxes.entries())
      for (const other of boxes.slice(k + 1)) if (other.row === box.row) expect(other.from).toBeGreaterThanOrEqual(box.to + 20);
  });
  it("uses one row where there is room", () => {
    expect(placeLegend([10, 10], 100, 5)).toEqual([
      { row: 0, x: 0 },
      { row: 0, x: 15 },
    ]);
  });
  it("gives an entry that is too wide a row of its own", () => {
    expect(placeLegend([10, 500, 10], 100, 5).map(({ row }) => row)).toEqual([0, 1, 2]);
  });
});

describe("fitText", () => {
  const measure = (text: string) => 10 * [...text].length;
  it("keeps a text that fits and shortens others in the middle", () => {
    expect(fitText("clip.mp4", 80, measure)).toBe("clip.mp4");
    expect(fitText("a_very_long_name.mp4", 90, measure)).toBe("a_ve….mp4");
    expect(fitText("abc", 5, measure)).toBe("…");
  });
});
