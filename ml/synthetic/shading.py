"""Compiled shading of what a z-buffer sees: image-based ambient light, one lamp with soft shadow, skin with subsurface tint.

Ambient light is the environment's irradiance (spherical harmonics of order 2: Ramamoorthi & Hanrahan, SIGGRAPH 2001) times the
visibility of the sky at each vertex; the lamp's light wraps around the terminator, further in red than in blue, as light does
in skin; gloss is Blinn's of lamp and environment with Schlick's Fresnel term; relief is bump mapping on the surface
(Mikkelsen, *J. Graphics Tools* 15, 2010).
"""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, fastmath=True)
def _sample(image, u, v):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """A value of image [h, w] between its four pixels nearest to u, v in 0 … 1."""
    height, width = image.shape
    x, y = u * (width - 1), v * (height - 1)
    i, j = min(max(int(x), 0), width - 2), min(max(int(y), 0), height - 2)
    s, t = x - i, y - j
    above = (1 - s) * image[j, i] + s * image[j, i + 1]
    below = (1 - s) * image[j + 1, i] + s * image[j + 1, i + 1]
    return (1 - t) * above + t * below


@njit(cache=True, fastmath=True)
def _normalise(n):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Give n [3] the length 1, in place."""
    norm = np.sqrt(n[0] * n[0] + n[1] * n[1] + n[2] * n[2]) + 1e-9
    for d in range(3):
        n[d] /= norm


@njit(cache=True, fastmath=True)
def _tilt(n, across, down):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Tilt the normal n [3] by slopes of the relief along the image's axes, in place."""
    facing = max(-n[2], 0.25)
    n[0] -= across * facing
    n[1] -= down * facing
    _normalise(n)


@njit(cache=True, fastmath=True)
def _relief_map(face, weights, uv, has_uv, relief):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """The relief [height, width] of what each pixel shows."""
    height, width = face.shape
    bump = np.zeros((height, width), np.float32)
    for y in range(height):
        for x in range(width):
            f = face[y, x]
            if f >= 0 and has_uv[f]:
                a, b, c = weights[y, x, 0], weights[y, x, 1], weights[y, x, 2]
                u = a * uv[f, 0, 0] + b * uv[f, 1, 0] + c * uv[f, 2, 0]
                v = a * uv[f, 0, 1] + b * uv[f, 1, 1] + c * uv[f, 2, 1]
                bump[y, x] = _sample(relief, u, v)
    return bump


@njit(cache=True, fastmath=True)
def _lit_share(p, shadow, frame, bias):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """How much of the lamp reaches the point p [3]: the share of 5 × 5 texels of its shadow map that are farther."""
    sx = frame[0, 0] * p[0] + frame[0, 1] * p[1] + frame[0, 2] * p[2] + frame[0, 3]
    sy = frame[1, 0] * p[0] + frame[1, 1] * p[1] + frame[1, 2] * p[2] + frame[1, 3]
    sz = frame[2, 0] * p[0] + frame[2, 1] * p[1] + frame[2, 2] * p[2] + frame[2, 3]
    lit, taken = 0.0, 0
    for dy in range(-2, 3):
        for dx in range(-2, 3):
            qx, qy = int(sx) + dx, int(sy) + dy
            if 0 <= qx < shadow.shape[0] and 0 <= qy < shadow.shape[0]:
                lit += 1.0 if sz < shadow[qy, qx] + bias else 0.0
                taken += 1
    return lit / taken if taken else 1.0


