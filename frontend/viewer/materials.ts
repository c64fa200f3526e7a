/** Materials of hand meshes: a key light from the upper left, a fill light from the right, a faint rim light. */

import { Color, DoubleSide, LineBasicMaterial, Matrix4, ShaderMaterial, Vector3 } from "three";
import { NO_VALUE, VIRIDIS } from "./viridis";

/** What the colour of a hand's surface says. */
export enum Colouring {
  Method = 0,
  /** Distance of the aligned vertex to the attribute `reference`. */
  Vertices = 1,
  /** The attribute `deviation`. */
  Deviation = 2,
  /** The error is not known. */
  Unknown = 3,
}

const vertexShader = /* glsl */ `
  uniform int colouring;
  uniform mat4 alignment;
  uniform float scale;
  attribute vec3 reference;
  attribute float deviation;
  varying vec3 vNormal;
  varying vec3 vView;
  varying float vError;
  void main() {
    vec4 view = modelViewMatrix * vec4(position, 1.0);
    vNormal = normalMatrix * normal;
    vView = view.xyz;
    float metres = colouring == 1 ? distance((alignment * vec4(position, 1.0)).xyz, reference) : deviation;
    vError = metres / scale;
    gl_Position = projectionMatrix * view;
  }`;

const fragmentShader = /* glsl */ `
  uniform int colouring;
  uniform vec3 colour;
  uniform vec3 unknown;
  uniform vec3 map[${VIRIDIS.length}];
  uniform float opacity;
  varying vec3 vNormal;
  varying vec3 vView;
  varying float vError;
  const vec3 KEY = vec3(-0.42, 0.68, 0.60);
  const vec3 FILL = vec3(0.80, 0.05, 0.60);
  vec3 linear(vec3 c) {
    return mix(c / 12.92, pow((c + 0.055) / 1.055, vec3(2.4)), step(0.04045, c));
  }
  vec3 errorColour() {
    float at = clamp(vError, 0.0, 1.0) * ${VIRIDIS.length - 1}.0;
    int below = min(int(at), ${VIRIDIS.length - 2});
    return linear(mix(map[below], map[below + 1], at - float(below)));
  }
  void main() {
    vec3 towards = normalize(-vView);
    vec3 n = normalize(vNormal);
    float inside = gl_FrontFacing ? 0.0 : 1.0;
    n *= 1.0 - 2.0 * inside;
    vec3 base = colouring == 0 ? colour : colouring == 3 ? linear(unknown) : errorColour();
    float key = smoothstep(-0.35, 1.0, dot(n, normalize(KEY)));
    float fill = smoothstep(-0.6, 1.0, dot(n, normalize(FILL)));
    float sky = 0.5 + 0.5 * n.y;
    vec3 lit = base * (0.10 + 0.12 * sky + 0.98 * key + 0.16 * fill);
    float gloss = pow(max(dot(n, normalize(normalize(KEY) + towards)), 0.0), 36.0);
    float rim = pow(1.0 - max(dot(n, towards), 0.0), 3.5);
    lit += 0.09 * gloss + 0.22 * rim * mix(base, vec3(1.0), 0.5);
    lit *= 1.0 - 0.55 * inside;
    // Colours that are read off a scale are shaded faintly, and nothing is added to them.
    if (colouring > 0) lit = base * (0.80 + 0.20 * key);
    gl_FragColor = vec4(lit, opacity);
    #include <colorspace_fragment>
  }`;

const share = ([r, g, b]: readonly [number, number, number]) => new Vector3(r / 255, g / 255, b / 255);

/** The surface of one hand. */
export class HandMaterial extends ShaderMaterial {
  /** How the prediction is moved onto the truth, in the camera frame (OpenCV, m). */
  readonly alignment = new Matrix4();

  constructor(colour: string) {
    super({
      vertexShader,
      fragmentShader,
      uniforms: {
        colour: { value: new Color(colour) },
        opacity: { value: 1 },
        colouring: { value: Colouring.Method },
        alignment: { value: null },
        scale: { value: 1 },
        unknown: { value: share(NO_VALUE) },
        map: { value: VIRIDIS.map(share) },
      },
      side: DoubleSide,
      polygonOffset: true,
      polygonOffsetFactor: 1,
      polygonOffsetUnits: 1,
    });
    this.put("alignment", this.alignment);
  }

  setOpacity(opacity: number): void {
    this.put("opacity", opacity);
    this.transparent = opacity < 1;
  }

  /** `scale`: the error (m) at the upper end of the colours. */
  setColouring(colouring: Colouring, scale: number): void {
    this.put("colouring", colouring);
    this.put("scale", scale);
  }

  get colouring(): Colouring {
    return this.uniforms.colouring?.value as Colouring;
  }

  private put(name: string, value: unknown): void {
    const uniform = this.uniforms[name];
    if (uniform) uniform.value = value;
  }
}

/** Writes depth only: drawn first, it hides the far side of a translucent hand. */
export function depthMaterial(): ShaderMaterial {
  const material = new HandMaterial("#000");
  material.colorWrite = false;
  return material;
}

/** The edges of the triangles: over the surface a darker shade of the method's colour, alone the colour itself. */
export class EdgeMaterial extends LineBasicMaterial {
  private readonly full: Color;

  constructor(colour: string) {
    super({ transparent: true, depthWrite: false });
    this.full = new Color(colour);
  }

  setOpacity(opacity: number, overSurface: boolean): void {
    this.opacity = opacity;
    this.color.copy(this.full).multiplyScalar(overSurface ? 0.25 : 0.9);
  }
}
