/**
 * Arithmetic on triangle meshes, on plain arrays. Elements are read with `as number`: the loops stay within the arrays,
 * and `decodeFaces` has checked that every index names a vertex.
 */

export type Indices = Uint16Array | Uint32Array;
export type Vec3 = [x: number, y: number, z: number];

/** Every edge of the triangles once, as pairs of vertex numbers. */
export function edges(faces: Indices, vertexCount: number): Indices {
  const seen = new Set<number>();
  for (let f = 0; f < faces.length; f += 3) {
    for (let k = 0; k < 3; k++) {
      const a = faces[f + k] as number;
      const b = faces[f + ((k + 1) % 3)] as number;
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
    const a = (faces[f] as number) * 3;
    const b = (faces[f + 1] as number) * 3;
    const c = (faces[f + 2] as number) * 3;
    const ax = positions[a] as number;
    const ay = positions[a + 1] as number;
    const az = positions[a + 2] as number;
    const ux = (positions[b] as number) - ax;
    const uy = (positions[b + 1] as number) - ay;
    const uz = (positions[b + 2] as number) - az;
    const vx = (positions[c] as number) - ax;
    const vy = (positions[c + 1] as number) - ay;
    const vz = (positions[c + 2] as number) - az;
    // Scaled up: the areas of a hand's triangles, in square metres, are near the smallest a half float can hold.
    const nx = (uy * vz - uz * vy) * 1e6;
    const ny = (uz * vx - ux * vz) * 1e6;
    const nz = (ux * vy - uy * vx) * 1e6;
    add(normals, a, nx, ny, nz);
    add(normals, b, nx, ny, nz);
    add(normals, c, nx, ny, nz);
  }
}

function add(target: Float32Array, at: number, x: number, y: number, z: number): void {
  target[at] = (target[at] as number) + x;
  target[at + 1] = (target[at + 1] as number) + y;
  target[at + 2] = (target[at + 2] as number) + z;
}

/** Corners around all positions (V × 3). */
export function bounds(positions: Float32Array): { min: Vec3; max: Vec3 } {
  const min: Vec3 = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  const max: Vec3 = [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let i = 0; i < positions.length; i += 3) {
    for (const axis of [0, 1, 2] as const) {
      const value = positions[i + axis] as number;
      if (value < min[axis]) min[axis] = value;
      if (value > max[axis]) max[axis] = value;
    }
  }
  return { min, max };
}
