/**
 * A PDF of one page of the size of a figure, as papers include it: an image with the caption below as text and shapes, in the
 * same places as in the SVG. Written after ISO 32000-1, which the section numbers below refer to.
 */

import type { Caption, CaptionText } from "./caption";
import { pdfRuns, pdfShown, pdfWidth } from "./pdf-text";
import type { PageColours } from "./theme-colours";

export interface PdfImage {
  /** Rows of `imageRows`, compressed (zlib). */
  data: Uint8Array;
  columns: number;
  rows: number;
}

export interface PdfFigure {
  image: PdfImage;
  width: number; // CSS px, as all lengths of the caption
  height: number; // of the image
  /** Null where it is part of the image. */
  caption: Caption | null;
  colours: Pick<PageColours, "paper" | "ink" | "quiet">;
  /** The colour map, sRGB 0 … 255 at equal distances. */
  map: ReadonlyArray<readonly [number, number, number]>;
  fontSize: number;
  /** The width that the layout gave to a text. */
  measure(text: string): number;
}

const POINTS = 72 / 96; // of a CSS px
/** Half the height of Helvetica's capitals: from the middle of a line down to its baseline, as a share of the size. */
const HALF_CAPITAL = 0.359;

/** Whether the fonts of the PDF hold all texts of a caption. */
export function canWrite(caption: Caption): boolean {
  return caption.items.every((item) => item.kind !== "text" || pdfRuns(item.text) !== null);
}

/** RGB rows of RGBA pixels, each as the difference from the row above (PNG's filter "Up"), which compresses far better. */
export function imageRows(pixels: Uint8Array | Uint8ClampedArray, columns: number, rows: number): Uint8Array<ArrayBuffer> {
  const stride = 4 * columns;
  const out = new Uint8Array(rows * (1 + 3 * columns));
  let at = 0;
  for (let row = 0; row < rows; row++) {
    out[at++] = 2; // the filter
    for (let from = row * stride; from < (row + 1) * stride; from += 4)
      for (let channel = from; channel < from + 3; channel++)
        out[at++] = (pixels[channel] ?? 0) - (row ? (pixels[channel - stride] ?? 0) : 0);
  }
  return out;
}

/** The bytes of the document. Throws if a text cannot be written. */
export function pdfFigure(figure: PdfFigure): Uint8Array<ArrayBuffer> {
  const { image, width, height, caption } = figure;
  const [right, top] = [width, height + (caption?.height ?? 0)].map((length) => number(length * POINTS));
  const content = ascii(pageContent(figure));
  const fonts = "/Font << /Helvetica 6 0 R /Symbol 7 0 R >>";
  const resources = `<< /XObject << /Views 5 0 R >> ${fonts} /Shading << /Map 8 0 R >> >>`;
  const format =
    `/Width ${image.columns} /Height ${image.rows} /ColorSpace /DeviceRGB /BitsPerComponent 8 /Filter /FlateDecode` +
    ` /DecodeParms << /Predictor 15 /Colors 3 /BitsPerComponent 8 /Columns ${image.columns} >>`;
  return pdfFile([
    [ascii("<< /Type /Catalog /Pages 2 0 R >>")],
    [ascii("<< /Type /Pages /Kids [3 0 R] /Count 1 >>")],
    [ascii(`<< /Type /Page /Parent 2 0 R /MediaBox [0 0 ${right} ${top}] /Contents 4 0 R /Resources ${resources} >>`)],
    stream("", content),
    stream(`/Type /XObject /Subtype /Image ${format} `, image.data),
    [ascii("<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>")],
    [ascii("<< /Type /Font /Subtype /Type1 /BaseFont /Symbol >>")],
    [ascii(mapShading(figure.map))],
  ]);
}

/** The operators that draw the page, in CSS px from its upper left corner. */
function pageContent(figure: PdfFigure): string {
  const { width, height, caption, colours } = figure;
  const whole = height + (caption?.height ?? 0);
  const items = (caption?.items ?? []).map((item) => {
    if (item.kind === "text") return textOperators(item, figure);
    const place = { x: number(item.x), y: number(height + item.y), width: number(item.width), height: number(item.height) };
    const box = `${place.x} ${place.y} ${place.width} ${place.height}`;
    if (item.kind === "box") return `${colourOf(item.colour)} rg ${box} re f`;
    // The shading lies between 0 and 1.
    return `q ${box} re W n ${place.width} 0 0 1 ${place.x} 0 cm /Map sh Q`;
  });
  return [
    `${POINTS} 0 0 -${POINTS} 0 ${number(whole * POINTS)} cm`,
    `${colourOf(colours.paper)} rg 0 0 ${number(width)} ${number(whole)} re f`,
    // An image fills the unit square, its first row at the top.
    `q ${number(width)} 0 0 -${number(height)} 0 ${number(height)} cm /Views Do Q`,
    ...items,
  ].join("\n");
}

