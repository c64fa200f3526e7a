/**
 * The joints and bones of one hand over its mesh, in every view: a dot for a joint that was seen; for one that nothing saw a
 * hollow dot, and around it a ring as large as the standard deviation of its place.
 */

import {
  BufferAttribute,
  BufferGeometry,
  Color,
  DynamicDrawUsage,
  Group,
  InstancedBufferAttribute,
  InstancedBufferGeometry,
  LineBasicMaterial,
  LineSegments,
  Mesh,
  ShaderMaterial,
} from "three";
import { BONES } from "./joint-sticks";
import { type Certainty, JOINTS } from "./viewer-track";

/** Radius of a dot, m. */
const DOT = 0.0028;

const vertexShader = /* glsl */ `
  attribute vec3 place;
  attribute float deviation;
  attribute float seen;
  varying vec2 vAt;
  varying float vDeviation;
  varying float vSeen;
  void main() {
    vec4 view = modelViewMatrix * vec4(place, 1.0);
    float radius = 1.2 * max(${DOT}, (1.0 - seen) * deviation) + ${DOT};
    vAt = radius * position.xy;
    vDeviation = deviation;
    vSeen = seen;
    view.xy += vAt; // a square that faces the camera
    gl_Position = projectionMatrix * view;
  }`;

const fragmentShader = /* glsl */ `
  uniform vec3 colour;
  varying vec2 vAt;
  varying float vDeviation;
  varying float vSeen;
  void main() {
    float r = length(vAt);
    float pixel = fwidth(vAt.x) + 1e-7;
    // share of the pixel that is nearer to a circle than half a width
    float dot = 1.0 - smoothstep(-pixel, pixel, r - ${DOT});
    float rim = 1.0 - smoothstep(0.0, pixel, abs(r - ${DOT}) - 0.75 * pixel);
    float ring = 1.0 - smoothstep(0.0, pixel, abs(r - vDeviation) - 0.75 * pixel);
    float edge = 1.0 - smoothstep(0.0, pixel, abs(r - vDeviation + 1.75 * pixel) - 0.75 * pixel);
    float area = 1.0 - smoothstep(-pixel, pixel, r - vDeviation);
    bool isSeen = vSeen > 0.5;
    bool hasRing = !isSeen && vDeviation > 1.5 * ${DOT};
    // The method's colour within white: the one is seen on a light ground, the other on a dark one.
    vec4 drawn = hasRing ? vec4(mix(colour, vec3(1.0), 0.35), 0.2 * area) : vec4(1.0, 1.0, 1.0, 0.0);
    if (hasRing) drawn = mix(mix(drawn, vec4(colour, 1.0), edge), vec4(1.0), ring);
    if (isSeen) drawn = mix(drawn, vec4(colour, 1.0), dot);
    drawn = mix(drawn, vec4(1.0), rim);
    if (drawn.a < 0.01) discard;
    gl_FragColor = drawn;
    #include <colorspace_fragment>
  }`;

export class Skeleton {
  /** Its matrix moves the hand, as that of the mesh does. */
  readonly object = new Group();
  private readonly places = new BufferAttribute(new Float32Array(3 * JOINTS), 3).setUsage(DynamicDrawUsage);
  private readonly joints = new InstancedBufferGeometry();
  private readonly bones = new BufferGeometry();
  private readonly jointMaterial: ShaderMaterial;
  private readonly boneMaterial: LineBasicMaterial;

  constructor(colour: string) {
    const shared = { depthTest: false, depthWrite: false, transparent: true };
    this.jointMaterial = new ShaderMaterial({
      vertexShader,
      fragmentShader,
      uniforms: { colour: { value: new Color(colour) } },
      ...shared,
    });
    this.boneMaterial = new LineBasicMaterial({ color: new Color(colour).lerp(new Color("#fff"), 0.7), ...shared });
    const corners = new Float32Array([-1, -1, 0, 1, -1, 0, 1, 1, 0, -1, 1, 0]);
    this.joints.setAttribute("position", new BufferAttribute(corners, 3));
    this.joints.setIndex([0, 1, 2, 0, 2, 3]);
    this.joints.instanceCount = JOINTS;
    for (const [name, size] of [
      ["place", 3],
      ["deviation", 1],
      ["seen", 1],
    ] as const) {
      const made = new InstancedBufferAttribute(new Float32Array(size * JOINTS), size);
      this.joints.setAttribute(name, made.setUsage(DynamicDrawUsage));
    }
    this.bones.setAttribute("position", this.places);
    this.bones.setIndex(BONES.flat());
    const lines = new LineSegments(this.bones, this.boneMaterial);
    const dots = new Mesh(this.joints, this.jointMaterial);
    dots.renderOrder = 1;
    for (const object of [lines, dots]) {
      object.frustumCulled = false; // their bounds change with every frame
      this.object.add(object);
    }
    this.object.matrixAutoUpdate = false;
    this.object.visible = false;
  }

  /** Show joints (21 × 3, m) of a frame; null hides the hand. Of joints that no certainty is known of, all were seen. */
  show(row: Float32Array | null, certainty: Certainty | null): void {
    this.object.visible = row !== null;
    if (!row) return;
    this.write("place", row);
    this.write(
      "deviation",
      Float32Array.from({ length: JOINTS }, (_, k) => (certainty?.std[k] ?? 0) / 2000),
    );
    this.write(
      "seen",
      Float32Array.from({ length: JOINTS }, (_, k) => certainty?.seen[k] ?? 1),
    );
    (this.places.array as Float32Array).set(row);
    this.places.needsUpdate = true;
  }

  dispose(): void {
    for (const part of [this.joints, this.bones, this.jointMaterial, this.boneMaterial]) part.dispose();
  }

  private write(name: string, values: Float32Array): void {
    const attribute = this.joints.getAttribute(name) as InstancedBufferAttribute;
    (attribute.array as Float32Array).set(values);
    attribute.needsUpdate = true;
  }
}
