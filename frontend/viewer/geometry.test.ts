import { Vector3 } from "three";
import { describe, expect, it } from "vitest";
import { bounds, edges, vertexNormals } from "./geometry";

const tetrahedron = new Uint16Array([0, 2, 1, 0, 1, 3, 0, 3, 2, 1, 2, 3]);
const corners = new Float32Array([0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1]);

describe("edges", () => {
  it("has every edge once", () => {
    const pairs = edges(tetrahedron, 4);
    const names = Array.from({ length: pairs.length / 2 }, (_, k) => `${pairs[2 * k]}${pairs[2 * k + 1]}`).sort();
    expect(names).toEqual(["01", "02", "03", "12", "13", "23"]);
  });
});

describe("vertexNormals", () => {
  it("point outwards", () => {
    const normals = new Float32Array(12).fill(7);
    vertexNormals(corners, tetrahedron, normals);
    for (let v = 0; v < 4; v++) {
      const outwards = new Vector3().fromArray(corners, 3 * v).subScalar(0.25);
      expect(outwards.dot(new Vector3().fromArray(normals, 3 * v))).toBeGreaterThan(0);
    }
  });
});

describe("bounds", () => {
  it("are the corners around all", () => {
    expect(bounds(new Float32Array([0, 5, -1, 2, -3, 4]))).toEqual({ min: [0, -3, -1], max: [2, 5, 4] });
  });
});
