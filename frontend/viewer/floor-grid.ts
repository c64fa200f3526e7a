/** The floor below the hands, a grid with cells of 10 cm, and the frustum of the video's camera. */

import { BufferGeometry, Float32BufferAttribute, Group, LineBasicMaterial, LineSegments, Scene } from "three";
import type { Intrinsics } from "./camera";

const CELL = 0.1;
const HALF = 5; // cells from the middle to the edge

function lines(points: number[], colour: string, opacity: number): LineSegments {
  const geometry = new BufferGeometry();
  geometry.setAttribute("position", new Float32BufferAttribute(points, 3));
  return new LineSegments(geometry, new LineBasicMaterial({ color: colour, transparent: true, opacity, depthWrite: false }));
}

function gridPoints(step: number, skip: (index: number) => boolean): number[] {
  const extent = CELL * HALF;
  const count = Math.round(extent / step);
  const points: number[] = [];
  for (let k = -count; k <= count; k++) {
    if (skip(k)) continue;
    const at = k * step;
    points.push(at, 0, -extent, at, 0, extent, -extent, 0, at, extent, 0, at);
  }
  return points;
}

export class FloorGrid {
  readonly scene = new Scene();
  private floor = new Group();
  private camera: LineSegments | null = null;
  private ink = "#000000";

  /** Colour of the lines. */
  setInk(ink: string): void {
    this.ink = ink;
    const place = this.floor.position.clone();
    this.scene.remove(this.floor);
    this.floor = new Group();
    this.floor.add(
      lines(
        gridPoints(CELL, () => false),
        ink,
        0.16,
      ),
    );
    this.floor.add(
      lines(
        gridPoints(CELL / 2, (k) => k % 2 === 0),
        ink,
        0.06,
      ),
    );
    this.floor.position.copy(place);
    this.scene.add(this.floor);
    if (this.camera) (this.camera.material as LineBasicMaterial).color.set(ink);
  }

  /** Put the floor below the hands, snapped to whole cells so that it is the same for all runs. */
  place(x: number, y: number, z: number): void {
    this.floor.position.set(Math.round(x / CELL) * CELL, y, Math.round(z / CELL) * CELL);
  }

  /** Draw the frustum of the camera that took the video. */
  setCamera(k: Intrinsics, width: number, height: number): void {
    if (this.camera) this.scene.remove(this.camera);
    const depth = 0.06;
    const [fx, , cx, , fy, cy] = k;
    const corner = (u: number, v: number) => [((u - cx) / fx) * depth, (-(v - cy) / fy) * depth, -depth];
    const corners = [corner(0, 0), corner(width, 0), corner(width, height), corner(0, height)];
    const points = corners.flatMap((from, i) => [0, 0, 0, ...from, ...from, ...(corners[(i + 1) % 4] ?? from)]);
    this.camera = lines(points, this.ink, 0.4);
    this.scene.add(this.camera);
  }
}
