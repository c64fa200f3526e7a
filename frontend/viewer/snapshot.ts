/** An image of the views as shown: video, meshes, axes, and a legend; at twice the size. */

import { drawAxes } from "./axes";
import { contain } from "./camera";
import type { PageColours } from "./theme-colours";
import type { Viewer } from "./viewer";

const SCALE = 2;
const CAPTION = 34; // CSS px below the stage

/** The PNG of the current frame. Waits until the video shows it. */
export async function snapshot(viewer: Viewer, colours: PageColours): Promise<Blob> {
  viewer.clock.pause();
  await viewer.video.settled();
  const { stage, canvas, video } = viewer.elements;
  const output = document.createElement("canvas");
  output.width = stage.clientWidth * SCALE;
  output.height = (stage.clientHeight + CAPTION) * SCALE;
  const context = output.getContext("2d");
  if (!context) throw new Error("this browser has no 2D canvas");
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
  drawCaption(context, viewer, colours, stage.clientWidth, stage.clientHeight);
  const blob = await new Promise<Blob | null>((resolve) => output.toBlob(resolve, "image/png"));
  if (!blob) throw new Error("the image is too large for this browser");
  return blob;
}

function drawCaption(
  context: CanvasRenderingContext2D,
  viewer: Viewer,
  colours: PageColours,
  width: number,
  top: number,
): void {
  const { model } = viewer;
  const middle = top + CAPTION / 2;
  context.font = "500 13px Inter, system-ui, sans-serif";
  context.textBaseline = "middle";
  let x = 12;
  for (const run of model.shownRuns.value) {
    if (!run.header.value) continue;
    const { colour, method_title } = run.info.value;
    context.fillStyle = colour;
    context.fillRect(x, middle - 6, 12, 12);
    context.fillStyle = colours.ink;
    const words = `${run.letter}  ${method_title}`;
    context.fillText(words, x + 18, middle);
    x += 18 + context.measureText(words).width + 22;
  }
  context.textAlign = "right";
  context.fillStyle = colours.quiet;
  context.fillText(`${model.upload.value.name} · frame ${model.frame.value}`, width - 12, middle);
  context.textAlign = "left";
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
