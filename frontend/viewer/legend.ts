/** A legend whose entries wrap into rows, so that none is cut off and nothing is printed over another. */

export interface LegendPlace {
  row: number;
  x: number; // px from the left edge of the legend
}

/** Places entries of the given widths (px) from left to right in rows no wider than `available`. */
export function placeLegend(widths: readonly number[], available: number, gap: number): LegendPlace[] {
  let row = 0;
  let x = 0;
  return widths.map((width) => {
    if (x > 0 && x + width > available) {
      row += 1;
      x = 0;
    }
    const place = { row, x };
    x += width + gap;
    return place;
  });
}

/** The text, shortened in its middle so that it is no wider than `available` (px); `measure` gives the width of a text. */
export function fitText(text: string, available: number, measure: (text: string) => number): string {
  if (measure(text) <= available) return text;
  const letters = [...text];
  for (let kept = letters.length - 1; kept > 0; kept--) {
    const head = Math.ceil(kept / 2);
    const short = `${letters.slice(0, head).join("")}…${letters.slice(letters.length - (kept - head)).join("")}`;
    if (measure(short) <= available) return short;
  }
  return "…";
}
