"""Pictures of meshes: shaded by a dome and two lamps, textured, over a background."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ml.synthetic.raster import Hits, rasterise
from ml.synthetic.scene import Lights


@dataclass(frozen=True)
class Body:
    """A mesh of one picture: vertices [V, 3] m in the camera's frame, faces, linear RGB [V, 3], and how much it shines."""

    vertices: np.ndarray
    faces: np.ndarray
    colours: np.ndarray
    shine: float


@dataclass(frozen=True)
class View:
    """A picture and what is where in it.

    Attributes:
        linear: float32 [height, width, 3], linear RGB.
        body: int8 [height, width]: number of the body seen, −1 for the background.
        depth: float32 [height, width], metres; infinite for the background.
    """

    linear: np.ndarray
    body: np.ndarray
    depth: np.ndarray


def render(bodies: list[Body], lights: Lights, background: np.ndarray, intrinsics: np.ndarray) -> View:
    """Draw bodies before a background [height, width, 3] of linear RGB."""
    height, width = background.shape[:2]
    offsets = np.cumsum([0, *(len(b.vertices) for b in bodies)])
    vertices = np.concatenate([b.vertices for b in bodies])
    faces = np.concatenate([b.faces + o for b, o in zip(bodies, offsets[:-1], strict=True)])
    owner = np.repeat(np.arange(len(bodies)), [len(b.faces) for b in bodies])
    hits = rasterise(vertices, faces, intrinsics, width, height)
    seen = owner[hits.face]
    linear = background.reshape(-1, 3).copy()
    linear[hits.pixel] = _shaded(bodies, vertices, faces, hits=hits, seen=seen, lights=lights)
    body = np.full(height * width, -1, np.int8)
    body[hits.pixel] = seen
    depth = np.full(height * width, np.inf, np.float32)
    depth[hits.pixel] = hits.depth
    return View(linear.reshape(height, width, 3), body.reshape(height, width), depth.reshape(height, width))


def to_srgb(linear: np.ndarray) -> np.ndarray:
    """uint8 sRGB of linear RGB [..., 3] (IEC 61966-2-1), by a table of 4 096 steps."""
    return _SRGB[(np.clip(linear, 0, 1) * 4095).astype(np.int16)]


def lens(linear: np.ndarray) -> np.ndarray:
    """A slight blur as of a lens and a sensor, which also softens the stairs of edges: [1 4 1]/6 both ways."""
    out = linear.copy()
    out[1:-1] = (linear[:-2] + 4 * linear[1:-1] + linear[2:]) * np.float32(1 / 6)
    result = out.copy()
    result[:, 1:-1] = (out[:, :-2] + 4 * out[:, 1:-1] + out[:, 2:]) * np.float32(1 / 6)
    return result


def vertex_normals(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Unit normals [V, 3], faces weighted by their area."""
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    face = np.cross(b - a, c - a)
    normals = np.stack(
        [np.bincount(faces.ravel(), np.repeat(face[:, k], 3), minlength=len(vertices)) for k in range(3)], axis=1
    )
    unit: np.ndarray = normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
    return unit


def _shaded(
    bodies: list[Body], vertices: np.ndarray, faces: np.ndarray, *, hits: Hits, seen: np.ndarray, lights: Lights
) -> np.ndarray:
    per_vertex = np.concatenate(
        [vertex_normals(vertices, faces), np.concatenate([b.colours for b in bodies]), vertices], axis=1
    )
    corners = faces[hits.face]
    mixed = sum(hits.weights[:, k, None] * per_vertex.astype(np.float32)[corners[:, k]] for k in range(3))
    normal, colour, place = np.split(np.asarray(mixed), 3, axis=1)
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    towards_eye = -place / np.linalg.norm(place, axis=1, keepdims=True)
    shine = np.array([b.shine for b in bodies], np.float32)[seen, None]
    # from above comes more light of the dome than from below
    light = lights.ambient.astype(np.float32) * (1 - 0.25 * normal[:, 1:2])
    gloss = np.zeros_like(colour)
    for direction, strength in zip(lights.directions.astype(np.float32), lights.colours.astype(np.float32), strict=True):
        # skin lets light through: the terminator is soft
        facing = np.clip((normal @ direction + 0.2) / 1.2, 0, 1)[:, None]
        half = towards_eye + direction
        half /= np.linalg.norm(half, axis=1, keepdims=True)
        light = light + facing * strength
        gloss += shine * np.clip((normal * half).sum(1), 0, 1)[:, None] ** 24 * strength * (facing > 0)
    result: np.ndarray = colour * light + gloss
    return result


_STEPS = np.arange(4096) / 4095
_SRGB = (np.where(_STEPS <= 0.0031308, 12.92 * _STEPS, 1.055 * _STEPS ** (1 / 2.4) - 0.055) * 255 + 0.5).astype(np.uint8)
