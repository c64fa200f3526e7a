import { expect, it } from "vitest";
import { surfaceDistances } from "./surface-distance";

it("a surface distance is the distance to the nearest point of the nearest triangle: inside, at an edge, at a corner", () => {
  const vertices = new Float32Array([0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 5, 1, 0, 5, 0, 1, 5]);
  const faces = new Uint16Array([0, 1, 2, 3, 4, 5]);
  const points = new Float32Array([0.2, 0.2, 0.5, 0.5, -2, 0, -3, -4, 0, 0.1, 0.1, 4.5, 0.2, 0.2, 0]);
  const found = [...surfaceDistances(points, vertices, faces)];
  for (const [k, distance] of [0.5, 2, 5, 0.5, 0].entries()) expect(found[k]).toBeCloseTo(distance, 6);
  expect([...faces]).toEqual([0, 1, 2, 3, 4, 5]);
});
