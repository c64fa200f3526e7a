/** The hand meshes of one run on the GPU, at one frame. */

import { Box3, BufferAttribute, BufferGeometry, DynamicDrawUsage, LineSegments, Mesh, Scene, Sphere, Vector3 } from "three";
import { VideoCamera } from "./camera";
import { bounds, edges, type Indices, vertexNormals } from "./geometry";
import { EdgeMaterial, HandMaterial } from "./materials";
import type { MeshSource } from "./mesh-chunks";
import { dequantise } from "./viewer-track";

interface Hand {
  mesh: Mesh;
  lines: LineSegments | null;
  faces: Indices;
  positions: BufferAttribute;
  normals: BufferAttribute;
  row: Int16Array | null; // the positions that are on the GPU now
}

/** One scene per run, so that runs can be drawn over each other regardless of depth. */
export class RunMeshes {
  readonly scene = new Scene();
  readonly videoCamera: VideoCamera;
  readonly surface: HandMaterial;
  readonly edge: EdgeMaterial;
  opacity = 1;
  shown = true;
  wireframe = false;
  private readonly hands: Hand[];

  constructor(
    readonly source: MeshSource,
    colour: string,
  ) {
    const { header } = source;
    this.videoCamera = new VideoCamera(header.intrinsics, header.width, header.height);
    this.surface = new HandMaterial(colour);
    this.edge = new EdgeMaterial(colour);
    // OpenCV's y down and z forward become three's y up and z backward.
    this.scene.scale.set(1, -1, -1);
    this.hands = header.hands.flatMap((hand, index) => {
      const faces = source.faces[index];
      return faces ? [this.makeHand(hand.vertex_count, faces)] : [];
    });
  }

  /** Show this frame. False while meshes for it are still loading. */
  setFrame(frame: number): boolean {
    let complete = true;
    this.hands.forEach((hand, index) => {
      const row = this.source.positions(index, frame);
      if (row === undefined) complete = false;
      hand.mesh.visible = Boolean(row);
      if (hand.lines) hand.lines.visible = Boolean(row) && this.wireframe;
      if (!row || (hand.row?.buffer === row.buffer && hand.row.byteOffset === row.byteOffset)) return;
      hand.row = row;
      dequantise(row, this.source.scale, hand.positions.array as Float32Array);
      vertexNormals(hand.positions.array as Float32Array, hand.faces, hand.normals.array as Float32Array);
      hand.positions.needsUpdate = true;
      hand.normals.needsUpdate = true;
    });
    return complete;
  }

  /** Whether there is any hand at this frame now. */
  get present(): boolean {
    return this.hands.some((hand) => hand.mesh.visible);
  }

  setLook(opacity: number, wireframe: boolean): void {
    this.opacity = opacity;
    this.wireframe = wireframe;
    this.surface.setOpacity(opacity);
    this.edge.setOpacity(opacity);
    for (const hand of this.hands) {
      if (wireframe && !hand.lines) hand.lines = this.makeLines(hand);
      if (hand.lines) hand.lines.visible = wireframe && hand.mesh.visible;
    }
  }

  /** Lines take no part in the depth pass. */
  setLines(visible: boolean): void {
    for (const hand of this.hands) if (hand.lines) hand.lines.visible = visible && this.wireframe && hand.mesh.visible;
  }

  /** Bounding sphere of the visible hands (three's axes), or null when there are none. */
  boundingSphere(): Sphere | null {
    const box = new Box3();
    for (const hand of this.hands) {
      if (!hand.mesh.visible) continue;
      const { min, max } = bounds(hand.positions.array as Float32Array);
      box.expandByPoint(new Vector3(min[0], -min[1], -min[2])).expandByPoint(new Vector3(max[0], -max[1], -max[2]));
    }
    return box.isEmpty() ? null : box.getBoundingSphere(new Sphere());
  }

  dispose(): void {
    for (const hand of this.hands) {
      hand.mesh.geometry.dispose();
      hand.lines?.geometry.dispose();
    }
    this.surface.dispose();
    this.edge.dispose();
    this.source.close();
  }

  private makeHand(vertexCount: number, faces: Indices): Hand {
    const geometry = new BufferGeometry();
    const positions = new BufferAttribute(new Float32Array(vertexCount * 3), 3).setUsage(DynamicDrawUsage);
    const normals = new BufferAttribute(new Float32Array(vertexCount * 3), 3).setUsage(DynamicDrawUsage);
    geometry.setAttribute("position", positions);
    geometry.setAttribute("normal", normals);
    geometry.setIndex(new BufferAttribute(faces, 1));
    const mesh = new Mesh(geometry, this.surface);
    mesh.frustumCulled = false; // its bounds change with every frame
    mesh.visible = false;
    this.scene.add(mesh);
    return { mesh, lines: null, faces, positions, normals, row: null };
  }

  private makeLines(hand: Hand): LineSegments {
    const geometry = new BufferGeometry();
    geometry.setAttribute("position", hand.positions);
    geometry.setIndex(new BufferAttribute(edges(hand.faces, hand.positions.count), 1));
    const lines = new LineSegments(geometry, this.edge);
    lines.frustumCulled = false;
    lines.renderOrder = 1;
    this.scene.add(lines);
    return lines;
  }
}
