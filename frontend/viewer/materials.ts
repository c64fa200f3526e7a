/** Materials of hand meshes: a key light from the upper left, a fill light from the right, a faint rim light. */

import { Color, DoubleSide, LineBasicMaterial, ShaderMaterial } from "three";

const vertexShader = /* glsl */ `
  varying vec3 vNormal;
  varying vec3 vView;
  void main() {
    vec4 view = modelViewMatrix * vec4(position, 1.0);
    vNormal = normalMatrix * normal;
    vView = view.xyz;
    gl_Position = projectionMatrix * view;
  }`;

const fragmentShader = /* glsl */ `
  uniform vec3 colour;
  uniform float opacity;
  varying vec3 vNormal;
  varying vec3 vView;
  const vec3 KEY = vec3(-0.42, 0.68, 0.60);
  const vec3 FILL = vec3(0.80, 0.05, 0.60);
  void main() {
    vec3 towards = normalize(-vView);
    vec3 n = normalize(vNormal);
    float inside = gl_FrontFacing ? 0.0 : 1.0;
    n *= 1.0 - 2.0 * inside;
    float key = smoothstep(-0.35, 1.0, dot(n, normalize(KEY)));
    float fill = smoothstep(-0.6, 1.0, dot(n, normalize(FILL)));
    float sky = 0.5 + 0.5 * n.y;
    vec3 lit = colour * (0.10 + 0.12 * sky + 0.98 * key + 0.16 * fill);
    float gloss = pow(max(dot(n, normalize(normalize(KEY) + towards)), 0.0), 36.0);
    float rim = pow(1.0 - max(dot(n, towards), 0.0), 3.5);
    lit += 0.09 * gloss + 0.22 * rim * mix(colour, vec3(1.0), 0.5);
    lit *= 1.0 - 0.55 * inside;
    gl_FragColor = vec4(lit, opacity);
    #include <colorspace_fragment>
  }`;

/** The surface of one method's hands. */
export class HandMaterial extends ShaderMaterial {
  private readonly opacityUniform: { value: number };

  constructor(colour: string) {
    const opacity = { value: 1 };
    super({
      vertexShader,
      fragmentShader,
      uniforms: { colour: { value: new Color(colour) }, opacity },
      side: DoubleSide,
      polygonOffset: true,
      polygonOffsetFactor: 1,
      polygonOffsetUnits: 1,
    });
    this.opacityUniform = opacity;
  }

  setOpacity(opacity: number): void {
    this.opacityUniform.value = opacity;
    this.transparent = opacity < 1;
  }
}

/** Writes depth only: drawn first, it hides the far side of a translucent hand. */
export function depthMaterial(): ShaderMaterial {
  const material = new HandMaterial("#000");
  material.colorWrite = false;
  return material;
}

/** The edges of the triangles, a darker shade of the method's colour. */
export class EdgeMaterial extends LineBasicMaterial {
  constructor(colour: string) {
    super({ color: new Color(colour).multiplyScalar(0.25), transparent: true, depthWrite: false });
  }

  setOpacity(opacity: number): void {
    this.opacity = 0.2 + 0.35 * opacity;
  }
}
