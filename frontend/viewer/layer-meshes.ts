/** The hand meshes of one layer on the GPU, at one frame. */

import {
  Box3,
  BufferAttribute,
  BufferGeometry,
  DynamicDrawUsage,
  LineSegments,
  Matrix4,
  Mesh,
  Scene,
  Sphere,
  Vector3,
} from "three";
import type { Affine } from "../metrics/alignment";
import { VideoCamera } from "./camera";
import { bounds, edges, type Indices, vertexNormals } from "./geometry";
import { STICK_VERTICES, stickFaces, stickPositions } from "./joint-sticks";
import type { Look } from "./layers";
import { EdgeMaterial, HandMaterial } from "./materials";
import type { MeshSource } from "./mesh-chunks";
import { Skeleton } from "./skeleton";
import { dequantise } from "./viewer-track";

export interface HandMesh {
  mesh: Mesh;
  surface: HandMaterial;
  lines: LineSegments | null;
  faces: Indices;
  positions: BufferAttribute;
  normals: BufferAttribute;
  /** Errors (m) by vertex, made when they are needed. */
  deviation: BufferAttribute | null;
  row: ArrayBufferView | null; // the positions that are on the GPU now
}

const IDENTITY = new Matrix4();

/** One scene per layer, so that layers can be drawn over each other regardless of depth. */
export class LayerMeshes {
  readonly scene = new Scene();
  /** Joints and bones, drawn over the meshes of all layers. */
  readonly skeletonScene = new Scene();
  readonly videoCamera: VideoCamera;
  readonly edge: EdgeMaterial;
  readonly hands: HandMesh[];
  shown = true;
  /** One a hand, made when they are first shown. */
  private skeletons: Skeleton[] = [];
  private look: Look = { opacity: 1, surface: true, edges: false };

  constructor(
    readonly source: MeshSource,
    private readonly colour: string,
  ) {
    const { header } = source;
    this.videoCamera = new VideoCamera(header.intrinsics, header.width, header.height);
    this.edge = new EdgeMaterial(colour);
    // OpenCV's y down and z forward become three's y up and z backward.
    for (const scene of [this.scene, this.skeletonScene]) scene.scale.set(1, -1, -1);
    this.hands = header.hands.map((hand, index) =>
      hand.vertex_count
        ? this.makeHand(hand.vertex_count, source.faces[index] ?? new Uint16Array(0))
        : this.makeHand(STICK_VERTICES, stickFaces()),
    );
  }

  get opacity(): number {
    return this.look.opacity;
  }

  /** Whether it hides what is behind it and nothing shows through. */
  get isOpaque(): boolean {
    return this.look.opacity === 1 && this.look.surface;
  }

  /** Show this frame. False while meshes for it are still loading. */
  setFrame(frame: number): boolean {
    let complete = true;
    this.hands.forEach((hand, index) => {
      const isMesh = Boolean(this.source.header.hands[index]?.vertex_count);
      const row = isMesh ? this.source.meshRow(index, frame) : this.source.jointRow(index, frame);
      if (row === undefined) complete = false;
      hand.mesh.visible = Boolean(row);
      if (hand.lines) hand.lines.visible = Boolean(row) && this.look.edges;
      if (!row || (hand.row?.buffer === row.buffer && hand.row.byteOffset === row.byteOffset)) return;
      hand.row = row;
      const positions = hand.positions.array as Float32Array;
      if (row instanceof Int16Array) dequantise(row, this.source.scale, positions);
      else if (isMesh) this.source.posed[index]?.pose(row, positions);
      else stickPositions(row, positions);
      vertexNormals(positions, hand.faces, hand.normals.array as Float32Array);
      hand.positions.needsUpdate = true;
      hand.normals.needsUpdate = true;
    });
    this.skeletons.forEach((skeleton, hand) => {
      skeleton.show(this.source.jointRow(hand, frame) ?? null, this.source.certaintyRow(hand, frame));
    });
    return complete;
  }

  /** Whether there is any hand at this frame now. */
  get present(): boolean {
    return this.hands.some((hand) => hand.mesh.visible);
  }

  setLook(look: Look): void {
    this.look = look;
    this.edge.setOpacity(look.surface ? 0.2 + 0.35 * look.opacity : 0.9, look.surface);
    for (const hand of this.hands) {
      hand.surface.setOpacity(look.opacity);
      hand.surface.colorWrite = look.surface; // without a surface, it still hides the edges behind
      if (look.edges && !hand.lines) hand.lines = this.makeLines(hand);
      if (hand.lines) hand.lines.visible = look.edges && hand.mesh.visible;
    }
  }

