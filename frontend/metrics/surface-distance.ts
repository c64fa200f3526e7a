/** Distance of points to a triangle mesh. */

import { BufferAttribute, BufferGeometry, Vector3 } from "three";
import { MeshBVH } from "three-mesh-bvh";

export interface SurfaceRequest {
  id: number;
  points: Float32Array;
  vertices: Float32Array;
  faces: Uint16Array | Uint32Array;
}

/** Distances of points (N × 3) to the surface of triangles `faces` (F × 3) between `vertices` (V × 3), in their unit. */
export function surfaceDistances(
  points: Float32Array,
  vertices: Float32Array,
  faces: Uint16Array | Uint32Array,
): Float32Array<ArrayBuffer> {
  const geometry = new BufferGeometry();
  geometry.setAttribute("position", new BufferAttribute(vertices, 3));
  geometry.setIndex(new BufferAttribute(faces.slice(), 1)); // the tree reorders its index
  const tree = new MeshBVH(geometry);
  const distances = new Float32Array(points.length / 3);
  const point = new Vector3();
  for (let k = 0; k < distances.length; k++) {
    const nearest = tree.closestPointToPoint(point.fromArray(points, 3 * k));
    distances[k] = nearest?.distance ?? Number.NaN;
  }
  return distances;
}
