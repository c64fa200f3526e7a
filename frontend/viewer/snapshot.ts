/** Images of the views as shown, with video, meshes, axes and caption: PNG at twice the size, or SVG and PDF whose caption is text. */

import { drawAxes } from "./axes";
import { contain } from "./camera";
import { type Caption, captionContent, FONT, FONT_PX, layOut } from "./caption";
import type { PageColours } from "./theme-colours";
import type { Viewer } from "./viewer";
import { VIRIDIS, viridis } from "./viridis";

const SCALE = 2;

function makeCanvas(): { canvas: HTMLCanvasElement; context: CanvasRenderingContext2D } {
  const canvas = document.createElement("canvas");
  const context = canvas.getContext("2d");
  if (!context) throw new Error("this browser has no 2D canvas");
  return { canvas, context };
}

/** The width of a text on a canvas, in the caption's font. */
function measureOn(context: CanvasRenderingContext2D): (text: string) => number {
  context.font = FONT;
  return (text) => context.measureText(text).width;
}

function captionOf(viewer: Viewer, measure: (text: string) => number): Caption {
  return layOut(captionContent(viewer.model), viewer.elements.stage.clientWidth, measure);
}

/** The PNG of the current frame. Waits until the video shows it. */
export async function snapshot(viewer: Viewer, colours: PageColours): Promise<Blob> {
  viewer.clock.pause();
  await viewer.video.settled();
  return asPng(paintFigure(viewer, colours, SCALE));
}

/** The SVG of the current frame: the views as an image, the caption as text and shapes. */
export async function svgSnapshot(viewer: Viewer, colours: PageColours): Promise<Blob> {
  viewer.clock.pause();
  await viewer.video.settled();
  const { clientWidth: width, clientHeight: height } = viewer.elements.stage;
  const caption = captionOf(viewer, measureOn(makeCanvas().context));
  const image = await asDataUrl(await asPng(viewsAlone(viewer, colours)));
  return new Blob([svgFigure({ image, width, height, caption, colours })], { type: "image/svg+xml" });
}

/** The PDF of the current frame, as the SVG. */
export async function pdfSnapshot(viewer: Viewer, colours: PageColours): Promise<Blob> {
  const { canWrite, imageRows, pdfFigure } = await import("./pdf-figure");
  viewer.clock.pause();
  await viewer.video.settled();
  const measure = measureOn(makeCanvas().context);
  const laidOut = captionOf(viewer, measure);
  // The fonts that every PDF reader has hold Latin letters only: with a name in another script, the caption is part of the image.
  const caption = canWrite(laidOut) ? laidOut : null;
  const canvas = caption ? viewsAlone(viewer, colours) : paintFigure(viewer, colours, SCALE);
  const { width: columns, height: rows } = canvas;
  const context = canvas.getContext("2d") as CanvasRenderingContext2D;
  context.globalCompositeOperation = "destination-over"; // paper behind what is transparent: the image has no alpha
  context.fillStyle = colours.paper;
  context.fillRect(0, 0, columns, rows);
  const pixels = context.getImageData(0, 0, columns, rows).data;
  const image = { data: await deflated(imageRows(pixels, columns, rows)), columns, rows };
  const [width, height] = [columns / SCALE, rows / SCALE];
  const file = pdfFigure({ image, width, height, caption, colours, map: VIRIDIS, fontSize: FONT_PX, measure });
  return new Blob([file], { type: "application/pdf" });
}

function viewsAlone(viewer: Viewer, colours: PageColours): HTMLCanvasElement {
  const { canvas, context } = makeCanvas();
  const { clientWidth, clientHeight } = viewer.elements.stage;
  canvas.width = clientWidth * SCALE;
  canvas.height = clientHeight * SCALE;
  context.scale(SCALE, SCALE);
  paintViews(viewer, context, colours, SCALE);
  return canvas;
}

/** The views with the caption below, on a canvas of even width and height. */
export function paintFigure(
  viewer: Viewer,
  colours: PageColours,
  scale: number,
  reused?: HTMLCanvasElement,
): HTMLCanvasElement {
  const made = reused ? null : makeCanvas();
  const canvas = reused ?? (made?.canvas as HTMLCanvasElement);
  const context = (made?.context ?? canvas.getContext("2d")) as CanvasRenderingContext2D;
  const { clientWidth, clientHeight } = viewer.elements.stage;
  const caption = captionOf(viewer, measureOn(context));
  const [width, height] = [clientWidth * scale, (clientHeight + caption.height) * scale].map(
    (size) => 2 * Math.round(size / 2),
  ) as [number, number];
  // A caption that changes its height must not change a video's.
  if (!reused || canvas.width === 0) [canvas.width, canvas.height] = [width, height];
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.fillStyle = colours.paper;
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.scale(scale, scale);
  paintViews(viewer, context, colours, scale);
  paintCaption(context, caption, colours, clientHeight);
  return canvas;
}

