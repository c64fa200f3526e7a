/** @jsxImportSource preact */
/** Play, step, speed, loop; the scrubber with the filmstrip; one lane per run, its gaps hatched. */

import { Fragment } from "preact";
import type { Clock } from "./clock";
import { SPEEDS } from "./clock";
import { KeypointLegend, KeypointStrip } from "./keypoint-strip";
import type { Layer, RunModel } from "./layers";
import type { ViewModel } from "./view-model";
import { gaps, type Range } from "./viewer-track";

const PLAY = "M7 4.5v15l12-7.5z";
const PAUSE = "M7 5h3.5v14H7zM13.5 5H17v14h-3.5z";
const BACK = "M17 5v14l-9-7zM6 5h1.8v14H6z";
const FORWARD = "M7 5v14l9-7zM16.2 5H18v14h-1.8z";
const LOOP = "M7 7h9V4l4.5 4.5L16 13v-3H9v4H6V8a1 1 0 0 1 1-1zm10 10H8v3l-4.5-4.5L8 11v3h7v-4h3v6a1 1 0 0 1-1 1z";

export function Icon({ path }: { path: string }) {
  return (
    <svg viewBox="0 0 24 24" width="20" height="20" aria-hidden="true">
      <path d={path} fill="currentColor" />
    </svg>
  );
}

export function PlaybackControls({ model, clock }: { model: ViewModel; clock: Clock }) {
  const { frame, playing, speed, loop } = model;
  const last = Math.max(0, model.frameCount - 1);
  return (
    <div class="transport" role="toolbar" aria-label="Playback">
      <div class="row">
        <button
          type="button"
          class="icon"
          aria-label="Previous frame (←)"
          title="Previous frame (←)"
          onClick={() => clock.step(-1, "button")}
        >
          <Icon path={BACK} />
        </button>
        <button
          type="button"
          class="icon play"
          aria-label={playing.value ? "Pause (space)" : "Play (space)"}
          title="Play or pause (space)"
          onClick={() => clock.toggle()}
        >
          <Icon path={playing.value ? PAUSE : PLAY} />
        </button>
        <button
          type="button"
          class="icon"
          aria-label="Next frame (→)"
          title="Next frame (→)"
          onClick={() => clock.step(1, "button")}
        >
          <Icon path={FORWARD} />
        </button>
        <button
          type="button"
          class="icon"
          aria-pressed={loop.value}
          aria-label="Loop (l)"
          title="Loop (l)"
          onClick={() => clock.setLoop(!clock.loop)}
        >
          <Icon path={LOOP} />
        </button>
        <label class="speed">
          <span class="hidden">Speed</span>
          <select
            value={String(speed.value)}
            title="Speed ([ and ])"
            onChange={(event) => clock.setSpeed(Number(event.currentTarget.value))}
          >
            {[...new Set([...SPEEDS, speed.value])]
              .sort((a, b) => a - b)
              .map((value) => (
                <option key={value} value={String(value)}>{`${value}×`}</option>
              ))}
          </select>
        </label>
      </div>
      <div class="row">
        <label class="frame-field">
          <span class="hidden">Frame</span>
          <input
            type="number"
            min={0}
            max={last}
            value={frame.value}
            onKeyDown={(event) => event.key === "Enter" && event.currentTarget.blur()}
            onChange={(event) => {
              clock.pause();
              clock.seek(event.currentTarget.valueAsNumber, "button");
            }}
          />
          <span class="of">/ {last}</span>
        </label>
        <span class="time">{(frame.value / model.fps).toFixed(2)} s</span>
      </div>
    </div>
  );
}

const at = (frame: number, count: number) => `${(100 * frame) / Math.max(count, 1)}%`;

export function Timeline({ model, clock }: { model: ViewModel; clock: Clock }) {
  const count = model.frameCount;
  const seek = (event: PointerEvent & { currentTarget: HTMLElement }) => {
    const { left, width } = event.currentTarget.getBoundingClientRect();
    clock.seek(Math.floor(((event.clientX - left) / width) * count), "timeline");
  };
  const strip = model.upload.value.media.filmstrip;
  const frame = model.frame.value;
  const zoom = model.zoom.value;
  const drawn = model.layers.filter((layer) => layer.shown.value && layer.header.value);
  return (
    <div class="timeline">
      <div
        class="scrubber"
        role="slider"
        tabIndex={0}
        aria-label="Frame"
        aria-valuemin={0}
        aria-valuemax={count - 1}
        aria-valuenow={frame}
        aria-valuetext={`frame ${frame} of ${count - 1}, ${(frame / model.fps).toFixed(2)} s`}
        style={strip ? { backgroundImage: `url("${strip}")` } : undefined}
        onPointerDown={(event) => {
          event.currentTarget.setPointerCapture(event.pointerId);
          clock.pause();
          seek(event);
        }}
        onPointerMove={(event) => event.currentTarget.hasPointerCapture(event.pointerId) && seek(event)}
      >
        {model.comments?.open.value.map(({ id, frame }) => (
          <i key={id} class="comment-mark" style={{ left: at(frame + 0.5, count) }} />
        ))}
        {zoom && <div class="zoomed" style={{ left: at(zoom[0], count), width: at(zoom[1] - zoom[0] + 1, count) }} />}
        <Cursor frame={frame} count={count} />
      </div>
      <div class="lanes">
        {drawn.map((layer) => (
          <Lane key={layer.id} layer={layer} count={count} />
        ))}
        <Cursor frame={frame} count={count} />
      </div>
      <KeypointLegend runs={model.drawn()} />
    </div>
  );
}

function Cursor({ frame, count }: { frame: number; count: number }) {
  return <div class="cursor" style={{ left: at(frame + 0.5, count) }} />;
}

/** One bar per hand: the frames in which it is there, the gaps, and what is loaded; below it its keypoints, where known. */
function Lane({ layer, count }: { layer: Layer | RunModel; count: number }) {
  const header = layer.header.value;
  const records = ("series" in layer && layer.series.value?.keypoints) || [];
  if (!header) return null;
  const bar = ([first, last]: Range, className: string) => (
    <i key={first} class={className} style={{ left: at(first, count), width: at(last - first + 1, count) }} />
  );
  return (
    <div class="lane" style={{ "--method": layer.colour.value }}>
      {header.hands.map((hand) => {
        const missing = gaps(hand.present, count);
        const lost = missing.reduce((sum, [a, b]) => sum + b - a + 1, 0);
        const whose = `${layer.letter}, ${layer.title.value}, ${hand.side} hand`;
        const words = `${whose}: ${lost ? `missing in ${lost} of ${count} frames` : "in every frame"}`;
        const record = records.find(({ track, side }) => track === hand.track && side === hand.side);
        return (
          <Fragment key={`${hand.track} ${hand.side}`}>
            <div class="hand" role="img" aria-label={words} title={words}>
              <span class="whose" aria-hidden="true">
                {layer.letter} <small>{hand.side === "left" ? "L" : "R"}</small>
              </span>
              {hand.present.map((range) => bar(range, "present"))}
              {missing.map((range) => bar(range, "gap"))}
            </div>
            {record && <KeypointStrip record={record} whose={whose} count={count} />}
          </Fragment>
        );
      })}
      {layer.buffered.value.map((range) => bar(range, "buffered"))}
    </div>
  );
}