  /** Whether joints and bones are drawn. */
  get hasSkeleton(): boolean {
    return this.skeletonScene.visible && this.skeletons.length > 0;
  }

  setSkeleton(isShown: boolean): void {
    this.skeletonScene.visible = isShown;
    if (!isShown || this.skeletons.length) return;
    this.skeletons = this.hands.map(() => new Skeleton(this.colour));
    for (const { object } of this.skeletons) this.skeletonScene.add(object);
  }

  /** How a hand of the prediction is moved onto what it is compared with; null leaves it as predicted. */
  setAlignment(index: number, move: Affine | null): void {
    const matrix = this.hands[index]?.surface.alignment;
    if (!matrix) return;
    if (!move) {
      matrix.identity();
      return;
    }
    const [a, b, c, d, e, f, g, h, i] = move.linear;
    const [x, y, z] = move.translation;
    matrix.set(a, b, c, x, d, e, f, y, g, h, i, z, 0, 0, 0, 1);
  }

  /** Place the hands as aligned (in 3D), or as predicted (over the video). */
  place(aligned: boolean): void {
    this.hands.forEach(({ mesh, lines, surface }, index) => {
      for (const object of [mesh, lines, this.skeletons[index]?.object]) {
        object?.matrix.copy(aligned ? surface.alignment : IDENTITY);
        if (object) object.matrixWorldNeedsUpdate = true;
      }
    });
  }

  /** Lines take no part in the depth pass. */
  setLines(visible: boolean): void {
    for (const hand of this.hands) if (hand.lines) hand.lines.visible = visible && this.look.edges && hand.mesh.visible;
  }

  /** Bounding sphere of the visible, aligned hands (three's axes), or null when there are none. */
  boundingSphere(): Sphere | null {
    const box = new Box3();
    for (const { mesh, positions, surface } of this.hands) {
      if (!mesh.visible) continue;
      const { min, max } = bounds(positions.array as Float32Array);
      box.union(new Box3(new Vector3(...min), new Vector3(...max)).applyMatrix4(surface.alignment));
    }
    if (box.isEmpty()) return null;
    const sphere = box.getBoundingSphere(new Sphere());
    sphere.center.multiply(new Vector3(1, -1, -1));
    return sphere;
  }

  /** The array of errors (m) by vertex of a hand, to be written; `needsUpdate` is set. */
  deviations(hand: HandMesh): Float32Array {
    if (!hand.deviation) {
      hand.deviation = new BufferAttribute(new Float32Array(hand.positions.count), 1).setUsage(DynamicDrawUsage);
      hand.mesh.geometry.setAttribute("deviation", hand.deviation);
    }
    hand.deviation.needsUpdate = true;
    return hand.deviation.array as Float32Array;
  }

  dispose(): void {
    for (const hand of this.hands) {
      hand.mesh.geometry.dispose();
      hand.lines?.geometry.dispose();
      hand.surface.dispose();
    }
    for (const skeleton of this.skeletons) skeleton.dispose();
    this.edge.dispose();
    this.source.close();
  }

  private makeHand(vertexCount: number, faces: Indices): HandMesh {
    const geometry = new BufferGeometry();
    const positions = new BufferAttribute(new Float32Array(vertexCount * 3), 3).setUsage(DynamicDrawUsage);
    const normals = new BufferAttribute(new Float32Array(vertexCount * 3), 3).setUsage(DynamicDrawUsage);
    geometry.setAttribute("position", positions);
    geometry.setAttribute("normal", normals);
    geometry.setIndex(new BufferAttribute(faces, 1));
    const surface = new HandMaterial(this.colour);
    const mesh = new Mesh(geometry, surface);
    mesh.frustumCulled = false; // its bounds change with every frame
    mesh.matrixAutoUpdate = false;
    mesh.visible = false;
    this.scene.add(mesh);
    return { mesh, surface, lines: null, faces, positions, normals, deviation: null, row: null };
  }

  private makeLines(hand: HandMesh): LineSegments {
    const geometry = new BufferGeometry();
    geometry.setAttribute("position", hand.positions);
    geometry.setIndex(new BufferAttribute(edges(hand.faces, hand.positions.count), 1));
    const lines = new LineSegments(geometry, this.edge);
    lines.frustumCulled = false;
    lines.matrixAutoUpdate = false;
    lines.renderOrder = 1;
    this.scene.add(lines);
    return lines;
  }
}
