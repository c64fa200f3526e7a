/** @jsxImportSource preact */
/** The viewer page: video and 3D panes, methods, playback, timeline and plots. */

import { effect } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";
import { isFailed, isOpen } from "./api";
import { drawAxes } from "./axes";
import { BoxLayer } from "./box-layer";
import { BoxList } from "./box-list";
import { CommentList } from "./comment-list";
import { Blinker, ColourBar, WipeHandles } from "./compare-controls";
import { ExportMenu, saveImage } from "./export-menu";
import { JointMark } from "./joint-mark";
import { JointLegend, JointReadout } from "./joint-readout";
import { LiveErrors } from "./live-errors";
import { Methods } from "./methods";
import { Plots } from "./metric-plots";
import { PlaybackControls, Timeline } from "./playback";
import { ShortcutHelp } from "./shortcut-help";
import { handleKeys, type Shortcut, shortcuts } from "./shortcuts";
import { acceptSteering } from "./steering";
import { followColours, pageColours } from "./theme-colours";
import type { ViewModel } from "./view-model";
import { Viewer, type Viewpoint } from "./viewer";

const NOTICE_MS = 8000;

export function App({ model }: { model: ViewModel }) {
  const root = useRef<HTMLDivElement>(null);
  const stage = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const video = useRef<HTMLVideoElement>(null);
  const videoPane = useRef<HTMLDivElement>(null);
  const orbitPane = useRef<HTMLDivElement>(null);
  const [viewer, setViewer] = useState<Viewer | null>(null);
  const [table, setTable] = useState<Shortcut[]>([]);

  useEffect(() => {
    if (!root.current || !stage.current || !canvas.current || !video.current || !videoPane.current || !orbitPane.current)
      return;
    const made = new Viewer(model, {
      stage: stage.current,
      canvas: canvas.current,
      video: video.current,
      videoPane: videoPane.current,
      orbitPane: orbitPane.current,
    });
    followColours(root.current);
    new LiveErrors(model);
    const keys = shortcuts(model, made.clock, actions(model, made, root.current));
    setTable(keys);
    setViewer(made);
    const endKeys = handleKeys(keys, root.current);
    const endSteering = acceptSteering(model.sites, {
      clock: made.clock,
      get runs() {
        return model.runs;
      },
      frame: model.frame,
      playing: model.playing,
      alignment: model.comparison.target.value ? model.comparison.alignment : undefined,
      setViewpoint: (viewpoint) => made.setViewpoint(viewpoint),
      setCamera: (camera) => made.setCamera(camera),
    });
    return () => {
      endKeys();
      endSteering();
    };
  }, [model]);

  useEffect(() => {
    if (viewer) return effect(() => viewer.setColours(pageColours.value.paper, pageColours.value.ink));
  }, [viewer]);

  const upload = model.upload.value;
  const side = model.layout.value === "side" && model.drawn().length > 1;
  return (
    <div ref={root} class="viewer" data-frame={model.frame.value}>
      {model.linkProblem && (
        <p class="link-problem" role="status">
          {model.linkProblem}
        </p>
      )}
      <div ref={stage} class={side ? "stage side" : "stage"} style={proportions(upload.width, upload.height)}>
        <div ref={videoPane} class="pane video-pane">
          <video
            ref={video}
            src={upload.media.web_video ?? undefined}
            poster={upload.media.poster ?? undefined}
            muted
            playsInline
            preload="auto"
            aria-label={`Video ${upload.name}`}
            style={{ visibility: model.videoFailed.value ? "hidden" : undefined }}
          />
          <UploadStatus model={model} />
        </div>
        <div ref={orbitPane} class="pane orbit-pane" role="img" aria-label="The hands in 3D; drag to rotate">
          {model.noWebgl.value && (
            <p class="message">This browser has no WebGL, so meshes cannot be drawn. The video and the plots still work.</p>
          )}
        </div>
        <canvas ref={canvas} />
        <NothingShown model={model} />
        {side && <Columns model={model} />}
        <WipeHandles model={model} />
        <Blinker model={model} />
        <ColourBar model={model} />
        {viewer && model.boxes && <BoxLayer model={model} boxes={model.boxes} pane={viewer.elements.videoPane} />}
        <JointLegend model={model} />
        {viewer && <JointReadout model={model} viewer={viewer} />}
        {viewer && model.comments && <JointMark model={model} comments={model.comments} viewer={viewer} />}
        {viewer && model.hasRenderer.value && <OrbitTools viewer={viewer} model={model} />}
      </div>
      {viewer && <Toolbar table={table} model={model} viewer={viewer} />}
      <aside class="panel">
        <Methods model={model} />
        {viewer && model.boxes && <BoxList model={model} boxes={model.boxes} clock={viewer.clock} />}
      </aside>
      {viewer && !model.isSingleImage && (
        <div class="dock">
          <PlaybackControls model={model} clock={viewer.clock} />
          <Timeline model={model} clock={viewer.clock} />
        </div>
      )}
      {viewer && !model.isSingleImage && <Plots model={model} clock={viewer.clock} />}
      {viewer && model.comments && <CommentList model={model} comments={model.comments} clock={viewer.clock} />}
      <Notice model={model} />
      <ShortcutHelp model={model} table={table} />
    </div>
  );
}

/** A message about the whole page, until it has been read. */
function Notice({ model }: { model: ViewModel }) {
  const text = model.notice.value;
  useEffect(() => {
    if (!text) return;
    const timer = setTimeout(() => {
      model.notice.value = "";
    }, NOTICE_MS);
    return () => clearTimeout(timer);
  }, [text, model]);
  return (
    <p class="toast" role="status">
      {text}
    </p>
  );
}

