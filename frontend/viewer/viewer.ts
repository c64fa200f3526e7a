/** Connects the parts: clock, video, meshes of all runs, views, and the draw loop. */

import { effect, untracked } from "@preact/signals";
import { PerspectiveCamera, type Sphere, Vector3 } from "three";
import { OrbitControls } from "three/examples/jsm/controls/OrbitControls.js";
import { SurfaceClient } from "../metrics/surface-client";
import { fitPosition, type Rect } from "./camera";
import { Clock, TimerDriver } from "./clock";
import { ErrorColours } from "./error-colours";
import { FloorGrid } from "./floor-grid";
import type { Vec3 } from "./geometry";
import { LayerMeshes } from "./layer-meshes";
import type { Layer } from "./layers";
import { ChunkCache, MeshSource } from "./mesh-chunks";
import { type MeshView, SceneRenderer } from "./scene-renderer";
import type { CameraState } from "./url-state";
import { VideoSync } from "./video-sync";
import { forEachLayer, type ViewModel } from "./view-model";
import { arrange } from "./views";

export interface Elements {
  stage: HTMLElement;
  canvas: HTMLCanvasElement;
  video: HTMLVideoElement;
  videoPane: HTMLElement;
  orbitPane: HTMLElement;
}

export type Viewpoint = "fit" | "front" | "side" | "top";

const DIRECTIONS: Record<Viewpoint, Vec3> = {
  fit: [0.55, 0.4, 1],
  front: [0, 0, 1],
  side: [1, 0, 0.001],
  top: [0, 1, 0.001],
};
const FIELD_OF_VIEW = 35;
/** From navigation: until then the first drawing waits for meshes, as it is slow without a graphics card. */
const FIRST_DRAW_TIMEOUT_MS = 1500;
/** At the latest after this time WebGL starts, even if no mesh has been requested yet. */
const RENDERER_TIMEOUT_MS = 1000;

export class Viewer {
  readonly clock: Clock;
  readonly video: VideoSync;
  readonly orbit = new PerspectiveCamera(FIELD_OF_VIEW, 1, 0.01, 50);
  readonly meshes = new Map<string, LayerMeshes>();
  renderer: SceneRenderer | null = null;
  private readonly ground = new FloorGrid();
  private readonly cache = new ChunkCache();
  private readonly timer: TimerDriver;
  private readonly colours: ErrorColours;
  private controls: OrbitControls | null = null;
  private background = "#f4f3f1";
  /** Resolve when the first meshes of a shown run have been requested, or cannot be. */
  private readonly requested: Promise<void>[] = [];
  private readonly drawListeners = new Set<() => void>();
  private needsDraw = true;
  private changed = performance.now();
  private pixelRatio = 0;
  private fitted = false;
  /** Whether another frame than the first has been asked for: until then only that one's meshes are loaded. */
  private wasMoved = false;
  private firstDrawn = false;
  private rects: { video: Rect; orbit: Rect } | null = null;

