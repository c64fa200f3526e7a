/** An MP4 of what is shown, frame by frame: encoded by the browser (WebCodecs), written by Mediabunny. */

import { paintFigure } from "./snapshot";
import type { PageColours } from "./theme-colours";
import type { Viewer } from "./viewer";

/** In this order: H.264 plays everywhere, but not every browser can encode it. */
const CODECS = ["avc", "vp9", "av1"] as const;

export interface MovieOptions {
  viewer: Viewer;
  colours: PageColours;
  /** First and last frame. */
  range: [number, number];
  onProgress(share: number): void;
  signal: AbortSignal;
}

/** The video; null when it was cancelled. Afterwards the viewer shows the frame that it showed before. */
export async function makeMovie({ viewer, colours, range, onProgress, signal }: MovieOptions): Promise<Blob | null> {
  const media = await import("mediabunny");
  const { clock } = viewer;
  const before = clock.frame;
  clock.pause();
  try {
    await showFrame(viewer, range[0]);
    const canvas = paintFigure(viewer, colours, 1);
    const { width, height } = canvas;
    const codec = await media.getFirstEncodableVideoCodec([...CODECS], { width, height });
    if (!codec) throw new Error("this browser cannot encode video");
    const target = new media.BufferTarget();
    const output = new media.Output({ format: new media.Mp4OutputFormat({ fastStart: "in-memory" }), target });
    const source = new media.CanvasSource(canvas, { codec, bitrate: media.QUALITY_HIGH });
    output.addVideoTrack(source, { frameRate: clock.fps });
    await output.start();
    for (let frame = range[0]; frame <= range[1]; frame++) {
      if (signal.aborted) {
        await output.cancel();
        return null;
      }
      await showFrame(viewer, frame);
      paintFigure(viewer, colours, 1, canvas);
      await source.add((frame - range[0]) / clock.fps, 1 / clock.fps);
      onProgress((frame - range[0] + 1) / (range[1] - range[0] + 1));
    }
    await output.finalize();
    if (!target.buffer) throw new Error("the video is empty");
    return new Blob([target.buffer], { type: "video/mp4" });
  } finally {
    clock.seek(before, "button");
  }
}

/** Until the video and all meshes show a frame. */
async function showFrame(viewer: Viewer, frame: number): Promise<void> {
  viewer.clock.seek(frame, "button");
  await viewer.video.settled();
  await viewer.complete(frame);
}
