/** Puts the parts together: one clock, the video, the meshes of all runs, the views, the loop that draws. */

import { effect, untracked } from "@preact/signals";
import { PerspectiveCamera, type Sphere, Vector3 } from "three";
import { OrbitControls } from "three/examples/jsm/controls/OrbitControls.js";
import { trackUrl } from "./api";
import { fitPosition, type Rect } from "./camera";
import { ChunkCache, MeshSource } from "./chunks";
import { Clock, TimerDriver } from "./clock";
import type { Vec3 } from "./geometry";
import { Ground } from "./ground";
import { RunHands } from "./hands";
import type { Model, RunModel } from "./model";
import { Stage, type View } from "./stage";
import { VideoSync } from "./video";

export interface Elements {
  stage: HTMLElement;
  canvas: HTMLCanvasElement;
  video: HTMLVideoElement;
  videoPane: HTMLElement;
  orbitPane: HTMLElement;
}

export type Standpoint = "fit" | "front" | "side" | "top";

const DIRECTIONS: Record<Standpoint, Vec3> = {
  fit: [0.55, 0.4, 1],
  front: [0, 0, 1],
  side: [1, 0, 0.001],
  top: [0, 1, 0.001],
};
const FIELD_OF_VIEW = 35;
/** ms after navigation before which nothing is drawn without hands: a first drawing without a graphics card takes a while. */
const PATIENCE = 1500;

export class Viewer {
  readonly clock: Clock;
  readonly video: VideoSync;
  readonly orbit = new PerspectiveCamera(FIELD_OF_VIEW, 1, 0.01, 50);
  readonly hands = new Map<string, RunHands>();
  stage: Stage | null = null;
  private readonly ground = new Ground();
  private readonly cache = new ChunkCache();
  private readonly timer: TimerDriver;
  private controls: OrbitControls | null = null;
  private readonly drawListeners = new Set<() => void>();
  private stale = true;
  private changed = performance.now();
  private sharpness = 0;
  private fitted = false;
  private firstDrawn = false;
  private rects: { video: Rect; orbit: Rect } | null = null;

  constructor(
    readonly model: Model,
    readonly elements: Elements,
  ) {
    this.clock = new Clock(model.frameCount, model.fps);
    this.timer = new TimerDriver(this.clock);
    this.clock.seek(model.frame.value, "url");
    this.clock.setSpeed(model.speed.value);
    this.clock.setLoop(model.loop.value);
    this.video = new VideoSync(elements.video, this.clock);
    this.video.onFailure = () => {
      model.videoFailed.value = true;
    };
    this.video.onShown = () => this.invalidate();
    this.video.onSettled = (settled) => {
      elements.stage.dataset.settled = String(settled);
    };
    this.clock.onFrame((frame, source) => {
      model.frame.value = frame;
      if (source !== "timer") this.timer.restart();
      for (const run of this.hands.values()) run.source.request(frame);
      this.invalidate();
    });
    this.clock.onState(() => {
      model.playing.value = this.clock.playing;
      model.speed.value = this.clock.speed;
      model.loop.value = this.clock.loop;
    });
    for (const run of model.runs) this.followRun(run); // first: the network works while WebGL starts
    this.openStage();
    new ResizeObserver(() => this.measure()).observe(elements.stage);
    effect(() => {
      void model.layout.value;
      void model.shownRuns.value.length;
      requestAnimationFrame(() => this.measure()); // after the page has laid itself out anew
    });
    requestAnimationFrame(this.tick);
  }

  invalidate(): void {
    this.changed = performance.now();
    this.stale = true;
  }

  /** Colours of the page changed (dark, light). */
  setColours(background: string, ink: string): void {
    this.stage?.background.set(background);
    this.ground.setInk(ink);
    this.invalidate();
  }

  /** Stand before all shown hands; from the given side. */
  stand(from: Standpoint): void {
    const balls = [...this.hands.values()].filter((run) => run.shown).map((run) => run.ball());
    const ball = balls.reduce<Sphere | null>((sum, one) => (sum && one ? sum.union(one) : (sum ?? one?.clone() ?? null)), null);
    if (!ball) return;
    const rect = this.views().find((view) => view.kind === "orbit")?.rect;
    const aspect = rect && rect.height > 1 ? rect.width / rect.height : 1;
    const position = fitPosition(ball.center.toArray(), ball.radius, DIRECTIONS[from], FIELD_OF_VIEW, aspect);
    this.orbit.position.fromArray(position);
    this.controls?.target.copy(ball.center);
    this.controls?.update();
    this.ground.place(ball.center.x, ball.center.y - ball.radius * 1.05, ball.center.z);
    this.model.camera.value = from === "fit" ? null : this.cameraState();
    this.invalidate();
  }

  /** What is drawn where: all runs in both panes, or each in its own column of both. */
  views(): View[] {
    if (!this.rects) return [];
    const { video, orbit } = this.rects;
    const runs = this.model.runs.filter((run) => run.shown.value).flatMap((run) => this.hands.get(run.id) ?? []);
    if (this.model.layout.value === "overlay" || runs.length < 2)
      return [
        { kind: "video", rect: video, runs, backdrop: false },
        { kind: "orbit", rect: orbit, runs, backdrop: false },
      ];
    const column = (rect: Rect, index: number): Rect => {
      const width = rect.width / runs.length;
      return { ...rect, x: rect.x + index * width, width };
    };
    return runs.flatMap((run, index): View[] => [
      { kind: "video", rect: column(video, index), runs: [run], backdrop: true },
      { kind: "orbit", rect: column(orbit, index), runs: [run], backdrop: false },
    ]);
  }

