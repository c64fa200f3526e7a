/**
 * Text in a PDF, in fonts that every reader has (ISO 32000-1, 9.6.2): Helvetica in WinAnsiEncoding, and Symbol for a few signs
 * that WinAnsi lacks.
 */

export interface PdfRun {
  font: "Helvetica" | "Symbol";
  codes: number[];
}

/** The characters of the codes 128 … 159; a space where there is none. */
const ABOVE_ASCII = "€ ‚ƒ„…†‡ˆ‰Š‹Œ Ž  ‘’“”•–—˜™š›œ žŸ";

/** Code and width in Symbol. */
const SYMBOL: Record<string, readonly [number, number]> = {
  "−": [45, 549],
  "≤": [163, 549],
  "←": [172, 987],
  "↑": [173, 603],
  "→": [174, 987],
  "↓": [175, 603],
  "≥": [179, 549],
  "≈": [187, 549],
};

/** Widths of the codes 32 … 255, in thousandths of the size (Adobe's metrics of Helvetica). */
const HELVETICA = [
  278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556, 556, 556, 556, 556, 556, 556,
  556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833, 722, 778, 667, 778,
  722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556, 333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222,
  500, 222, 833, 556, 556, 556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584, 0, 556, 0, 222, 556, 333,
  1000, 556, 556, 333, 1000, 667, 333, 1000, 0, 611, 0, 0, 222, 222, 333, 333, 350, 556, 1000, 333, 1000, 500, 333, 944, 0, 500,
  667, 278, 333, 556, 556, 556, 556, 260, 556, 333, 737, 370, 556, 584, 333, 737, 333, 400, 584, 333, 333, 333, 556, 537, 278,
  333, 333, 365, 556, 834, 834, 834, 611, 667, 667, 667, 667, 667, 667, 1000, 722, 667, 667, 667, 667, 278, 278, 278, 278, 722,
  722, 778, 778, 778, 778, 778, 584, 778, 722, 722, 722, 722, 667, 667, 611, 556, 556, 556, 556, 556, 556, 889, 500, 556, 556,
  556, 556, 278, 278, 278, 278, 556, 556, 556, 556, 556, 556, 556, 584, 611, 556, 556, 556, 556, 500, 556, 500,
];

function winAnsiCode(letter: string): number | null {
  const code = letter.codePointAt(0) ?? 0;
  // 173, the hyphen that is only seen at the end of a line, is always printed in a PDF.
  if ((code >= 32 && code < 127) || (code >= 160 && code < 256 && code !== 173)) return code;
  const at = ABOVE_ASCII.indexOf(letter);
  return at < 0 ? null : 128 + at;
}

/** A text as runs of one font each; null if neither font holds one of its characters. */
export function pdfRuns(text: string): PdfRun[] | null {
  const runs: PdfRun[] = [];
  // Names of files from macOS have their accents apart.
  for (const letter of text.normalize("NFC")) {
    const own = winAnsiCode(letter);
    const code = own ?? SYMBOL[letter]?.[0];
    if (code === undefined) return null;
    const font = own === null ? "Symbol" : "Helvetica";
    const last = runs.at(-1);
    if (last?.font === font) last.codes.push(code);
    else runs.push({ font, codes: [code] });
  }
  return runs;
}

const SYMBOL_WIDTHS = new Map(Object.values(SYMBOL));

/** The width of runs in a size, unstretched. */
export function pdfWidth(runs: readonly PdfRun[], size: number): number {
  const widthOf = ({ font, codes }: PdfRun) =>
    codes.reduce((sum, code) => sum + ((font === "Symbol" ? SYMBOL_WIDTHS.get(code) : HELVETICA[code - 32]) ?? 0), 0);
  return (runs.reduce((sum, run) => sum + widthOf(run), 0) * size) / 1000;
}

/** The operators that print runs; each font is a resource of its own name. */
export function pdfShown(runs: readonly PdfRun[], size: number): string {
  return runs.map(({ font, codes }) => `/${font} ${size} Tf ${pdfString(codes)} Tj`).join(" ");
}

/** A literal string: delimiters escaped, and what is not ASCII as three octal digits. */
export function pdfString(codes: readonly number[]): string {
  const written = codes.map((code) => {
    const letter = String.fromCharCode(code);
    if ("()\\".includes(letter)) return `\\${letter}`;
    return code < 127 ? letter : `\\${code.toString(8).padStart(3, "0")}`;
  });
  return `(${written.join("")})`;
}
