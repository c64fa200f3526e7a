/** Draws several views with one canvas and one WebGL context: each view is a scissored rectangle. */

import {
  Color,
  Mesh,
  OrthographicCamera,
  type PerspectiveCamera,
  PlaneGeometry,
  Scene,
  ShaderMaterial,
  VideoTexture,
  WebGLRenderer,
} from "three";
import { contain, type Rect } from "./camera";
import type { FloorGrid } from "./floor-grid";
import { depthMaterial } from "./materials";
import type { RunMeshes } from "./run-meshes";

export interface View {
  kind: "video" | "orbit";
  rect: Rect; // CSS px, from the canvas' upper left corner
  runs: RunMeshes[];
  /** Whether the canvas draws the video image; else the video element below shows through. */
  backdrop: boolean;
}

export class SceneRenderer {
  readonly renderer: WebGLRenderer;
  /** Without a graphics card every pixel is expensive. */
  readonly isSoftwareRendered: boolean;
  /** Behind the hands in 3D, and around the video image. */
  background = new Color("#f4f3f1");
  backdrop = new Color("#161616");
  private readonly depth = depthMaterial();
  private height = 1; // CSS px
  private videoPlane: { scene: Scene; texture: VideoTexture } | null = null;
  private readonly flat = new OrthographicCamera(-1, 1, 1, -1, 0, 1);

  /** Throws where there is no WebGL. */
  constructor(
    readonly canvas: HTMLCanvasElement,
    readonly orbit: PerspectiveCamera,
    private readonly ground: FloorGrid,
  ) {
    // Edges are smoothed by supersampling, which is left out while something moves.
    this.renderer = new WebGLRenderer({ canvas, antialias: false, alpha: true, powerPreference: "high-performance" });
    this.isSoftwareRendered = usesSoftwareRenderer(this.renderer.getContext());
    this.renderer.autoClear = false;
    this.renderer.setClearColor(0x000000, 0);
  }

  resize(width: number, height: number, pixelRatio: number): void {
    this.height = height;
    this.renderer.setPixelRatio(pixelRatio);
    this.renderer.setSize(width, height, false);
  }

  setVideo(video: HTMLVideoElement): void {
    const texture = new VideoTexture(video);
    // The colours of the video element: no conversion of colour spaces.
    const material = new ShaderMaterial({
      uniforms: { map: { value: texture } },
      vertexShader: "varying vec2 at; void main() { at = uv; gl_Position = vec4(position.xy, 0.0, 1.0); }",
      fragmentShader: /* glsl */ `uniform sampler2D map; varying vec2 at;
        void main() { gl_FragColor = texture2D(map, at); }`,
      depthTest: false,
      depthWrite: false,
    });
    const scene = new Scene();
    const plane = new Mesh(new PlaneGeometry(2, 2), material);
    plane.frustumCulled = false;
    scene.add(plane);
    this.videoPlane = { scene, texture };
  }

  render(views: View[]): void {
    const { renderer } = this;
    renderer.setScissorTest(false);
    renderer.setClearAlpha(0);
    renderer.clear();
    renderer.setScissorTest(true);
    for (const view of views) if (view.rect.width > 1 && view.rect.height > 1) this.renderView(view);
  }

  dispose(): void {
    this.videoPlane?.texture.dispose();
    this.depth.dispose();
    this.renderer.dispose();
  }

  private renderView(view: View): void {
    const { renderer, orbit } = this;
    if (view.kind === "orbit") {
      this.setViewport(view.rect);
      this.fill(this.background);
      orbit.aspect = view.rect.width / view.rect.height;
      orbit.updateProjectionMatrix();
      renderer.render(this.ground.scene, orbit);
      this.renderRuns(view.runs, () => orbit);
      return;
    }
    const header = view.runs[0]?.source.header;
    if (view.backdrop) {
      this.setViewport(view.rect);
      this.fill(this.backdrop);
    }
    if (view.backdrop && this.videoPlane && (this.videoPlane.texture.image as HTMLVideoElement).readyState >= 2) {
      const { videoWidth, videoHeight } = this.videoPlane.texture.image as HTMLVideoElement;
      this.setViewport(contain(view.rect, videoWidth, videoHeight));
      this.videoPlane.texture.needsUpdate = true;
      renderer.render(this.videoPlane.scene, this.flat);
    }
    if (!header) return;
    this.setViewport(contain(view.rect, header.width, header.height));
    this.renderRuns(view.runs, (run) => run.videoCamera);
  }

  private fill(colour: Color): void {
    this.renderer.setClearColor(colour, 1);
    this.renderer.clear();
    this.renderer.setClearColor(0x000000, 0);
  }

  /** In WebGL y counts from the bottom. */
  private setViewport(rect: Rect): void {
    const y = this.height - rect.y - rect.height;
    this.renderer.setViewport(rect.x, y, rect.width, rect.height);
    this.renderer.setScissor(rect.x, y, rect.width, rect.height);
  }

  /**
   * Opaque runs share one depth buffer. Each translucent run is then drawn over them as a whole: opaque runs hide it,
   * other translucent ones do not, and its own far side stays hidden.
   */
  private renderRuns(runs: RunMeshes[], cameraOf: (run: RunMeshes) => PerspectiveCamera): void {
    const { renderer } = this;
    const shown = runs.filter((run) => run.shown && run.present && run.opacity > 0);
    const opaque = shown.filter((run) => run.opacity === 1);
    renderer.clearDepth();
    for (const run of opaque) renderer.render(run.scene, cameraOf(run));
    for (const run of shown) {
      if (run.opacity === 1) continue;
      renderer.clearDepth();
      for (const other of [...opaque, run]) this.renderDepth(other, cameraOf(other));
      renderer.render(run.scene, cameraOf(run));
    }
  }

  private renderDepth(run: RunMeshes, camera: PerspectiveCamera): void {
    run.setLines(false);
    run.scene.overrideMaterial = this.depth;
    this.renderer.render(run.scene, camera);
    run.scene.overrideMaterial = null;
    run.setLines(true);
  }
}

function usesSoftwareRenderer(context: WebGLRenderingContext | WebGL2RenderingContext): boolean {
  const info = context.getExtension("WEBGL_debug_renderer_info");
  const name = String(context.getParameter(info ? info.UNMASKED_RENDERER_WEBGL : context.RENDERER));
  return /swiftshader|llvmpipe|softpipe|software/i.test(name);
}