function textOperators(item: CaptionText, { height, colours, fontSize, measure }: PdfFigure): string {
  const runs = pdfRuns(item.text);
  if (!runs) throw new Error(`no font of the PDF holds “${item.text}”`);
  const own = pdfWidth(runs, fontSize);
  if (own === 0) return "";
  // Stretched to the width of the layout's font, so that nothing covers anything here either.
  const width = measure(item.text);
  const left = item.x - width * { start: 0, middle: 0.5, end: 1 }[item.anchor];
  const baseline = height + item.y + HALF_CAPITAL * fontSize;
  const place = `${number((100 * width) / own)} Tz 1 0 0 -1 ${number(left)} ${number(baseline)} Tm`;
  return `BT ${colourOf(item.quiet ? colours.quiet : colours.ink)} rg ${place} ${pdfShown(runs, fontSize)} ET`;
}

/** From left to right, straight lines between the colours (7.10.3, 7.10.4, 8.7.4.5.3). */
function mapShading(map: PdfFigure["map"]): string {
  const written = map.map((colour) => `[${colour.map((value) => number(value / 255)).join(" ")}]`);
  const pieces = written.slice(1).map((end, k) => `<< /FunctionType 2 /Domain [0 1] /C0 ${written[k]} /C1 ${end} /N 1 >>`);
  const bounds = pieces.slice(1).map((_, k) => number((k + 1) / pieces.length));
  const lists = `/Functions [${pieces.join(" ")}] /Bounds [${bounds.join(" ")}] /Encode [${pieces.map(() => "0 1").join(" ")}]`;
  const whole = `<< /FunctionType 3 /Domain [0 1] ${lists} >>`;
  return `<< /ShadingType 2 /ColorSpace /DeviceRGB /Coords [0 0 1 0] /Extend [true true] /Function ${whole} >>`;
}

/** Objects 1, 2, … (the first is the catalogue) with the table of where they are (7.5). */
function pdfFile(objects: ReadonlyArray<readonly Uint8Array[]>): Uint8Array<ArrayBuffer> {
  // The comment's bytes tell programs that transfer files that this one is binary.
  const parts: Uint8Array[] = [ascii("%PDF-1.4\n%"), new Uint8Array([0xe2, 0xe3, 0xcf, 0xd3]), ascii("\n")];
  let length = parts.reduce((sum, part) => sum + part.length, 0);
  const add = (part: Uint8Array) => {
    parts.push(part);
    length += part.length;
  };
  const offsets = objects.map((object, k) => {
    const offset = length;
    for (const part of [ascii(`${k + 1} 0 obj\n`), ...object, ascii("\nendobj\n")]) add(part);
    return offset;
  });
  const start = length;
  const entries = offsets.map((offset) => `${String(offset).padStart(10, "0")} 00000 n \n`);
  add(ascii(`xref\n0 ${objects.length + 1}\n0000000000 65535 f \n${entries.join("")}`));
  add(ascii(`trailer\n<< /Size ${objects.length + 1} /Root 1 0 R >>\nstartxref\n${start}\n%%EOF\n`));
  const file = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    file.set(part, at);
    at += part.length;
  }
  return file;
}

function stream(entries: string, data: Uint8Array): Uint8Array[] {
  return [ascii(`<< ${entries}/Length ${data.length} >>\nstream\n`), data, ascii("\nendstream")];
}

const ascii = (text: string) => Uint8Array.from(text, (letter) => letter.charCodeAt(0));

/** A number without an exponent, which PDF does not know. */
const number = (value: number) => String(Number(value.toFixed(4)) || 0);

/** `#rrggbb` as three numbers 0 … 1. */
function colourOf(hex: string): string {
  const parts = /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/i.exec(hex)?.slice(1);
  if (!parts) throw new Error(`“${hex}” is no colour of the form #rrggbb`);
  return parts.map((part) => number(Number.parseInt(part, 16) / 255)).join(" ");
}
