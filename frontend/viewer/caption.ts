/**
 * What is printed below a saved image: the legend, the scale of the error colours, and the name of the clip. Laid out once, as
 * items that canvas and SVG draw in the same way; no item covers another.
 */

import { ALIGNMENT_TITLES } from "./comparison";
import { fitText, placeLegend } from "./legend";
import type { ViewModel } from "./view-model";

export interface CaptionText {
  kind: "text";
  x: number; // CSS px, as all
  y: number; // of its middle
  text: string;
  anchor: "start" | "middle" | "end";
  quiet: boolean;
}

export interface CaptionBox {
  kind: "box" | "map"; // of one colour, or the colour map from left to right
  x: number;
  y: number;
  width: number;
  height: number;
  colour: string;
}

export interface Caption {
  height: number;
  items: Array<CaptionText | CaptionBox>;
}

export interface CaptionContent {
  entries: Array<{ colour: string; text: string }>;
  scale: { words: string; max: number } | null;
  name: string;
  /** After the name, never shortened. */
  suffix: string;
}

export const FONT_PX = 13;
export const FONT = `500 ${FONT_PX}px Inter, system-ui, sans-serif`;
const MARGIN = 12;
const ROW = 24;
const SWATCH = 18; // of a legend entry, with the space to its text
const GAP = 22; // between legend entries
const BAR = { width: 180, height: 10 };

/** The items below an image of a width; `measure` gives the width of a text. */
export function layOut(content: CaptionContent, width: number, measure: (text: string) => number): Caption {
  const available = width - 2 * MARGIN;
  const items: Caption["items"] = [];
  const text = (words: string, x: number, y: number, anchor: CaptionText["anchor"] = "start", quiet = false) =>
    items.push({ kind: "text", x, y, text: words, anchor, quiet });
  const entries = content.entries.map(({ colour, text: words }) => ({
    colour,
    text: fitText(words, available - SWATCH, measure),
  }));
  const places = placeLegend(
    entries.map((entry) => SWATCH + measure(entry.text)),
    available,
    GAP,
  );
  let row = 0;
  const middle = () => MARGIN / 2 + ROW * (row + 0.5);
  entries.forEach((entry, k) => {
    const place = places[k] ?? { row: 0, x: 0 };
    row = place.row;
    items.push({ kind: "box", x: MARGIN + place.x, y: middle() - 6, width: 12, height: 12, colour: entry.colour });
    text(entry.text, MARGIN + place.x + SWATCH, middle());
  });
  if (entries.length) row++;
  if (content.scale) {
    text(fitText(content.scale.words, available, measure), MARGIN, middle());
    row++;
    const bar = Math.min(BAR.width, available);
    items.push({ kind: "map", x: MARGIN, y: middle() - BAR.height / 2, width: bar, height: BAR.height, colour: "" });
    row++;
    text("0", MARGIN, middle(), "start", true);
    text(`≥ ${content.scale.max} mm`, MARGIN + bar, middle(), "end", true);
    row++;
  }
  text(
    `${fitText(content.name, available - measure(content.suffix), measure)}${content.suffix}`,
    MARGIN,
    middle(),
    "start",
    true,
  );
  return { height: ROW * (row + 1) + MARGIN, items };
}

/** What the page shows now. */
export function captionContent(model: ViewModel): CaptionContent {
  const { comparison } = model;
  const target = comparison.target.value;
  const layers = model.layers.filter((layer) => layer.shown.value && layer.header.value);
  const aligned = comparison.alignment.value;
  const suffix = [
    ...(model.isSingleImage ? [] : [`frame ${model.frame.value}`]),
    ...(target && aligned !== "none" ? [`3D aligned: ${ALIGNMENT_TITLES[aligned]}`] : []),
  ];
  return {
    entries: layers.map((layer) => ({ colour: layer.colour.value, text: `${layer.letter}  ${layer.title.value}` })),
    scale: comparison.colours.value && target ? { words: comparison.words.value, max: comparison.scaleMax.value } : null,
    name: model.upload.value.name,
    suffix: suffix.map((part) => ` · ${part}`).join(""),
  };
}