/** Says why the views have no hands. */
function NothingShown({ model }: { model: ViewModel }) {
  if (model.upload.value.status !== "ready" || model.shownRuns.value.length) return null;
  if (!model.runs.length)
    return (
      <p class="message over">
        No method has been run on this upload. <a href={`/uploads/${model.upload.value.id}/`}>Run one on the upload's page</a>.
      </p>
    );
  return <p class="message over">No method is shown. Show one in the list of methods, or press 1 to {model.runs.length}.</p>;
}

/** The proportions of the video, so that its pane has small margins. */
function proportions(width: number | null, height: number | null) {
  const aspect = Math.min(Math.max((width ?? 4) / (height ?? 3), 0.5), 2);
  return {
    "--picture": String(aspect),
    "--columns": `${aspect}fr ${Math.max(1, aspect)}fr`,
    "--both": String(aspect + Math.max(1, aspect)),
  };
}

function actions(model: ViewModel, viewer: Viewer, root: HTMLElement) {
  return {
    snapshot: () => saveImage(model, viewer, "png"),
    fullScreen: () => {
      const change = document.fullscreenElement ? document.exitFullscreen() : root.requestFullscreen();
      change.catch(() => {
        model.notice.value = "This browser does not allow full screen.";
      });
    },
    fit: () => viewer.setViewpoint("fit"),
    comment: () => root.querySelector<HTMLElement>(".comments textarea")?.focus(),
  };
}

/** Buttons for the shortcuts, so that nothing needs a keyboard. */
function Toolbar({ table, model, viewer }: { table: Shortcut[]; model: ViewModel; viewer: Viewer }) {
  const press = (key: string) => table.find((entry) => entry.keys.includes(key))?.run({ key, shiftKey: false });
  const button = (key: string, text: string, title: string, pressed?: boolean) => (
    <button type="button" class="small" aria-pressed={pressed} title={`${title} (${key})`} onClick={() => press(key)}>
      {text}
    </button>
  );
  const layout = model.layout.value;
  return (
    <div class="toolbar" role="toolbar" aria-label="View">
      {button("o", "Overlay", "All methods in one view", layout === "overlay")}
      {button("c", "Side by side", "One column per method, cameras linked", layout === "side")}
      {button("v", "Wipe", "The first two shown methods, divided by a handle", layout === "wipe")}
      {button("b", "Blink", "The first two shown methods in turn", layout === "blink")}
      <span class="gap" />
      {model.truth && button("g", `Truth: ${model.truthStyle.value}`, "Ground truth as ghost, as wireframe, or off")}
      {button("e", "Error colours", "Colour the meshes by their error", model.comparison.colours.value)}
      {button("j", "Joints", "Joints and bones, and which of them nothing saw", model.skeleton.value)}
      {button("w", "Wireframe", "Show the triangles", model.wireframe.value)}
      {model.boxes?.canWrite &&
        layout !== "side" &&
        button("h", "Add a hand", "Draw a box around a hand that was missed", model.boxes.drawing.value)}
      <span class="gap" />
      <ExportMenu model={model} viewer={viewer} />
      {button("f", "Full screen", "Full screen")}
      {button("?", "Shortcuts", "Keyboard shortcuts")}
    </div>
  );
}

/** Names the columns side by side. */
function Columns({ model }: { model: ViewModel }) {
  const runs = model.drawn();
  return (
    <div class="columns" style={{ gridTemplateColumns: `repeat(${runs.length}, minmax(0, 1fr))` }}>
      {runs.map((run) => (
        <span key={run.id} style={{ "--method": run.info.value.colour }}>
          <span class="swatch" aria-hidden="true">
            {run.letter}
          </span>
          {run.info.value.method_title}
        </span>
      ))}
    </div>
  );
}

const VIEWPOINTS: Array<[Viewpoint, string, string]> = [
  ["fit", "Fit", "Fit all hands into the view (r)"],
  ["front", "Front", "From the video's camera"],
  ["side", "Side", "From the right"],
  ["top", "Top", "From above"],
];

function OrbitTools({ viewer, model }: { viewer: Viewer; model: ViewModel }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const context = canvas.current?.getContext("2d");
    if (!context) return;
    return viewer.onDraw(() => {
      context.setTransform(2, 0, 0, 2, 0, 0);
      context.clearRect(0, 0, 72, 72);
      drawAxes(context, 36, 36, 24, viewer.orbit.quaternion, pageColours.value.dark);
    });
  }, [viewer]);
  return (
    <div class={model.layout.value === "side" ? "orbit-tools side" : "orbit-tools"}>
      <div class="viewpoints" role="toolbar" aria-label="Viewpoint">
        {VIEWPOINTS.map(([name, text, title]) => (
          <button key={name} type="button" class="small" title={title} onClick={() => viewer.setViewpoint(name)}>
            {text}
          </button>
        ))}
      </div>
      <canvas
        ref={canvas}
        width={144}
        height={144}
        role="img"
        aria-label="Axes of the camera frame: x right, y down, z forward"
      />
      <span class="grid-note">grid 10 cm</span>
    </div>
  );
}

/** Says why there is no video. */
function UploadStatus({ model }: { model: ViewModel }) {
  const upload = model.upload.value;
  if (isFailed(upload.status)) return <p class="message">{upload.error || "This upload could not be read."}</p>;
  if (isOpen(upload.status))
    return (
      <p class="message">{`${upload.stage || "The video is being prepared"}: ${Math.round(100 * upload.progress)}%. It will appear here when it is ready.`}</p>
    );
  if (model.videoFailed.value || !upload.media.web_video)
    return <p class="message">The video cannot be played in this browser. The meshes and the plots still work.</p>;
  return null;
}
