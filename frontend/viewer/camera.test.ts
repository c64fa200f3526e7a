import { Matrix4, Vector4 } from "three";
import { describe, expect, it } from "vitest";
import { contain, fitPosition, type Intrinsics, projectionFromIntrinsics } from "./camera";
import type { Vec3 } from "./geometry";

/** Pixel of a point of OpenCV's camera frame, by matrix and viewport. */
function pixel([x, y, z]: Vec3, intrinsics: Intrinsics, width: number, height: number): { u: number; v: number } {
  const matrix = new Matrix4().fromArray(projectionFromIntrinsics(intrinsics, width, height));
  const clip = new Vector4(x, -y, -z, 1).applyMatrix4(matrix);
  return { u: ((clip.x / clip.w + 1) / 2) * width, v: ((1 - clip.y / clip.w) / 2) * height };
}

describe("projectionFromIntrinsics", () => {
  it("puts points where K puts them, off-centre and skewed too", () => {
    const k: Intrinsics = [812, 3, 301, 0, 790, 260, 0, 0, 1];
    const points: Vec3[] = [
      [0, 0, 0.5],
      [0.11, -0.07, 0.42],
      [-0.2, 0.13, 0.9],
    ];
    for (const [x, y, z] of points) {
      const { u, v } = pixel([x, y, z], k, 640, 480);
      expect(u).toBeCloseTo((k[0] * x + k[1] * y) / z + k[2], 6);
      expect(v).toBeCloseTo((k[4] * y) / z + k[5], 6);
    }
  });
});

describe("contain", () => {
  it("gives the rectangle of object-fit: contain", () => {
    expect(contain({ x: 10, y: 20, width: 400, height: 100 }, 4, 2)).toEqual({ x: 110, y: 20, width: 200, height: 100 });
    expect(contain({ x: 0, y: 0, width: 100, height: 400 }, 4, 2)).toEqual({ x: 0, y: 175, width: 100, height: 50 });
  });
});

describe("fitPosition", () => {
  it("is further away in a narrow view", () => {
    const distance = (aspect: number) => fitPosition([0, 0, 0], 0.1, [0, 0, 2], 35, aspect)[2];
    expect(distance(0.5)).toBeGreaterThan(distance(1));
    expect(distance(2)).toBeCloseTo(distance(1), 9);
    expect(distance(1)).toBeCloseTo(0.105 / Math.sin((17.5 * Math.PI) / 180), 9);
  });
});
