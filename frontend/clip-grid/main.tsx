/** @jsxImportSource preact */
/** The grid of clips and methods: one time cursor, one camera, one canvas. */

import { signal } from "@preact/signals";
import { render } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { followColours, pageColours } from "../viewer/theme-colours";
import { throttled } from "../viewer/url-state";
import { ClipGrid, SIDES } from "./clip-grid";
import type { GridClip, GridData } from "./grid-data";
import { longestClip } from "./moments";
import "./clip-grid.css";

const frame = signal(0);
const playing = signal(false);
const noWebgl = signal(false);
let grid: ClipGrid | null = null;

const keepInUrl = throttled((shown: number) => {
  const query = new URLSearchParams(location.search);
  query.set("frame", String(shown));
  history.replaceState(history.state, "", `${location.pathname}?${query}`);
}, 250);

function Grid({ data, first }: { data: GridData; first: number }) {
  const host = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    if (!host.current || !canvas.current) return;
    const made = new ClipGrid(data, host.current, canvas.current, first);
    grid = made;
    frame.value = made.clock.frame;
    noWebgl.value = !made.hasRenderer;
    made.clock.onFrame((shown) => {
      frame.value = shown;
      keepInUrl(shown);
    });
    made.clock.onState(() => {
      playing.value = made.clock.playing;
    });
    followColours(host.current);
    return pageColours.subscribe(({ paper }) => made.setBackground(paper));
  }, [data, first]);
  return (
    <div class="clip-grid" data-frame={frame.value}>
      {noWebgl.value && <p class="notice">This browser has no WebGL, so meshes cannot be drawn. The videos still work.</p>}
      <div class="cells-scroll">
        <div ref={host} class="cells" style={{ "--methods": data.columns.length }}>
          <table>
            <thead>
              <tr>
                <th scope="col">Clip</th>
                {data.columns.map(({ title, colour }) => (
                  <th key={title} scope="col">
                    <i class="key" style={{ background: colour }} /> {title}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {data.clips.map((clip, row) => (
                <Clip key={clip.address} clip={clip} row={row} columns={data.columns.map(({ title }) => title)} />
              ))}
            </tbody>
          </table>
          <canvas ref={canvas} />
        </div>
      </div>
      <Cursor data={data} />
    </div>
  );
}

function Clip({ clip, row, columns }: { clip: GridClip; row: number; columns: string[] }) {
  return (
    <tr>
      <th scope="row" class="clip" data-video={row}>
        <a href={clip.address} onPointerDown={(event) => event.stopPropagation()}>
          {clip.name}
        </a>
        {clip.video && (
          <video
            src={clip.video}
            poster={clip.poster ?? undefined}
            muted
            playsInline
            preload="auto"
            aria-label={`Video ${clip.name}`}
            style={{ aspectRatio: `${clip.width} / ${clip.height}` }}
          />
        )}
      </th>
      {clip.cells.map((cell, column) => (
        <td key={columns[column]} class="cell" data-cell={cell ? `${row}-${column}` : undefined}>
          {cell ? (
            <a
              href={`${cell.address}frame=${frame.value}`}
              onPointerDown={(event) => event.stopPropagation()} // it would turn the camera
              aria-label={`Open ${columns[column]} on ${clip.name} at this frame`}
            >
              Open
            </a>
          ) : (
            <span class="hint">No finished run</span>
          )}
        </td>
      ))}
    </tr>
  );
}

function Cursor({ data }: { data: GridData }) {
  const { frame_count, fps } = longestClip(data.clips);
  const last = Math.max(0, frame_count - 1);
  const seek = (event: { currentTarget: HTMLInputElement }) => {
    grid?.clock.pause();
    grid?.clock.seek(event.currentTarget.valueAsNumber, "timeline");
  };
  return (
    <div class="cursor">
      <button type="button" class="primary" onClick={() => grid?.clock.toggle()}>
        {playing.value ? "Pause" : "Play"}
      </button>
      <div class="actions">
        {(Object.keys(SIDES) as Array<keyof typeof SIDES>).map((side) => (
          <button key={side} type="button" onClick={() => grid?.lookFrom(side)}>
            {side}
          </button>
        ))}
      </div>
      <input type="range" min={0} max={last} value={frame.value} aria-label="Time cursor: frame" onInput={seek} />
      <label>
        Frame <input type="number" min={0} max={last} value={frame.value} onChange={seek} />
      </label>
      <span class="hint">
        / {last} · {(frame.value / fps).toFixed(2)} s
      </span>
    </div>
  );
}

const host = document.getElementById("clip-grid");
const data = document.getElementById("clip-grid-data")?.textContent;
if (host && data) {
  const first = Number(new URLSearchParams(location.search).get("frame") ?? 0);
  host.replaceChildren();
  render(<Grid data={JSON.parse(data) as GridData} first={Number.isFinite(first) ? first : 0} />, host);
}
