"""What is in a picture besides its hands, drawn from a seed: lights, skin, background, things that stand in front."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import trimesh
from scipy.spatial.transform import Rotation

from ml.synthetic.subjects import SyntheticSubject


@dataclass(frozen=True)
class Lights:
    """A dome and two lamps: `ambient` [3] and, for each lamp, the unit direction towards it [2, 3] and colour [2, 3]."""

    ambient: np.ndarray
    directions: np.ndarray
    colours: np.ndarray


@dataclass(frozen=True)
class Occluder:
    """A thing that moves through the picture: vertices [V, 3] (m, about its centre), faces, colour [3], path [T, 3] (m)."""

    vertices: np.ndarray
    faces: np.ndarray
    colour: np.ndarray
    path: np.ndarray


def make_lights(rng: np.random.Generator) -> Lights:
    """A key light from above on the camera's side and a weaker one from anywhere before the hand."""
    key = np.array([rng.uniform(-0.8, 0.8), rng.uniform(-1.0, -0.3), rng.uniform(-1.2, -0.6)])
    fill = np.array([rng.uniform(-1, 1), rng.uniform(-0.6, 0.6), rng.uniform(-1.0, -0.2)])
    directions = np.stack([key, fill])
    warmth = rng.uniform(-0.12, 0.12, (2, 1)) * np.array([1.0, 0.0, -1.0])
    strength = np.array([[rng.uniform(0.75, 1.05)], [rng.uniform(0.15, 0.4)]])
    ambient = rng.uniform(0.22, 0.38) * (1 + rng.uniform(-0.06, 0.06, 3))
    return Lights(ambient, directions / np.linalg.norm(directions, axis=1, keepdims=True), strength * (1 + warmth))


def skin_colours(subject: SyntheticSubject, rest: np.ndarray, normals: np.ndarray, joints: np.ndarray) -> np.ndarray:
    """Linear RGB of each vertex [V, 3] of a right hand at rest: paler palm, redder knuckles and tips, marks, nails.

    Args:
        subject: whose skin.
        rest: [V, 3] m.
        normals: [V, 3], unit; the palm looks along −y.
        joints: [21, 3] m, OpenPose order.
    """
    rng = np.random.default_rng(subject.seed)
    palm = np.clip(0.5 - 0.9 * normals[:, 1], 0, 1)[:, None]
    pale = np.clip(subject.skin * 1.15 + np.array([0.10, 0.05, 0.04]), 0, 0.9)
    colour = subject.skin * (1 - palm) + pale * palm
    for joint in (5, 6, 7, 9, 10, 11, 13, 14, 15, 17, 18, 19, 2, 3):
        near = np.exp(-((np.linalg.norm(rest - joints[joint], axis=1) / 0.009) ** 2))[:, None]
        colour = colour * (1 + near * np.array([0.06, -0.10, -0.08]))
    wave = rng.normal(0, 1, (6, 3)) * 90
    marks = np.sin(rest @ wave.T + rng.uniform(0, 6.28, 6)).mean(1, keepdims=True)
    colour = colour * (1 + 0.10 * marks)
    for finger in range(5):
        along = joints[4 * finger + 4] - joints[4 * finger + 3]
        nail = joints[4 * finger + 4] - 0.25 * along
        distance = np.linalg.norm(rest - nail, axis=1)
        up = np.array([0.56, 0.31, 0.77]) if finger == 0 else np.array([0.0, 1.0, 0.0])
        is_nail = (distance < 0.0065) & (normals @ up > 0.6)
        colour[is_nail] = colour[is_nail] * 0.6 + np.array([0.34, 0.22, 0.19])
    clipped: np.ndarray = np.clip(colour, 0.01, 0.95)
    return clipped


def make_background(rng: np.random.Generator, width: int, height: int) -> np.ndarray:
    """A picture [height, width, 3] of linear RGB: a slope of colour, soft stains, and blurred blocks as of furniture."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32) / max(width, height)
    one, two = rng.uniform(0.03, 0.55, 3), rng.uniform(0.03, 0.55, 3)
    grey = rng.uniform(0.3, 0.9)
    one, two = (c * (1 - grey) + c.mean() * grey for c in (one, two))
    angle = rng.uniform(0, 2 * np.pi)
    slope = np.clip(0.5 + np.cos(angle) * (x - 0.5) + np.sin(angle) * (y - 0.4), 0, 1)[..., None]
    picture = one * (1 - slope) + two * slope
    for _ in range(rng.integers(3, 8)):
        left, top = rng.uniform(-0.2, 0.9, 2)
        w, h = rng.uniform(0.1, 0.5, 2)
        soft = rng.uniform(80, 400)
        edge = np.minimum(np.minimum(x - left, left + w - x), np.minimum(y - top, top + h - y))
        box = 0.5 + 0.5 * np.tanh(soft * edge)
        colour = rng.uniform(0.02, 0.6) * (1 + rng.uniform(-0.25, 0.25, 3))
        picture = picture * (1 - 0.8 * box[..., None]) + 0.8 * box[..., None] * colour
    waves = sum(
        np.sin(rng.uniform(5, 40) * (np.cos(a) * x + np.sin(a) * y) + rng.uniform(0, 6)) for a in rng.uniform(0, 6.3, 5)
    )
    painted: np.ndarray = np.clip(picture * (1 + 0.03 * np.asarray(waves)[..., None]), 0, 1).astype(np.float32)
    return painted


def make_occluder(rng: np.random.Generator, times: np.ndarray, centre: np.ndarray) -> Occluder:
    """A box, ball or stick that passes before a hand near `centre` [3] (m), to and fro over the times [T] (s)."""
    kind = rng.integers(3)
    size = rng.uniform(0.02, 0.04)
    if kind == 0:
        mesh = trimesh.creation.box(extents=size * rng.uniform(1.0, 2.2, 3))
    elif kind == 1:
        mesh = trimesh.creation.icosphere(subdivisions=2, radius=size)
    else:
        # across the line of sight, or it would reach into the hand
        mesh = trimesh.creation.cylinder(radius=0.4 * size, height=8 * size, sections=24)
    if kind == 2:
        turn = Rotation.from_euler("yz", [np.pi / 2, rng.uniform(0, 2 * np.pi)])
    else:
        turn = Rotation.from_rotvec(rng.normal(size=3) * 2)
    across = rng.uniform(0.05, 0.09) * np.array([np.cos(a := rng.uniform(0, 6.28)), np.sin(a), 0])
    swing = np.sin(2 * np.pi * rng.uniform(0.12, 0.25) * times + rng.uniform(0, 6.28))[:, None]
    path = centre * 0.8 + swing * across
    return Occluder(turn.apply(mesh.vertices), np.asarray(mesh.faces), rng.uniform(0.05, 0.8, 3), path)