@njit(cache=True, fastmath=True)
def _irradiance(c, n):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Light from all around on a surface of normal n [3], from spherical harmonics c [9]."""
    return (
        c[0] + c[1] * n[1] + c[2] * n[2] + c[3] * n[0] + c[4] * n[0] * n[1] + c[5] * n[1] * n[2]
        + c[6] * (3 * n[2] * n[2] - 1) + c[7] * n[0] * n[2] + c[8] * (n[0] * n[0] - n[1] * n[1])
    )  # fmt: skip


@njit(cache=True, fastmath=True)
def shade(  # type: ignore[no-untyped-def]  # noqa: ANN201, PLR0917
    face, weights, faces, vertices, normals, colours, gloss, sky, uv, has_uv, texture, relief, relief_depth,  # noqa: ANN001
    irradiance, reflection, lamp, lamp_colour, shadow, shadow_frame, shadow_bias, wrap, linear,  # noqa: ANN001
):  # fmt: skip
    """Fill linear [height, width, 3] where something is seen; see `ml.synthetic.render` for the arguments."""
    height, width = face.shape
    bump = _relief_map(face, weights, uv, has_uv, relief)
    eh, ew = reflection.shape[:2]
    p, n, m, base = np.zeros(3), np.zeros(3), np.zeros(3), np.zeros(3)
    for y in range(height):
        for x in range(width):
            f = face[y, x]
            if f < 0:
                continue
            a, b, c = weights[y, x, 0], weights[y, x, 1], weights[y, x, 2]
            i, j, k = faces[f]
            for d in range(3):
                p[d] = a * vertices[i, d] + b * vertices[j, d] + c * vertices[k, d]
                n[d] = a * normals[i, d] + b * normals[j, d] + c * normals[k, d]
                base[d] = a * colours[i, d] + b * colours[j, d] + c * colours[k, d]
            shine = a * gloss[i] + b * gloss[j] + c * gloss[k]
            open_sky = a * sky[i] + b * sky[j] + c * sky[k]
            soft = has_uv[f]
            _normalise(n)
            if soft:
                u = a * uv[f, 0, 0] + b * uv[f, 1, 0] + c * uv[f, 2, 0]
                v = a * uv[f, 0, 1] + b * uv[f, 1, 1] + c * uv[f, 2, 1]
                for d in range(3):
                    base[d] *= _sample(texture[:, :, d], u, v)
                shine *= _sample(texture[:, :, 3], u, v)
                if 0 < x < width - 1 and 0 < y < height - 1 and face[y, x + 1] >= 0 and face[y + 1, x] >= 0:
                    scale = relief_depth[0] / (p[2] * relief_depth[1])
                    _tilt(n, (bump[y, x + 1] - bump[y, x]) * scale, (bump[y + 1, x] - bump[y, x]) * scale)
            lit = _lit_share(p, shadow, shadow_frame, shadow_bias)
            towards = n[0] * lamp[0] + n[1] * lamp[1] + n[2] * lamp[2]
            eye = np.sqrt(p[0] * p[0] + p[1] * p[1] + p[2] * p[2])
            view = -(n[0] * p[0] + n[1] * p[1] + n[2] * p[2]) / eye
            for d in range(3):
                m[d] = lamp[d] - p[d] / eye
            half = np.sqrt(m[0] * m[0] + m[1] * m[1] + m[2] * m[2]) + 1e-9
            glance = max((n[0] * m[0] + n[1] * m[1] + n[2] * m[2]) / half, 0.0)
            fresnel = 0.03 + 0.97 * (1 - max(view, 0.0)) ** 5
            power = 12.0 + 60.0 * shine
            highlight = fresnel * 8.0 * shine * glance**power * lit if towards > 0 else 0.0
            # mirrored direction, in the environment's map (longitude from −z, latitude from −y)
            for d in range(3):
                m[d] = p[d] / eye + 2 * view * n[d]
            ex = int((np.arctan2(m[0], m[2]) / (2 * np.pi) + 0.5) * ew) % ew
            ey = min(max(int(np.arccos(min(max(-m[1], -1.0), 1.0)) / np.pi * eh), 0), eh - 1)
            for d in range(3):
                w = wrap[d] if soft else 0.05
                direct = max(towards + w, 0.0) / (1 + w)
                shadowed = lit ** (0.75 if d == 0 else 1.1) if soft else lit
                around = _irradiance(irradiance[:, d], n)
                occluded = open_sky ** (0.8 if d == 0 and soft else 1.0)
                diffuse = base[d] * (max(around, 0.0) * occluded + lamp_colour[d] * direct * shadowed)
                linear[y, x, d] = (
                    diffuse + highlight * lamp_colour[d] + 0.6 * fresnel * shine * open_sky * reflection[ey, ex, d]
                )