  /** Draw now; `pixelRatio` other than the screen's for pictures. */
  draw(pixelRatio?: number): void {
    if (!this.stage) return;
    for (const run of this.hands.values()) run.setFrame(this.clock.frame);
    const { stage } = this.elements;
    if (pixelRatio) this.stage.resize(stage.clientWidth, stage.clientHeight, pixelRatio);
    this.stage.render(this.views());
    for (const listener of this.drawListeners) listener();
  }

  /** Called after every drawing; returns what ends it. */
  onDraw(listener: () => void): () => void {
    this.drawListeners.add(listener);
    this.invalidate();
    return () => this.drawListeners.delete(listener);
  }

  /** Sizes of the panes as they are on the page. */
  measure(): void {
    const outer = this.elements.stage.getBoundingClientRect();
    const rect = (element: HTMLElement): Rect => {
      const { x, y, width, height } = element.getBoundingClientRect();
      return { x: x - outer.x, y: y - outer.y, width, height };
    };
    this.rects = { video: rect(this.elements.videoPane), orbit: rect(this.elements.orbitPane) };
    this.sharpness = 0;
    this.stale = true;
    if (this.fitted && !this.model.camera.value) this.stand("fit");
  }

  /** How many pixels of the canvas to one of the page's. */
  private sharpen(now: number): void {
    if (!this.stage) return;
    const moving = now - this.changed < 250;
    const wanted = this.stage.drawnByCpu && moving ? 1 : Math.max(2, Math.min(devicePixelRatio, 3));
    if (wanted === this.sharpness) return;
    this.sharpness = wanted;
    this.stage.resize(this.elements.stage.clientWidth, this.elements.stage.clientHeight, wanted);
    this.stale = true;
  }

  private openStage(): void {
    const { canvas, orbitPane, video } = this.elements;
    try {
      this.stage = new Stage(canvas, this.orbit, this.ground);
    } catch {
      this.model.noWebgl.value = true;
      return;
    }
    this.stage.setVideo(video);
    canvas.addEventListener("webglcontextlost", (event) => event.preventDefault());
    canvas.addEventListener("webglcontextrestored", () => this.invalidate());
    const controls = new OrbitControls(this.orbit, orbitPane);
    controls.enableDamping = !matchMedia("(prefers-reduced-motion: reduce)").matches;
    controls.dampingFactor = 0.12;
    controls.minDistance = 0.05;
    controls.maxDistance = 10;
    controls.addEventListener("change", () => this.invalidate());
    controls.addEventListener("end", () => {
      this.model.camera.value = this.cameraState();
    });
    this.controls = controls;
    const kept = this.model.camera.value;
    if (kept) {
      this.orbit.position.set(...kept.position);
      controls.target.set(...kept.target);
      controls.update();
    }
  }

  private cameraState() {
    return {
      position: this.orbit.position.toArray() as [number, number, number],
      target: (this.controls?.target ?? new Vector3()).toArray() as [number, number, number],
    };
  }

  /** Load a run's meshes as soon as it has some, and follow its switches. */
  private followRun(run: RunModel): void {
    let asked = false;
    effect(() => {
      if (run.info.value.status !== "succeeded" || asked) return;
      asked = true;
      untracked(() => this.open(run));
    });
    effect(() => {
      void run.header.value;
      const hands = this.hands.get(run.id);
      if (!hands) return;
      hands.shown = run.shown.value;
      hands.setLook(run.opacity.value, this.model.wireframe.value);
      this.invalidate();
    });
  }

  private async open(run: RunModel): Promise<void> {
    try {
      const source = await MeshSource.open(trackUrl(run.id), this.cache, this.clock.frame);
      this.hands.set(run.id, new RunHands(source, run.info.value.colour));
      source.onChange = (error) => {
        if (error) run.problem.value = `Some meshes did not come (${error.message}). Reload the page to try again.`;
        run.buffered.value = source.buffered();
        this.invalidate();
      };
      run.buffered.value = source.buffered();
      run.header.value = source.header;
      this.ground.setCamera(source.header.intrinsics, source.header.width, source.header.height);
    } catch (error) {
      run.problem.value = `The meshes did not come: ${(error as Error).message}`;
    }
  }

  private readonly tick = (now: number): void => {
    requestAnimationFrame(this.tick);
    if (!this.video.usable) this.timer.tick(now);
    this.controls?.update();
    this.sharpen(now);
    if (!this.stale || (!this.firstDrawn && this.expecting && now < PATIENCE)) return;
    this.stale = false;
    const complete = [...this.hands.values()].map((run) => run.setFrame(this.clock.frame)).every(Boolean);
    if (complete && !this.fitted && [...this.hands.values()].some((run) => run.ball())) this.fitFirst();
    this.draw();
    if (complete) this.settleFirst();
  };

  /** The first hands that come decide where the floor is and, unless the link says so, where one stands. */
  private fitFirst(): void {
    this.fitted = true;
    const kept = this.model.camera.value;
    this.stand("fit");
    if (!kept) return;
    this.model.camera.value = kept;
    this.orbit.position.set(...kept.position);
    this.controls?.target.set(...kept.target);
    this.controls?.update();
  }

  /** Meshes are on their way which the first picture should have. */
  private get expecting(): boolean {
    return this.model.runs.some(
      (run) => run.shown.value && run.info.value.status === "succeeded" && !run.header.value && !run.problem.value,
    );
  }

  private settleFirst(): void {
    if (this.firstDrawn || this.expecting || this.hands.size === 0) return;
    this.firstDrawn = true;
    performance.mark("viewer:first-frame");
    this.elements.stage.dataset.drawn = "true";
  }
}