  constructor(
    readonly model: ViewModel,
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
      this.wasMoved = true;
      for (const layer of this.meshes.values()) layer.source.request(frame);
      this.invalidate();
    });
    this.clock.onState(() => {
      model.playing.value = this.clock.playing;
      if (this.clock.playing) for (const layer of this.meshes.values()) layer.source.request(this.clock.frame);
      model.speed.value = this.clock.speed;
      model.loop.value = this.clock.loop;
    });
    this.orbit.position.set(0.3, 0.2, 0.1); // until there are hands to fit into the view
    this.orbit.lookAt(0, 0, -0.5);
    this.colours = new ErrorColours(model, this.meshes, new SurfaceClient(), () => this.invalidate());
    forEachLayer(model, (layer) => this.followLayer(layer));
    effect(() => this.followSettings());
    void this.startRenderer();
    new ResizeObserver(() => this.measure()).observe(elements.stage);
    effect(() => {
      void model.layout.value;
      void model.shownRuns.value.length;
      requestAnimationFrame(() => this.measure()); // after the layout has changed
    });
    requestAnimationFrame(this.tick);
  }

  invalidate(): void {
    this.changed = performance.now();
    this.needsDraw = true;
  }

  /** The theme has changed. */
  setColours(background: string, ink: string): void {
    this.background = background;
    this.renderer?.background.set(background);
    this.ground.setInk(ink);
    this.invalidate();
  }

  /** Move the orbit camera so that it sees all shown hands from a side. */
  setViewpoint(from: Viewpoint): void {
    const spheres = [...this.meshes.values()].filter((run) => run.shown).map((run) => run.boundingSphere());
    const sphere = spheres.reduce<Sphere | null>(
      (sum, one) => (sum && one ? sum.union(one) : (sum ?? one?.clone() ?? null)),
      null,
    );
    if (!sphere) return;
    const rect = this.views().find((view) => view.kind === "orbit")?.rect;
    const aspect = rect && rect.height > 1 ? rect.width / rect.height : 1;
    const position = fitPosition(sphere.center.toArray(), sphere.radius, DIRECTIONS[from], FIELD_OF_VIEW, aspect);
    this.orbit.position.fromArray(position);
    this.controls?.target.copy(sphere.center);
    this.controls?.update();
    this.ground.place(sphere.center.x, sphere.center.y - sphere.radius * 1.05, sphere.center.z);
    this.model.camera.value = from === "fit" ? null : this.cameraState();
    this.invalidate();
  }

  /** What is drawn where. */
  views(): MeshView[] {
    if (!this.rects) return [];
    const { model } = this;
    const meshesOf = (layer: Layer | null) => (layer?.shown.value && this.meshes.get(layer.id)) || null;
    return arrange({
      ...this.rects,
      layout: model.layout.value,
      runs: model.runs.flatMap((run) => meshesOf(run) ?? []),
      truth: meshesOf(model.truth),
      wipe: model.wipe.value,
      second: model.blinkSecond.value,
    });
  }

  /** Draw now; for images with another `pixelRatio` than the screen's. */
  draw(pixelRatio?: number): void {
    if (!this.renderer) return;
    for (const layer of this.meshes.values()) layer.setFrame(this.clock.frame);
    this.colours.update(this.clock.frame);
    const { stage } = this.elements;
    if (pixelRatio) {
      this.renderer.resize(stage.clientWidth, stage.clientHeight, pixelRatio);
      this.pixelRatio = 0; // the next drawing on the screen has the screen's again
      this.needsDraw = true;
    }
    this.renderer.render(this.views());
    for (const listener of this.drawListeners) listener();
  }

  /** Call `listener` after every drawing; returns the function that unsubscribes it. */
  onDraw(listener: () => void): () => void {
    this.drawListeners.add(listener);
    this.invalidate();
    return () => this.drawListeners.delete(listener);
  }

  /** Resolves when the meshes of all shown layers are loaded for a frame, or cannot be. */
  async complete(frame: number): Promise<void> {
    const isComplete = () =>
      [...this.meshes].every(([id, meshes]) => {
        const layer = this.model.layers.find((one) => one.id === id);
        return !meshes.shown || Boolean(layer?.problem.value) || meshes.setFrame(frame);
      });
    while (!isComplete()) await new Promise((resolve) => setTimeout(resolve, 20));
  }

  /** Read the sizes of the panes from the page. */
  measure(): void {
    const outer = this.elements.stage.getBoundingClientRect();
    const rect = (element: HTMLElement): Rect => {
      const { x, y, width, height } = element.getBoundingClientRect();
      return { x: x - outer.x, y: y - outer.y, width, height };
    };
    this.rects = { video: rect(this.elements.videoPane), orbit: rect(this.elements.orbitPane) };
    this.pixelRatio = 0;
    this.needsDraw = true;
    if (this.fitted && !this.model.camera.value) this.setViewpoint("fit");
  }

  /** Choose the canvas' pixels per CSS pixel: fewer while something moves without a graphics card. */
  private updatePixelRatio(now: number): void {
    if (!this.renderer) return;
    const moving = now - this.changed < 250;
    const wanted = this.renderer.isSoftwareRendered && moving ? 1 : Math.max(2, Math.min(devicePixelRatio, 3));
    if (wanted === this.pixelRatio) return;
    this.pixelRatio = wanted;
    this.renderer.resize(this.elements.stage.clientWidth, this.elements.stage.clientHeight, wanted);
    this.needsDraw = true;
  }

  /** Without a graphics card, starting WebGL blocks the page for seconds: the requests for meshes are sent before. */
  private async startRenderer(): Promise<void> {
    const timeout = new Promise((resolve) => setTimeout(resolve, RENDERER_TIMEOUT_MS));
    await Promise.race([Promise.all(this.requested), timeout]);
    this.openRenderer();
    this.measure();
    this.invalidate();
  }

  private openRenderer(): void {
    const { canvas, orbitPane, video } = this.elements;
    try {
      this.renderer = new SceneRenderer(canvas, this.orbit, this.ground);
    } catch {
      this.model.noWebgl.value = true;
      return;
    }
    this.renderer.background.set(this.background);
    this.renderer.setVideo(video);
    this.model.hasRenderer.value = true;
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
    controls.target.set(0, 0, -0.5);
    this.controls = controls;
    const kept = this.model.camera.value;
    if (kept) {
      this.orbit.position.set(...kept.position);
      controls.target.set(...kept.target);
      controls.update();
    }
  }

  cameraState() {
    return {
      position: this.orbit.position.toArray() as [number, number, number],
      target: (this.controls?.target ?? new Vector3()).toArray() as [number, number, number],
    };
  }

  /** Load a layer's meshes once it is ready and shown, or compared with in colours; and apply its settings. */
  private followLayer(layer: Layer): void {
    const { comparison } = this.model;
    let requested = false;
    effect(() => {
      const isNeeded = layer.shown.value || comparison.target.value === layer;
      if (!layer.ready.value || !isNeeded || requested) return;
      requested = true;
      untracked(() => this.open(layer));
    });
    effect(() => {
      void layer.header.value;
      const hands = this.meshes.get(layer.id);
      if (!hands) return;
      hands.shown = layer.shown.value;
      hands.setLook(layer.look.value);
      this.invalidate();
    });
    effect(() => {
      const source = layer.source.value;
      const isShown = this.model.skeleton.value && layer.shown.value;
      if (source) untracked(() => this.showSkeleton(layer, source, isShown));
    });
  }

  /** Joints and bones of a layer; what they need is loaded first. */
  private showSkeleton(layer: Layer, source: MeshSource, isShown: boolean): void {
    this.meshes.get(layer.id)?.setSkeleton(isShown);
    this.invalidate();
    if (!isShown) return;
    Promise.all([source.joints(), source.loadCertainty()]).then(
      () => this.invalidate(),
      (error: Error) => {
        layer.problem.value = `The joints could not be loaded: ${error.message}`;
      },
    );
  }

  /** Draw again when something changes that is read while drawing. */
  private followSettings(): void {
    const { model } = this;
    const { comparison } = model;
    void [model.wipe.value, model.blinkSecond.value, comparison.target.value, comparison.alignment.value];
    void [comparison.colours.value, comparison.scaleMax.value];
    for (const layer of model.layers) void layer.joints.value;
    this.invalidate();
  }

  private async open(layer: Layer): Promise<void> {
    let onRequested = () => {};
    this.requested.push(
      new Promise((resolve) => {
        onRequested = resolve;
      }),
    );
    try {
      const source = await MeshSource.open(layer.track, this.cache, this.clock.frame, onRequested, this.wasMoved);
      this.meshes.set(layer.id, new LayerMeshes(source, layer.colour.value));
      source.onChange = (error) => {
        if (error) layer.problem.value = `Some meshes could not be loaded (${error.message}). Reload the page to try again.`;
        layer.buffered.value = source.buffered();
        this.invalidate();
      };
      layer.buffered.value = source.buffered();
      layer.source.value = source;
      layer.header.value = source.header;
      this.ground.setCamera(source.header.intrinsics, source.header.width, source.header.height);
    } catch (error) {
      layer.problem.value = `The meshes could not be loaded: ${(error as Error).message}`;
    } finally {
      onRequested();
    }
  }

  private readonly tick = (now: number): void => {
    requestAnimationFrame(this.tick);
    if (!this.video.usable) this.timer.tick(now);
    this.controls?.update();
    this.updatePixelRatio(now);
    if (!this.needsDraw || (!this.firstDrawn && this.isLoading && now < FIRST_DRAW_TIMEOUT_MS)) return;
    this.needsDraw = false;
    const complete = [...this.meshes.values()].map((run) => run.setFrame(this.clock.frame)).every(Boolean);
    if (complete && !this.fitted && [...this.meshes.values()].some((run) => run.boundingSphere())) this.fitFirst();
    this.draw();
    if (complete) this.settleFirst();
  };

  /** The first loaded hands define the floor and, unless the link has one, the camera. */
  private fitFirst(): void {
    this.fitted = true;
    const kept = this.model.camera.value;
    this.setViewpoint("fit");
    if (!kept) return;
    this.setCamera(kept);
  }

  /** Look from a place to another, in metres. */
  setCamera(camera: CameraState): void {
    this.model.camera.value = camera;
    this.orbit.position.set(...camera.position);
    this.controls?.target.set(...camera.target);
    this.controls?.update();
    this.invalidate();
  }

  /** Whether meshes of the first image are still loading. */
  private get isLoading(): boolean {
    return this.model.layers.some(
      (layer) => layer.shown.value && layer.ready.value && !layer.header.value && !layer.problem.value,
    );
  }

  private settleFirst(): void {
    if (this.firstDrawn || this.isLoading || this.meshes.size === 0) return;
    this.firstDrawn = true;
    this.model.firstDrawn.value = true;
    performance.mark("viewer:first-frame");
    this.elements.stage.dataset.drawn = "true";
  }
}
