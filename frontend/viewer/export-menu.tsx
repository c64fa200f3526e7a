/** @jsxImportSource preact */
/** Saves what is shown: image, drawing, figure for a paper, video, or a description that reproduces it. */

import { useRef, useState } from "preact/hooks";
import { manifest } from "./manifest";
import { makeMovie } from "./movie";
import { download, movieName, pdfSnapshot, snapshot, snapshotName, svgSnapshot } from "./snapshot";
import { pageColours } from "./theme-colours";
import type { ViewModel } from "./view-model";
import type { Viewer } from "./viewer";

const SNAPSHOTS = { png: snapshot, svg: svgSnapshot, pdf: pdfSnapshot };

/** Saves the current frame and says so. */
export async function saveImage(model: ViewModel, viewer: Viewer, kind: keyof typeof SNAPSHOTS): Promise<void> {
  try {
    const blob = await SNAPSHOTS[kind](viewer, pageColours.value);
    const name = snapshotName(model.upload.value.name, viewer.clock.frame, kind);
    download(blob, name);
    model.notice.value = `Saved ${name}`;
  } catch (error) {
    model.notice.value = `The image could not be saved: ${(error as Error).message}.`;
  }
}

function saveManifest(model: ViewModel, viewer: Viewer): void {
  const text = JSON.stringify(manifest(model, location.origin + location.pathname, viewer.cameraState()), null, 2);
  const name = snapshotName(model.upload.value.name, viewer.clock.frame, "json");
  download(new Blob([text], { type: "application/json" }), name);
  model.notice.value = `Saved ${name}`;
}

export function ExportMenu({ model, viewer }: { model: ViewModel; viewer: Viewer }) {
  const menu = useRef<HTMLDetailsElement>(null);
  const [running, setRunning] = useState<{ abort: AbortController; share: number } | null>(null);
  const then = (action: () => void) => () => {
    if (menu.current) menu.current.open = false;
    action();
  };
  const saveMovie = async () => {
    const abort = new AbortController();
    const range: [number, number] = model.zoom.value ?? [0, viewer.clock.last];
    setRunning({ abort, share: 0 });
    try {
      const onProgress = (share: number) => setRunning({ abort, share });
      const blob = await makeMovie({ viewer, colours: pageColours.value, range, onProgress, signal: abort.signal });
      const name = movieName(model.upload.value.name, range);
      if (blob) download(blob, name);
      model.notice.value = blob ? `Saved ${name}` : "The video was cancelled.";
    } catch (error) {
      model.notice.value = `The video could not be saved: ${(error as Error).message}.`;
    } finally {
      setRunning(null);
    }
  };
  if (running)
    return (
      <button type="button" class="small" onClick={() => running.abort.abort()}>
        {`Cancel video (${Math.round(100 * running.share)}%)`}
      </button>
    );
  return (
    <details ref={menu} class="export">
      <summary class="small">Save</summary>
      <div>
        <button type="button" title="(s)" onClick={then(() => saveImage(model, viewer, "png"))}>
          Image (PNG)
        </button>
        <button type="button" onClick={then(() => saveImage(model, viewer, "svg"))}>
          Drawing (SVG)
        </button>
        <button type="button" title="One page of the size of the figure" onClick={then(() => saveImage(model, viewer, "pdf"))}>
          Figure (PDF)
        </button>
        {!model.isSingleImage && (
          <button
            type="button"
            title="Of the frames to which the plots are zoomed, else of the whole clip"
            onClick={then(saveMovie)}
          >
            Video (MP4)
          </button>
        )}
        <button type="button" title="A description that reproduces this view" onClick={then(() => saveManifest(model, viewer))}>
          Description (JSON)
        </button>
      </div>
    </details>
  );
}
