import { deflateSync, inflateSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import type { Caption, CaptionText } from "./caption";
import { canWrite, imageRows, type PdfFigure, pdfFigure } from "./pdf-figure";
import { pdfRuns, pdfString, pdfWidth } from "./pdf-text";
import { VIRIDIS } from "./viridis";

const text = (words: string, anchor: CaptionText["anchor"] = "start"): CaptionText => ({
  kind: "text",
  x: 100,
  y: 18,
  text: words,
  anchor,
  quiet: false,
});
const captionOf = (...items: Caption["items"]): Caption => ({ height: 36, items });
const pixels = Uint8Array.from({ length: 4 * 6 * 4 }, (_, k) => (k * 37) % 256);

function figureOf(caption: Caption | null): PdfFigure {
  const image = { data: deflateSync(imageRows(pixels, 6, 4)), columns: 6, rows: 4 };
  const colours = { paper: "#ffffff", ink: "#000000", quiet: "#808080" };
  return { image, width: 300, height: 200, caption, colours, map: VIRIDIS, fontSize: 13, measure: (words) => 7 * words.length };
}

const latin = (bytes: Uint8Array) => Buffer.from(bytes).toString("latin1");

/** The objects at the places that the table names, and what follows the table. */
function read(file: Uint8Array): { objects: string[]; trailer: string } {
  const whole = latin(file);
  const start = Number(/startxref\n(\d+)\n%%EOF\n$/.exec(whole)?.[1]);
  const table = whole.slice(start);
  expect(table).toMatch(/^xref\n0 9\n0000000000 65535 f \n/);
  const entries = [...table.matchAll(/^(\d{10}) 00000 n \n/gm)].map((entry) => Number(entry[1]));
  const objects = entries.map((offset, k) => {
    const opening = `${k + 1} 0 obj\n`;
    expect(whole.slice(offset, offset + opening.length)).toBe(opening);
    return whole.slice(offset + opening.length, whole.indexOf("\nendobj\n", offset));
  });
  return { objects, trailer: table };
}

function streamOf(object: string | undefined): string {
  const found = /\/Length (\d+) >>\nstream\n/.exec(object ?? "");
  const from = (found?.index ?? 0) + (found?.[0].length ?? 0);
  const length = Number(found?.[1]);
  expect(object?.slice(from + length)).toBe("\nendstream");
  return object?.slice(from, from + length) ?? "";
}

const contentOf = (...items: Caption["items"]) => streamOf(read(pdfFigure(figureOf(captionOf(...items)))).objects[3]);

describe("the PDF of a figure", () => {
  it("is one page with its objects where the table says, of the size of image and caption", () => {
    const file = pdfFigure(figureOf(captionOf(text("A  HMP"))));
    expect(latin(file.subarray(0, 9))).toBe("%PDF-1.4\n");
    const { objects, trailer } = read(file);
    expect(objects).toHaveLength(8);
    expect(trailer).toContain("/Size 9 /Root 1 0 R");
    expect(objects[1]).toContain("/Count 1");
    expect(objects[2]).toContain("/MediaBox [0 0 225 177]"); // 300 × 236 px of 1/96 inch
  });
  it("holds the image without loss", () => {
    const object = read(pdfFigure(figureOf(null))).objects[4];
    expect(object).toContain("/Width 6 /Height 4 /ColorSpace /DeviceRGB /BitsPerComponent 8 /Filter /FlateDecode");
    const rows = inflateSync(Buffer.from(streamOf(object), "latin1"));
    const above = new Uint8Array(18);
    for (let row = 0; row < 4; row++) {
      expect(rows[19 * row]).toBe(2);
      for (let k = 0; k < 18; k++) above[k] = (above[k] ?? 0) + (rows[19 * row + 1 + k] ?? 0);
      const shown = pixels.subarray(24 * row, 24 * (row + 1)).filter((_, k) => k % 4 < 3);
      expect([...above]).toEqual([...shown]);
    }
  });
  it("draws boxes and the colour map where the layout puts them, below the image", () => {
    const box = { x: 12, y: 6, width: 180, height: 10 };
    const content = contentOf({ kind: "box", ...box, colour: "#ff0000" }, { kind: "map", ...box, colour: "" });
    expect(content).toContain("1 0 0 rg 12 206 180 10 re f");
    expect(content).toContain("q 12 206 180 10 re W n 180 0 0 1 12 0 cm /Map sh Q");
    const shading = read(pdfFigure(figureOf(null))).objects[7];
    expect(shading?.match(/\/FunctionType 2/g)).toHaveLength(15);
    expect(shading).toContain("/C0 [0.2667 0.0039 0.3294] /C1 [0.2824 0.102 0.4235]");
  });
  it.each([
    ["start", 100],
    ["middle", 68.5],
    ["end", 37],
  ] as const)("stretches a text to the width that it has in the layout, anchored at its %s", (anchor, left) => {
    const content = contentOf(text("A  method", anchor), text("", anchor));
    const stretch = 6300 / pdfWidth(pdfRuns("A  method") ?? [], 13);
    expect(content).toContain(` ${Number(stretch.toFixed(4))} Tz 1 0 0 -1 ${left} `);
    expect(content).toContain("/Helvetica 13 Tf (A  method) Tj ET");
    expect(content.match(/BT/g)).toHaveLength(1);
  });
  it("refuses colours that it cannot read", () => {
    const box = { x: 12, y: 6, width: 180, height: 10 };
    expect(() => contentOf({ kind: "box", ...box, colour: "red" })).toThrow("“red” is no colour of the form #rrggbb");
  });
});

describe("text in a PDF", () => {
  const written = (words: string) => pdfRuns(words)?.map(({ font, codes }) => `${font} ${pdfString(codes)}`);
  it("is escaped", () => {
    expect(written("a (b) \\ c")).toEqual(["Helvetica (a \\(b\\) \\\\ c)"]);
    expect(written("café… · “€”")).toEqual(["Helvetica (caf\\351\\205 \\267 \\223\\200\\224)"]);
    expect(written("cafe\u0301")).toEqual(["Helvetica (caf\\351)"]);
  });
  it("takes signs from Symbol that WinAnsi lacks", () => {
    expect(written("≥ 20 mm")).toEqual(["Symbol (\\263)", "Helvetica ( 20 mm)"]);
    expect(pdfWidth(pdfRuns("≥ 2") ?? [], 1000)).toBe(549 + 278 + 556);
  });
  it("is not written where no font holds it", () => {
    for (const words of ["手.mp4", "рука", "e\u0302\u0323", "🖐", "tab\t", "\u00ad"]) {
      expect(pdfRuns(words)).toBeNull();
      expect(canWrite(captionOf(text("A  HMP"), text(words)))).toBe(false);
      expect(() => pdfFigure(figureOf(captionOf(text(words))))).toThrow("no font of the PDF holds");
    }
    expect(canWrite(captionOf(text("≥ 20 mm", "end"), text("Übung.mp4 · frame 3")))).toBe(true);
  });
  it("knows how wide letters are", () => {
    expect(pdfWidth(pdfRuns(" iWÿ…") ?? [], 1000)).toBe(278 + 222 + 944 + 500 + 1000);
  });
});
