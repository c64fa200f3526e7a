/** An image of the views as shown: video, meshes, axes, and a legend; at twice the size. */

import { drawAxes } from "./axes";
import { contain } from "./camera";
import { fitText, placeLegend } from "./legend";
import type { PageColours } from "./theme-colours";
import type { Viewer } from "./viewer";

const SCALE = 2;
const FONT = "500 13px Inter, system-ui, sans-serif";
const MARGIN = 12; // CSS px, as the following
const ROW = 24;
const SWATCH = 18; // of a legend entry, with the space to its text
const GAP = 22; // between legend entries

/** The PNG of the current frame. Waits until the video shows it. */
export async function snapshot(viewer: Viewer, colours: PageColours): Promise<Blob> {
  viewer.clock.pause();
  await viewer.video.settled();
  const { stage, canvas, video } = viewer.elements;
  const output = document.createElement("canvas");
  const context = output.getContext("2d");
  if (!context) throw new Error("this browser has no 2D canvas");
  const caption = makeCaption(context, viewer, stage.clientWidth);
  output.width = stage.clientWidth * SCALE;
  output.height = (stage.clientHeight + caption.height) * SCALE;
  context.fillStyle = colours.paper;
  context.fillRect(0, 0, output.width, output.height);
  context.scale(SCALE, SCALE);
  for (const view of viewer.views()) {
    if (view.kind !== "video" || view.backdrop) continue;
    const { x, y, width, height } = view.rect;
    context.fillStyle = "#161616";
    context.fillRect(x, y, width, height);
    const inner = contain(view.rect, video.videoWidth || 4, video.videoHeight || 3);
    if (video.videoWidth) context.drawImage(video, inner.x, inner.y, inner.width, inner.height);
  }
  viewer.draw(SCALE);
  context.drawImage(canvas, 0, 0, stage.clientWidth, stage.clientHeight); // at once: WebGL does not keep its buffer
  viewer.measure();
  for (const view of viewer.views()) {
    const { x, y, height } = view.rect;
    if (view.kind === "orbit") drawAxes(context, x + 36, y + height - 36, 24, viewer.orbit.quaternion, colours.dark);
  }
  caption.draw(context, colours, stage.clientHeight);
  const blob = await new Promise<Blob | null>((resolve) => output.toBlob(resolve, "image/png"));
  if (!blob) throw new Error("the image is too large for this browser");
  return blob;
}

interface Caption {
  /** CSS px below the views. */
  height: number;
  draw(context: CanvasRenderingContext2D, colours: PageColours, top: number): void;
}

/** The shown runs with their colours in as many rows as they need, and below them the name of the clip and the frame. */
function makeCaption(context: CanvasRenderingContext2D, viewer: Viewer, width: number): Caption {
  const { model } = viewer;
  const available = width - 2 * MARGIN;
  const measure = (text: string) => context.measureText(text).width;
  context.font = FONT;
  const entries = model.shownRuns.value
    .filter((run) => run.header.value)
    .map((run) => {
      const { colour, method_title } = run.info.value;
      return { colour, text: fitText(`${run.letter}  ${method_title}`, available - SWATCH, measure) };
    });
  const places = placeLegend(
    entries.map(({ text }) => SWATCH + measure(text)),
    available,
    GAP,
  );
  const rows = 1 + (places.at(-1)?.row ?? -1);
  const frame = model.isSingleImage ? "" : ` · frame ${model.frame.value}`;
  const title = `${fitText(model.upload.value.name, available - measure(frame), measure)}${frame}`;
  return {
    height: ROW * (rows + 1) + MARGIN,
    draw(target, colours, top) {
      target.font = FONT;
      target.textBaseline = "middle";
      const middle = (row: number) => top + MARGIN / 2 + ROW * (row + 0.5);
      for (const [k, { colour, text }] of entries.entries()) {
        const { row, x } = places[k] ?? { row: 0, x: 0 };
        target.fillStyle = colour;
        target.fillRect(MARGIN + x, middle(row) - 6, 12, 12);
        target.fillStyle = colours.ink;
        target.fillText(text, MARGIN + x + SWATCH, middle(row));
      }
      target.fillStyle = colours.quiet;
      target.fillText(title, MARGIN, middle(rows));
    },
  };
}

/** Download a file. */
export function download(blob: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/** `clip.mp4`, 12 → `clip-frame-0012.png`. */
export function snapshotName(upload: string, frame: number): string {
  const stem = upload.replace(/\.[^.]*$/, "").replace(/[^\p{L}\p{N}_-]+/gu, "-") || "frame";
  return `${stem}-frame-${String(frame).padStart(4, "0")}.png`;
}
