import { describe, expect, it } from "vitest";
import { type CaptionContent, FONT_PX, layOut } from "./caption";

const measure = (text: string) => 7 * text.length;
const content: CaptionContent = {
  entries: Array.from({ length: 9 }, (_, k) => ({ colour: "#123456", text: `${k}  method ${"x".repeat(3 * k)}` })),
  scale: { words: "Distance to ground truth, PA without reflection", max: 20 },
  name: `${"a long name of a clip ".repeat(4)}.mp4`,
  suffix: " · frame 12 · 3D aligned: PA",
};

interface Box {
  left: number;
  right: number;
  top: number;
  bottom: number;
}

function boxes(width: number): { found: Box[]; height: number } {
  const { items, height } = layOut(content, width, measure);
  const found = items.map((item): Box => {
    if (item.kind !== "text") return { left: item.x, right: item.x + item.width, top: item.y, bottom: item.y + item.height };
    const left = item.anchor === "end" ? item.x - measure(item.text) : item.x;
    return { left, right: left + measure(item.text), top: item.y - FONT_PX / 2, bottom: item.y + FONT_PX / 2 };
  });
  return { found, height };
}

describe("the caption of a saved image", () => {
  it.each([360, 700, 1200])("has no overlapping items and stays within %i px", (width) => {
    const { found, height } = boxes(width);
    for (const [k, one] of found.entries()) {
      expect(one.left).toBeGreaterThanOrEqual(0);
      expect(one.right).toBeLessThanOrEqual(width);
      expect(one.bottom).toBeLessThanOrEqual(height);
      for (const other of found.slice(k + 1)) {
        const apart = one.right <= other.left || other.right <= one.left || one.bottom <= other.top || other.bottom <= one.top;
        expect(apart).toBe(true);
      }
    }
  });
  it("has no scale without error colours", () => {
    const { items } = layOut({ ...content, scale: null }, 700, measure);
    expect(items.some(({ kind }) => kind === "map")).toBe(false);
  });
  it("shortens only the name of the clip", () => {
    const { items } = layOut(content, 360, measure);
    const last = items.at(-1);
    expect(last?.kind === "text" && last.text).toMatch(/^a .*….* · frame 12 · 3D aligned: PA$/);
  });
});
