"""Images of hands and things: z-buffer, image-based light with a lamp and its shadow, before a background."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import cv2
import numpy as np

from ml.synthetic.environment import Light
from ml.synthetic.geometry import vertex_normals
from ml.synthetic.shading import shade
from ml.synthetic.skin import Skin
from ml.synthetic.zbuffer import depth_map, rasterise

SAMPLES: Final = 2
"""Samples a pixel, each way."""
SHADOW_PX: Final = 384
SKY_PX: Final = 80
_WRAP: Final = np.array([0.38, 0.16, 0.08])
"""How far light wraps around the terminator of skin, red, green and blue."""


@dataclass(frozen=True)
class Body:
    """A mesh of one image, in the camera's frame.

    Attributes:
        vertices: [V, 3] m.
        faces: int [F, 3].
        colours: [V, 3], linear RGB; what the skin's colour is multiplied by where there is `uv`.
        gloss: [V], 0 dull … 1 glossy.
        uv: [F, 3, 2] in the skin's atlas; None for what is not skin.
        own_faces: only so many of its first faces count as this body in `View.body`; all where not given.
    """

    vertices: np.ndarray
    faces: np.ndarray
    colours: np.ndarray
    gloss: np.ndarray
    uv: np.ndarray | None = None
    own_faces: int | None = None


@dataclass(frozen=True)
class View:
    """An image and what is where in it.

    Attributes:
        linear: float32 [height, width, 3], linear RGB.
        body: int8 [height, width]: number of the body seen, −1 for the background, 127 for what is no body's own (forearms).
        depth: float32 [height, width], metres; infinite for the background.
        cover: float32 [height, width], share of the pixel that bodies cover.
    """

    linear: np.ndarray
    body: np.ndarray
    depth: np.ndarray
    cover: np.ndarray


def render(bodies: list[Body], light: Light, skin: Skin, background: np.ndarray, intrinsics: np.ndarray) -> View:
    """Draw bodies before a background.

    Args:
        bodies: at most 127.
        light: of the clip.
        skin: of all bodies that have texture coordinates.
        background: [height, width, 3], linear RGB.
        intrinsics: [3, 3], px.
    """
    height, width = background.shape[:2]
    offsets = np.cumsum([0, *(len(b.vertices) for b in bodies)])
    vertices = np.concatenate([b.vertices for b in bodies]).astype(np.float64)
    faces = np.concatenate([b.faces + o for b, o in zip(bodies, offsets[:-1], strict=True)])
    owner = np.concatenate([_owner(number, body) for number, body in enumerate(bodies)])
    uv = np.concatenate([np.zeros((len(b.faces), 3, 2), np.float32) if b.uv is None else b.uv for b in bodies])
    has_uv = np.repeat([b.uv is not None for b in bodies], [len(b.faces) for b in bodies])
    normals = vertex_normals(vertices, faces)
    fine = intrinsics * np.array([[SAMPLES], [SAMPLES], [1.0]])
    seen = rasterise(vertices, faces, fine, SAMPLES * width, SAMPLES * height)
    shadow, frame, bias = _shadow(vertices, faces, light.lamp, SHADOW_PX)
    linear = np.repeat(np.repeat(background, SAMPLES, 0), SAMPLES, 1).astype(np.float32)
    colours = np.concatenate([b.colours for b in bodies]).astype(np.float64)
    gloss = np.concatenate([b.gloss for b in bodies]).astype(np.float64)
    shade(
        seen.face, seen.weights, faces, vertices, normals, colours, gloss, _open_sky(vertices, faces, normals),
        uv, has_uv, skin.texture, skin.relief, np.array([0.001, 1 / fine[0, 0]]),
        light.irradiance, light.reflection, light.lamp, light.lamp_colour, shadow, frame, bias, _WRAP, linear,
    )  # fmt: skip
    covered = (seen.face >= 0).astype(np.float32)
    centre = slice(SAMPLES // 2, None, SAMPLES)
    nearest = seen.face[centre, centre]
    return View(
        cv2.resize(linear, (width, height), interpolation=cv2.INTER_AREA),
        np.where(nearest >= 0, owner[nearest], -1).astype(np.int8),
        seen.depth[centre, centre],
        cv2.resize(covered, (width, height), interpolation=cv2.INTER_AREA),
    )


def _owner(number: int, body: Body) -> np.ndarray:
    own = len(body.faces) if body.own_faces is None else body.own_faces
    return np.where(np.arange(len(body.faces)) < own, number, 127).astype(np.int8)


def _shadow(vertices: np.ndarray, faces: np.ndarray, towards: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray, float]:
    """The depth map [size, size] as seen from a direction, the frame [3, 4] that takes points into it, and a bias in metres."""
    z = -towards
    x = np.cross(z, [0.0, 0.0, 1.0] if abs(z[2]) < 0.9 else [1.0, 0.0, 0.0])
    x /= np.linalg.norm(x)
    axes = np.stack([x, np.cross(z, x), z])
    placed = vertices @ axes.T
    low, high = placed.min(0), placed.max(0)
    scale = (size - 4) / max(float((high - low)[:2].max()), 1e-6)
    frame = np.concatenate([axes * [[scale], [scale], [1]], [[2 - scale * low[0]], [2 - scale * low[1]], [0]]], 1)
    points = vertices @ frame[:, :3].T + frame[:, 3]
    return depth_map(points, faces, size), frame, 0.0015 + 1.5 / scale


@lru_cache(maxsize=1)
def _sky_directions() -> np.ndarray:
    """Directions all around, evenly."""
    count = 14
    k = np.arange(count) + 0.5
    height, angle = 1 - 2 * k / count, np.pi * (1 + 5**0.5) * k
    radius = np.sqrt(1 - height**2)
    return np.stack([radius * np.cos(angle), height, radius * np.sin(angle)], 1)


def _open_sky(vertices: np.ndarray, faces: np.ndarray, normals: np.ndarray) -> np.ndarray:
    """Share of the sky [V] that each vertex sees, weighted by the cosine."""
    total, free = np.full(len(vertices), 1e-6), np.full(len(vertices), 1e-6)
    for direction in _sky_directions():
        cosine = np.clip(normals @ direction, 0, 1)
        depth, frame, bias = _shadow(vertices, faces, direction, SKY_PX)
        points = vertices @ frame[:, :3].T + frame[:, 3]
        x, y = (np.clip(points[:, k].astype(int), 0, SKY_PX - 1) for k in (0, 1))
        total += cosine
        free += cosine * (points[:, 2] < depth[y, x] + bias)
    share: np.ndarray = free / total
    return share
