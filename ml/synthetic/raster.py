"""A z-buffer in NumPy: which triangle each pixel sees, and where on it.

Hands are a few thousand small triangles, so all pixels of all triangles' boxes are tried at once; no loop over triangles.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

NEAR = 0.05
"""Metres; triangles with a corner nearer than this are left out."""


TOLERANCE = 1e-9
"""Of barycentric coordinates, so that no pixel falls between two triangles."""


class Hits(NamedTuple):
    """What the pixels of a picture see; n pixels see something.

    Attributes:
        pixel: int64 [n], row · width + column.
        face: int64 [n].
        weights: float32 [n, 3], perspective-correct barycentric coordinates.
        depth: float32 [n], metres along z.
    """

    pixel: np.ndarray
    face: np.ndarray
    weights: np.ndarray
    depth: np.ndarray


def rasterise(vertices: np.ndarray, faces: np.ndarray, intrinsics: np.ndarray, width: int, height: int) -> Hits:
    """Draw triangles that face the camera.

    Args:
        vertices: [V, 3] m, OpenCV camera frame.
        faces: int [F, 3], counter-clockwise seen from outside.
        intrinsics: [3, 3] px; pixel centres are at whole numbers plus a half.
        width: px.
        height: px.
    """
    vertices = vertices.astype(np.float64)
    z = vertices[:, 2]
    picture = (vertices @ intrinsics[:2].T.astype(vertices.dtype)) / np.maximum(z, NEAR)[:, None]
    corners = picture[faces]
    edge1, edge2 = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    area = edge1[:, 0] * edge2[:, 1] - edge1[:, 1] * edge2[:, 0]
    # y points down: what turns counter-clockwise outside has a negative area in the picture
    kept = np.flatnonzero((area < -1e-9) & (z[faces].min(1) > NEAR))
    corners, area = corners[kept], area[kept]
    low = np.clip(np.ceil(corners.min(1) - 0.5), 0, [width, height]).astype(np.int64)
    high = np.clip(np.floor(corners.max(1) - 0.5) + 1, 0, [width, height]).astype(np.int64)
    size = np.maximum(high - low, 0)
    count = size[:, 0] * size[:, 1]
    triangle = np.repeat(np.arange(len(kept)), count)
    within = np.arange(len(triangle)) - np.repeat(np.cumsum(count) - count, count)
    row, column = np.divmod(within, np.maximum(size[triangle, 0], 1))
    x, y = column + low[triangle, 0], row + low[triangle, 1]
    # the three edge functions are linear in the pixel: a + b·x + c·y
    first, second, third = corners[:, 0], corners[:, 1], corners[:, 2]
    edges = []
    for p, q in ((second, third), (third, first)):
        b, c = -(q[:, 1] - p[:, 1]) / area, (q[:, 0] - p[:, 0]) / area
        a = -(b * p[:, 0] + c * p[:, 1])
        edges.append((a + 0.5 * (b + c))[triangle] + b[triangle] * x + c[triangle] * y)
    u, v = edges
    w = 1 - u - v
    inside = np.flatnonzero((u >= -TOLERANCE) & (v >= -TOLERANCE) & (w >= -TOLERANCE))
    triangle = triangle[inside]
    flat = np.stack([u[inside], v[inside], w[inside]], 1)
    inverse = (1 / z[faces[kept]])[triangle]
    weights = flat * inverse
    total = weights.sum(1)
    depth = 1 / total
    pixel = y[inside] * width + x[inside]
    buffer = np.full(width * height, np.inf)
    np.minimum.at(buffer, pixel, depth)
    nearest = np.flatnonzero(depth == buffer[pixel])
    pixel, first_seen = np.unique(pixel[nearest], return_index=True)
    chosen = nearest[first_seen]
    return Hits(
        pixel,
        kept[triangle[chosen]],
        (weights[chosen] / total[chosen, None]).astype(np.float32),
        depth[chosen].astype(np.float32),
    )
