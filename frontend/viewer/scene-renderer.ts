/** Draws several views with one canvas and one WebGL context: each view is a scissored rectangle. */

import {
  Color,
  Mesh,
  OrthographicCamera,
  type PerspectiveCamera,
  PlaneGeometry,
  Scene,
  ShaderMaterial,
  type Vector3,
  VideoTexture,
  WebGLRenderer,
} from "three";
import { contain, type Rect } from "./camera";
import type { FloorGrid } from "./floor-grid";
import type { LayerMeshes } from "./layer-meshes";
import { depthMaterial } from "./materials";
import { intersection, type View } from "./views";

export interface MeshView extends View<LayerMeshes> {
  /** What the orbit camera looks at from where it is, instead of the origin (m, three's axes). */
  centre?: Vector3;
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

  render(views: MeshView[]): void {
    const { renderer } = this;
    renderer.setScissorTest(false);
    renderer.setClearAlpha(0);
    renderer.clear();
    renderer.setScissorTest(true);
    for (const view of views) if (view.clip.width > 1 && view.clip.height > 1) this.renderView(view);
  }

  dispose(): void {
    this.videoPlane?.texture.dispose();
    this.depth.dispose();
    this.renderer.dispose();
  }

  private renderView(view: MeshView): void {
    const { renderer, orbit } = this;
    if (view.kind === "orbit") {
      this.setViewport(view.rect, view.clip);
      this.fill(this.background);
      orbit.aspect = view.rect.width / view.rect.height;
      orbit.updateProjectionMatrix();
      if (view.centre) orbit.position.add(view.centre);
      renderer.render(this.ground.scene, orbit);
      for (const layer of view.layers) layer.place(true);
      this.renderLayers(view.layers, () => orbit);
      if (view.centre) orbit.position.sub(view.centre);
      return;
    }
    const header = view.layers[0]?.source.header;
    if (view.backdrop) {
      this.setViewport(view.rect, view.clip);
      this.fill(this.backdrop);
    }
    if (view.backdrop && this.videoPlane && (this.videoPlane.texture.image as HTMLVideoElement).readyState >= 2) {
      const { videoWidth, videoHeight } = this.videoPlane.texture.image as HTMLVideoElement;
      this.setViewport(contain(view.rect, videoWidth, videoHeight), view.clip);
      this.videoPlane.texture.needsUpdate = true;
      renderer.render(this.videoPlane.scene, this.flat);
    }
    if (!header) return;
    this.setViewport(contain(view.rect, header.width, header.height), view.clip);
    for (const layer of view.layers) layer.place(false);
    this.renderLayers(view.layers, (layer) => layer.videoCamera);
  }

  private fill(colour: Color): void {
    this.renderer.setClearColor(colour, 1);
    this.renderer.clear();
    this.renderer.setClearColor(0x000000, 0);
  }

  /** Draw into `rect`, but only where `clip` is. In WebGL y counts from the bottom. */
  private setViewport(rect: Rect, clip: Rect): void {
    const seen = intersection(rect, clip);
    this.renderer.setViewport(rect.x, this.height - rect.y - rect.height, rect.width, rect.height);
    this.renderer.setScissor(seen.x, this.height - seen.y - seen.height, seen.width, seen.height);
  }

  /**
   * Opaque layers share one depth buffer. Each translucent layer is then drawn over them as a whole: opaque layers hide it,
   * other translucent ones do not, and its own far side stays hidden.
   */
  private renderLayers(layers: LayerMeshes[], cameraOf: (layer: LayerMeshes) => PerspectiveCamera): void {
    const { renderer } = this;
    const shown = layers.filter((layer) => layer.shown && layer.present && layer.opacity > 0);
    const opaque = shown.filter((layer) => layer.isOpaque);
    renderer.clearDepth();
    for (const layer of opaque) renderer.render(layer.scene, cameraOf(layer));
    for (const layer of shown) {
      if (layer.isOpaque) continue;
      renderer.clearDepth();
      for (const other of [...opaque, layer]) this.renderDepth(other, cameraOf(other));
      renderer.render(layer.scene, cameraOf(layer));
    }
    for (const layer of layers) if (layer.shown && layer.hasSkeleton) renderer.render(layer.skeletonScene, cameraOf(layer));
  }

  private renderDepth(run: LayerMeshes, camera: PerspectiveCamera): void {
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
