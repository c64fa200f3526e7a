"""A compiled z-buffer: which triangle each pixel sees, and where on it; and depth maps for shadows.

Compiled by numba on first use (some seconds), then read from its cache.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

NEAR = 0.05
"""Metres; triangles with a corner nearer than this are left out."""


class Buffers(NamedTuple):
    """What the pixels of an image see.

    Attributes:
        face: int32 [height, width], −1 where nothing is seen.
        weights: float32 [height, width, 3], perspective-correct barycentric coordinates.
        depth: float32 [height, width], metres along z; infinite where nothing is seen.
    """

    face: np.ndarray
    weights: np.ndarray
    depth: np.ndarray


def rasterise(vertices: np.ndarray, faces: np.ndarray, intrinsics: np.ndarray, width: int, height: int) -> Buffers:
    """Draw triangles that face the camera.

    Args:
        vertices: [V, 3] m, OpenCV camera frame.
        faces: int [F, 3], counter-clockwise seen from outside.
        intrinsics: [3, 3] px; pixel centres are at whole numbers plus a half.
        width: px.
        height: px.
    """
    k = intrinsics.astype(np.float64)
    face, weights, depth = _draw(
        np.ascontiguousarray(vertices, np.float64),
        np.ascontiguousarray(faces, np.int64),
        k[0, 0],
        k[1, 1],
        k[0, 2],
        k[1, 2],
        width,
        height,
    )
    return Buffers(face, weights, depth)


@njit(cache=True, fastmath=False)
def _draw(vertices, faces, fx, fy, cx, cy, width, height):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202, PLR0917
    face = np.full((height, width), -1, np.int32)
    weights = np.zeros((height, width, 3), np.float32)
    depth = np.full((height, width), np.inf, np.float32)
    for f in range(len(faces)):
        i, j, k = faces[f]
        za, zb, zc = vertices[i, 2], vertices[j, 2], vertices[k, 2]
        if za < NEAR or zb < NEAR or zc < NEAR:
            continue
        ax, ay = fx * vertices[i, 0] / za + cx, fy * vertices[i, 1] / za + cy
        bx, by = fx * vertices[j, 0] / zb + cx, fy * vertices[j, 1] / zb + cy
        ex, ey = fx * vertices[k, 0] / zc + cx, fy * vertices[k, 1] / zc + cy
        area = (bx - ax) * (ey - ay) - (by - ay) * (ex - ax)
        # y points down: what turns counter-clockwise outside has a negative area in the image
        if area > -1e-9:
            continue
        left, right = max(0, int(np.ceil(min(ax, bx, ex) - 0.5))), min(width - 1, int(np.floor(max(ax, bx, ex) - 0.5)))
        top, bottom = max(0, int(np.ceil(min(ay, by, ey) - 0.5))), min(height - 1, int(np.floor(max(ay, by, ey) - 0.5)))
        for y in range(top, bottom + 1):
            py = y + 0.5
            for x in range(left, right + 1):
                px = x + 0.5
                u = ((ex - bx) * (py - by) - (ey - by) * (px - bx)) / area
                v = ((ax - ex) * (py - ey) - (ay - ey) * (px - ex)) / area
                w = 1.0 - u - v
                if u < -1e-9 or v < -1e-9 or w < -1e-9:
                    continue
                inverse = u / za + v / zb + w / zc
                z = 1.0 / inverse
                if z < depth[y, x]:
                    depth[y, x] = z
                    face[y, x] = f
                    weights[y, x, 0] = u / za * z
                    weights[y, x, 1] = v / zb * z
                    weights[y, x, 2] = w / zc * z
    return face, weights, depth


@njit(cache=True)
def depth_map(points, faces, size):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """Smallest z [size, size] of triangles seen along z by points [V, 3] whose x and y are pixels; both sides are drawn."""
    depth = np.full((size, size), np.inf, np.float32)
    for f in range(len(faces)):
        i, j, k = faces[f]
        ax, ay, bx, by, ex, ey = points[i, 0], points[i, 1], points[j, 0], points[j, 1], points[k, 0], points[k, 1]
        area = (bx - ax) * (ey - ay) - (by - ay) * (ex - ax)
        if abs(area) < 1e-12:
            continue
        left, right = max(0, int(np.ceil(min(ax, bx, ex) - 0.5))), min(size - 1, int(np.floor(max(ax, bx, ex) - 0.5)))
        top, bottom = max(0, int(np.ceil(min(ay, by, ey) - 0.5))), min(size - 1, int(np.floor(max(ay, by, ey) - 0.5)))
        for y in range(top, bottom + 1):
            for x in range(left, right + 1):
                u = ((ex - bx) * (y + 0.5 - by) - (ey - by) * (x + 0.5 - bx)) / area
                v = ((ax - ex) * (y + 0.5 - ey) - (ay - ey) * (x + 0.5 - ex)) / area
                w = 1.0 - u - v
                if u >= -1e-6 and v >= -1e-6 and w >= -1e-6:
                    z = u * points[i, 2] + v * points[j, 2] + w * points[k, 2]
                    depth[y, x] = min(depth[y, x], z)
    return depth
