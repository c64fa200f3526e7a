/** Arithmetic on triangle meshes, on plain arrays. */

export type Indices = Uint16Array | Uint32Array;

/** Every edge of the triangles once, as pairs of vertex numbers. */
export function edges(faces: Indices, vertexCount: number): Indices {
  const seen = new Set<number>();
  for (let f = 0; f < faces.length; f += 3) {
    for (let k = 0; k < 3; k++) {
      const a = faces[f + k];
      const b = faces[f + ((k + 1) % 3)];
      seen.add(Math.min(a, b) * vertexCount + Math.max(a, b));
    }
  }
  const pairs = vertexCount <= 65536 ? new Uint16Array(seen.size * 2) : new Uint32Array(seen.size * 2);
  let next = 0;
  for (const key of seen) {
    pairs[next++] = Math.floor(key / vertexCount);
    pairs[next++] = key % vertexCount;
  }
  return pairs;
}

/** Vertex normals, weighted by the area of the triangles around; into `normals`, not of unit length (the shader's job). */
export function vertexNormals(positions: Float32Array, faces: Indices, normals: Float32Array): void {
  normals.fill(0);
  for (let f = 0; f < faces.length; f += 3) {
    const a = faces[f] * 3;
    const b = faces[f + 1] * 3;
    const c = faces[f + 2] * 3;
    const ux = positions[b] - positions[a];
    const uy = positions[b + 1] - positions[a + 1];
    const uz = positions[b + 2] - positions[a + 2];
    const vx = positions[c] - positions[a];
    const vy = positions[c + 1] - positions[a + 1];
    const vz = positions[c + 2] - positions[a + 2];
    // Scaled up: the areas of a hand's triangles, in square metres, are near the smallest a half float can hold.
    const nx = (uy * vz - uz * vy) * 1e6;
    const ny = (uz * vx - ux * vz) * 1e6;
    const nz = (ux * vy - uy * vx) * 1e6;
    normals[a] += nx;
    normals[a + 1] += ny;
    normals[a + 2] += nz;
    normals[b] += nx;
    normals[b + 1] += ny;
    normals[b + 2] += nz;
    normals[c] += nx;
    normals[c + 1] += ny;
    normals[c + 2] += nz;
  }
}

/** Corners around all positions (V × 3). */
export function bounds(positions: Float32Array): { min: number[]; max: number[] } {
  const min = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  const max = min.map((value) => -value);
  for (let i = 0; i < positions.length; i++) {
    const k = i % 3;
    if (positions[i] < min[k]) min[k] = positions[i];
    if (positions[i] > max[k]) max[k] = positions[i];
  }
  return { min, max };
}