function paintViews(viewer: Viewer, context: CanvasRenderingContext2D, colours: PageColours, scale: number): void {
  const { stage, canvas, video } = viewer.elements;
  for (const view of viewer.views()) {
    if (view.kind !== "video" || view.backdrop) continue;
    const { x, y, width, height } = view.rect;
    context.fillStyle = "#161616";
    context.fillRect(x, y, width, height);
    const inner = contain(view.rect, video.videoWidth || 4, video.videoHeight || 3);
    if (video.videoWidth) context.drawImage(video, inner.x, inner.y, inner.width, inner.height);
  }
  viewer.draw(scale);
  context.drawImage(canvas, 0, 0, stage.clientWidth, stage.clientHeight); // at once: WebGL does not keep its buffer
  for (const view of viewer.views()) {
    const { x, y, height } = view.clip;
    if (view.kind === "orbit") drawAxes(context, x + 36, y + height - 36, 24, viewer.orbit.quaternion, colours.dark);
  }
}

function paintCaption(context: CanvasRenderingContext2D, caption: Caption, colours: PageColours, top: number): void {
  context.font = FONT;
  context.textBaseline = "middle";
  for (const item of caption.items) {
    const y = top + item.y;
    if (item.kind === "text") {
      context.textAlign = item.anchor === "middle" ? "center" : item.anchor;
      context.fillStyle = item.quiet ? colours.quiet : colours.ink;
      context.fillText(item.text, item.x, y);
      continue;
    }
    context.fillStyle = item.colour;
    if (item.kind === "map") {
      const gradient = context.createLinearGradient(item.x, 0, item.x + item.width, 0);
      for (const [stop, colour] of mapStops()) gradient.addColorStop(stop, colour);
      context.fillStyle = gradient;
    }
    context.fillRect(item.x, y, item.width, item.height);
  }
  context.textAlign = "start";
}

const STOPS = 16;

function mapStops(): Array<[number, string]> {
  return Array.from({ length: STOPS }, (_, k) => {
    const share = k / (STOPS - 1);
    return [share, `rgb(${viridis(share).map(Math.round).join(",")})`];
  });
}

interface SvgFigure {
  image: string; // a data URL
  width: number;
  height: number; // of the image
  caption: Caption;
  colours: PageColours;
}

/** An SVG document of an image with its caption below. */
export function svgFigure({ image, width, height, caption, colours }: SvgFigure): string {
  const stops = mapStops().map(([stop, colour]) => `<stop offset="${stop.toFixed(4)}" stop-color="${colour}"/>`);
  const items = caption.items.map((item) => {
    const y = height + item.y;
    if (item.kind !== "text") {
      const fill = item.kind === "map" ? "url(#map)" : item.colour;
      return `<rect x="${item.x}" y="${y}" width="${item.width}" height="${item.height}" fill="${escaped(fill)}"/>`;
    }
    const fill = item.quiet ? colours.quiet : colours.ink;
    const place = `x="${item.x}" y="${y}" text-anchor="${item.anchor}" dominant-baseline="central"`;
    return `<text ${place} fill="${fill}">${escaped(item.text)}</text>`;
  });
  const whole = height + caption.height;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${whole}" viewBox="0 0 ${width} ${whole}"`,
    ` font-family="Inter, system-ui, sans-serif" font-size="${FONT_PX}" font-weight="500" xml:space="preserve">`,
    `<defs><linearGradient id="map">${stops.join("")}</linearGradient></defs>`,
    `<rect width="${width}" height="${whole}" fill="${colours.paper}"/>`,
    `<image href="${image}" width="${width}" height="${height}"/>`,
    ...items,
    "</svg>",
  ].join("\n");
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}

async function asPng(canvas: HTMLCanvasElement): Promise<Blob> {
  const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, "image/png"));
  if (!blob) throw new Error("the image is too large for this browser");
  return blob;
}

async function asDataUrl(blob: Blob): Promise<string> {
  const bytes = new Uint8Array(await blob.arrayBuffer());
  let text = "";
  for (let i = 0; i < bytes.length; i += 0x8000) text += String.fromCharCode(...bytes.subarray(i, i + 0x8000));
  return `data:${blob.type};base64,${btoa(text)}`;
}

/** Compressed by zlib. */
async function deflated(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** Download a file. */
export function download(blob: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

const stem = (upload: string) => upload.replace(/\.[^.]*$/, "").replace(/[^\p{L}\p{N}_-]+/gu, "-") || "frame";

/** `clip.mp4`, 12 → `clip-frame-0012.png`. */
export function snapshotName(upload: string, frame: number, extension = "png"): string {
  return `${stem(upload)}-frame-${String(frame).padStart(4, "0")}.${extension}`;
}

/** `clip.mp4`, [3, 90] → `clip-frames-3-90.mp4`. */
export function movieName(upload: string, [first, last]: [number, number]): string {
  return `${stem(upload)}-frames-${first}-${last}.mp4`;
}
