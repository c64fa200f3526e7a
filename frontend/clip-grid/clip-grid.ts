/** Clips × methods in one canvas: every cell shows the same moment, seen by the same camera. */

import { PerspectiveCamera, Vector3 } from "three";
import { OrbitControls } from "three/examples/jsm/controls/OrbitControls.js";
import { Clock, TimerDriver } from "../viewer/clock";
import { FloorGrid } from "../viewer/floor-grid";
import { LayerMeshes } from "../viewer/layer-meshes";
import { ChunkCache, MeshSource } from "../viewer/mesh-chunks";
import { type MeshView, SceneRenderer } from "../viewer/scene-renderer";
import { VideoSync } from "../viewer/video-sync";
import type { Column, GridData } from "./grid-data";
import { frameAt, longestClip } from "./moments";

const DISTANCE = 0.45; // m from the hand, at first
const FIELD_OF_VIEW = 30;
export const SIDES = { Front: [0, 0, 1], Side: [1, 0, 0.001], Top: [0, 1, 0.001] } as const;

interface Cell {
  element: HTMLElement;
  clock: Clock;
  meshes: LayerMeshes | null;
  /** Whether its meshes are still to come, or cannot be loaded. */
  state: "loading" | "ready" | "failed";
}

interface ClipVideo {
  element: HTMLElement;
  clock: Clock;
  sync: VideoSync;
  settled: boolean;
}

export class ClipGrid {
  readonly clock: Clock;
  readonly hasRenderer: boolean;
  private readonly cells: Cell[] = [];
  private readonly videos: ClipVideo[] = [];
  private readonly camera = new PerspectiveCamera(FIELD_OF_VIEW, 1, 0.01, 50);
  private readonly cache = new ChunkCache();
  private readonly timer: TimerDriver;
  private readonly renderer: SceneRenderer | null;
  private readonly controls: OrbitControls;
  private needsDraw = true;

  constructor(
    data: GridData,
    private readonly host: HTMLElement,
    private readonly canvas: HTMLCanvasElement,
    frame: number,
  ) {
    const longest = longestClip(data.clips);
    this.clock = new Clock(longest.frame_count, longest.fps);
    this.timer = new TimerDriver(this.clock);
    this.clock.seek(frame, "url");
    this.camera.position.set(0.3, 0.25, 1).setLength(DISTANCE);
    this.renderer = this.openRenderer();
    this.hasRenderer = this.renderer !== null;
    this.controls = new OrbitControls(this.camera, host);
    this.controls.addEventListener("change", () => this.invalidate());
    host.style.touchAction = "pan-x pan-y"; // fingers scroll the page; the buttons turn the camera
    this.controls.minDistance = 0.1;
    this.controls.maxDistance = 3;
    data.clips.forEach((clip, row) => {
      const clock = new Clock(clip.frame_count, clip.fps);
      const follow = () => clock.seek(frameAt(this.clock.frame, this.clock.fps, clip.fps), "timeline");
      follow();
      this.clock.onFrame(follow);
      this.openVideo(row, clock);
      data.columns.forEach((column, number) => {
        const element = this.cellElement(row, number);
        const shown = clip.cells[number];
        if (element && shown) void this.openCell(element, clock, column, shown.track);
      });
    });
    this.clock.onFrame((_, source) => {
      if (source !== "timer") this.timer.restart();
      for (const { meshes, clock } of this.cells) meshes?.source.request(clock.frame);
      this.invalidate();
    });
    new ResizeObserver(() => this.resize()).observe(host);
    requestAnimationFrame(this.tick);
  }

  invalidate(): void {
    this.needsDraw = true;
    this.host.dataset.settled = "false";
  }

  /** Look from a side; the distance stays. */
  lookFrom(side: keyof typeof SIDES): void {
    const [x, y, z] = SIDES[side];
    this.camera.position.set(x, y, z).setLength(this.camera.position.length());
    this.controls.update();
    this.invalidate();
  }

  setBackground(colour: string): void {
    this.renderer?.background.set(colour);
    this.invalidate();
  }

  private openRenderer(): SceneRenderer | null {
    try {
      return new SceneRenderer(this.canvas, this.camera, new FloorGrid());
    } catch {
      return null; // no WebGL: the videos are still shown
    }
  }

  private cellElement(row: number, column: number): HTMLElement | null {
    return this.host.querySelector(`[data-cell="${row}-${column}"]`);
  }

  private openVideo(row: number, clock: Clock): void {
    const element = this.host.querySelector<HTMLElement>(`[data-video="${row}"]`);
    const video = element?.querySelector("video");
    if (!element || !video) return;
    const entry: ClipVideo = { element, clock, sync: new VideoSync(video, clock), settled: false };
    entry.sync.onSettled = (settled) => {
      entry.settled = settled;
      this.invalidate();
    };
    entry.sync.onFailure = () => {
      element.dataset.problem = "The video could not be loaded.";
      this.invalidate();
    };
    this.videos.push(entry);
  }

  private async openCell(element: HTMLElement, clock: Clock, column: Column, track: string): Promise<void> {
    const cell: Cell = { element, clock, meshes: null, state: "loading" };
    this.cells.push(cell);
    try {
      const source = await MeshSource.open(track, this.cache, clock.frame, () => {}, false);
      cell.meshes = new LayerMeshes(source, column.colour);
      cell.state = "ready";
      source.onChange = (error) => (error ? this.fail(cell, error) : this.invalidate());
      source.request(clock.frame, false);
    } catch (error) {
      this.fail(cell, error as Error);
    }
    this.invalidate();
  }

  private fail(cell: Cell, error: Error): void {
    cell.state = "failed";
    cell.element.dataset.problem = `The meshes could not be loaded: ${error.message}`;
    this.invalidate();
  }

  private resize(): void {
    const pixelRatio = this.renderer?.isSoftwareRendered ? 1 : Math.min(devicePixelRatio, 2);
    this.renderer?.resize(this.host.clientWidth, this.host.clientHeight, pixelRatio);
    this.invalidate();
  }

  private readonly tick = (now: number): void => {
    requestAnimationFrame(this.tick);
    this.timer.tick(now);
    this.controls.update();
    if (!this.needsDraw) return;
    this.needsDraw = false;
    const complete = this.draw();
    const settled = this.videos.every((video) => video.settled || !video.sync.usable);
    this.host.dataset.settled = String(complete && settled);
  };

  /** Draw every cell at its clip's frame; whether all have what they need for it. */
  private draw(): boolean {
    const outer = this.host.getBoundingClientRect();
    const views: MeshView[] = [];
    let complete = true;
    for (const cell of this.cells) {
      const isThere = cell.meshes?.setFrame(cell.clock.frame) ?? false;
      if (!isThere && cell.state !== "failed") complete = false;
      if (!cell.meshes || !isThere) continue;
      cell.element.dataset.frame = String(cell.clock.frame);
      cell.element.toggleAttribute("data-no-hand", !cell.meshes.present);
      const { x, y, width, height } = cell.element.getBoundingClientRect();
      const rect = { x: x - outer.x, y: y - outer.y, width, height };
      const centre = cell.meshes.boundingSphere()?.center ?? new Vector3();
      views.push({ kind: "orbit", rect, clip: rect, layers: [cell.meshes], backdrop: false, centre });
    }
    this.renderer?.render(views);
    return complete;
  }
}
