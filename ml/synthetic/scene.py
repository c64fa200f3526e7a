"""What an image shows beside bare hands, drawn from a seed: background, sleeves, rings, watches, objects, occluders."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import trimesh
from scipy.spatial.transform import Rotation

from ml.hand.skeleton import MANO_JOINTS

FOREARM: Final = 16
"""Bone of a thing that is worn on the forearm (`ml.hand.open_model.RenderArrays.weights`)."""


@dataclass(frozen=True)
class Occluder:
    """A thing that moves through the image: vertices [V, 3] (m, about its centre), faces, colour [3], path [T, 3] (m)."""

    vertices: np.ndarray
    faces: np.ndarray
    colour: np.ndarray
    path: np.ndarray


@dataclass(frozen=True)
class Prop:
    """A rigid thing that moves with one bone of a right hand.

    Attributes:
        bone: of the 17 of the render hand.
        vertices: [V, 3] m, in the hand's rest frame.
        faces: int [F, 3].
        colours: [V, 3], linear RGB.
        gloss: of its surface.
    """

    bone: int
    vertices: np.ndarray
    faces: np.ndarray
    colours: np.ndarray
    gloss: float


def colour(rng: np.random.Generator, low: float = 0.02, high: float = 0.7) -> np.ndarray:
    """Linear RGB of a thing: mostly greyish, at times vivid."""
    grey = rng.uniform(low, high)
    tint = rng.normal(0, 1, 3) * (0.5 if rng.uniform() < 0.3 else 0.12)
    found: np.ndarray = np.clip(grey * np.exp(tint), 0.01, 0.9)
    return found


def make_background(rng: np.random.Generator, view: np.ndarray) -> np.ndarray:
    """A background [height, width, 3] of linear RGB: the environment's view or textured surfaces, with clutter, out of focus.

    Args:
        rng: source of randomness.
        view: [height, width, 3], what the camera sees of the environment.
    """
    height, width = view.shape[:2]
    y, x = np.mgrid[0:height, 0:width].astype(np.float32) / max(width, height)
    kind = rng.uniform()
    image: np.ndarray = view.astype(np.float32).copy()
    if kind < 0.45:
        one, two = colour(rng, 0.03, 0.6), colour(rng, 0.03, 0.6)
        angle = rng.uniform(0, 2 * np.pi)
        slope = np.clip(0.5 + rng.uniform(0.2, 1.2) * (np.cos(angle) * (x - 0.5) + np.sin(angle) * (y - 0.4)), 0, 1)[..., None]
        image = (one * (1 - slope) + two * slope).astype(np.float32)
        image *= 1 + rng.uniform(0, 0.5) * _cloud(rng, width, height)[..., None]
        if rng.uniform() < 0.4:
            image *= 1 + rng.uniform(0.02, 0.2) * _stripes(rng, x, y)[..., None]
    for _ in range(rng.integers(1, 7) if rng.uniform() < 0.4 else 0):
        _add_clutter(rng, image, x, y)
    blur = rng.uniform(0, 0.012) * max(width, height) if rng.uniform() < 0.8 else 0.0
    if blur > 0.4:
        image = cv2.GaussianBlur(image, (0, 0), blur)
    grain = 1 + rng.uniform(0, 0.02) * rng.standard_normal((height, width, 1), dtype=np.float32)
    painted: np.ndarray = np.clip(image * grain, 0, 6).astype(np.float32)
    return painted


def _cloud(rng: np.random.Generator, width: int, height: int) -> np.ndarray:
    total = np.zeros((height, width), np.float32)
    for octave in range(5):
        cells = 3 * 2**octave
        total += (
            cv2.resize(rng.standard_normal((cells, cells), dtype=np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
            / 2**octave
        )
    return np.clip(total / 2, -1, 1)


def _stripes(rng: np.random.Generator, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Grain of wood or a weave."""
    angle = rng.uniform(0, np.pi)
    along = np.cos(angle) * x + np.sin(angle) * y
    across = -np.sin(angle) * x + np.cos(angle) * y
    stripes: np.ndarray = np.sin(rng.uniform(40, 250) * along + 3 * np.sin(rng.uniform(3, 12) * across))
    return stripes


def _add_clutter(rng: np.random.Generator, image: np.ndarray, x: np.ndarray, y: np.ndarray) -> None:
    """A box or a disc with an edge, textured, somewhere."""
    angle, cx, cy = rng.uniform(0, np.pi), *rng.uniform(-0.1, 1.1, 2)
    u = np.cos(angle) * (x - cx) + np.sin(angle) * (y - cy)
    v = -np.sin(angle) * (x - cx) + np.cos(angle) * (y - cy)
    w, h = rng.uniform(0.02, 0.3, 2)
    edge = np.minimum(w - np.abs(u), h - np.abs(v)) if rng.uniform() < 0.6 else w - np.hypot(u, v)
    mask = np.clip(edge * rng.uniform(60, 400), 0, 1)[..., None]
    pattern = rng.uniform(0, 0.3) if rng.uniform() < 0.3 else 0.0
    tone = colour(rng) * (1 + pattern * np.sin(rng.uniform(20, 200) * (u if rng.uniform() < 0.5 else v)))[..., None]
    image *= 1 - mask
    image += mask * tone.astype(np.float32)


def make_props(rng: np.random.Generator, joints: np.ndarray, template: np.ndarray, weights: np.ndarray) -> list[Prop]:
    """What a hand wears and holds.

    Args:
        rng: source of randomness.
        joints: [21, 3] m, rest joints of this person's right hand.
        template: [V, 3] m, this person's render hand at rest.
        weights: [V, 17].
    """
    props = []
    if rng.uniform() < 0.55:
        props.append(_sleeve(rng, joints, template, weights))
    if rng.uniform() < 0.2:
        finger = int(rng.integers(1, 5))
        props.append(_ring(rng, joints, template, weights, finger))
    if rng.uniform() < 0.15:
        props.append(_band(rng, joints, template, weights))
    if rng.uniform() < 0.2:
        props.append(_held(rng, joints))
    return props


def _around(  # noqa: PLR0917
    template: np.ndarray,
    kept: np.ndarray,
    start: np.ndarray,
    along: np.ndarray,
    stations: np.ndarray,
    extra: float,
    sides: int = 24,
) -> tuple[np.ndarray, np.ndarray]:
    """A tube [S · sides, 3] around the flesh at stations [S] along an axis, and its faces (both sides of the cloth)."""
    along = along / np.linalg.norm(along)
    first = np.cross(along, [0.0, 1.0, 0.0])
    first /= np.linalg.norm(first)
    second = np.cross(along, first)
    flesh = template[kept] - start
    s = flesh @ along
    rows = []
    angles = np.linspace(0, 2 * np.pi, sides, endpoint=False)
    for station in stations:
        near = flesh[np.abs(s - station) < 0.02]
        if not len(near):
            near = flesh[np.argsort(np.abs(s - station))[:20]]
        u, v = near @ first, near @ second
        middle = np.array([(u.max() + u.min()) / 2, (v.max() + v.min()) / 2])
        radius = np.array([(u.max() - u.min()) / 2, (v.max() - v.min()) / 2]) + extra
        around = middle + radius * np.stack([np.cos(angles), np.sin(angles)], 1)
        rows.append(start + station * along + around @ np.stack([first, second]))
    vertices = np.concatenate(rows)
    faces = []
    for row in range(len(stations) - 1):
        for k in range(sides):
            a, b = row * sides + k, row * sides + (k + 1) % sides
            faces += [[a, b, a + sides], [b, b + sides, a + sides]]
    outer = np.array(faces)
    return vertices, np.concatenate([outer, outer[:, ::-1]])


def _sleeve(rng: np.random.Generator, joints: np.ndarray, template: np.ndarray, weights: np.ndarray) -> Prop:
    arm = weights[:, FOREARM] > 0.5
    towards = template[arm].mean(0) - joints[0]
    length = ((template[arm] - joints[0]) @ towards / np.linalg.norm(towards)).max()
    stations = np.linspace(rng.uniform(0.02, 0.10), length + 0.1, 10)
    vertices, faces = _around(template, arm, joints[0], towards, stations, rng.uniform(0.007, 0.016))
    vertices = vertices + rng.normal(0, 0.0012, vertices.shape)
    cloth = colour(rng)
    pattern = 1 + rng.uniform(0, 0.4) * np.sin(np.repeat(np.arange(10), 24) * rng.uniform(0.5, 3))[:, None]
    return Prop(FOREARM, vertices, faces, np.clip(cloth * pattern, 0, 1), 0.05)


def _ring(rng: np.random.Generator, joints: np.ndarray, template: np.ndarray, weights: np.ndarray, finger: int) -> Prop:
    mcp, pip = joints[4 * finger + 1], joints[4 * finger + 2]
    bone = MANO_JOINTS.index(("thumb", "index", "middle", "ring", "pinky")[finger] + "1")
    place = rng.uniform(0.62, 0.78) * np.linalg.norm(pip - mcp)
    wide = rng.uniform(0.001, 0.003)
    vertices, faces = _around(
        template, weights[:, bone] > 0.6, mcp, pip - mcp, np.array([place - wide, place + wide]), 0.0012, 20
    )
    metal = np.array([[0.85, 0.65, 0.3], [0.75, 0.75, 0.78], [0.08, 0.08, 0.09]])[rng.integers(3)]
    return Prop(bone, vertices, faces, np.tile(metal, (len(vertices), 1)), 1.2)


def _band(rng: np.random.Generator, joints: np.ndarray, template: np.ndarray, weights: np.ndarray) -> Prop:
    """A watch or bracelet."""
    arm = weights[:, FOREARM] > 0.3
    towards = template[arm].mean(0) - joints[0]
    place = rng.uniform(0.022, 0.045)
    wide = rng.uniform(0.003, 0.010)
    vertices, faces = _around(template, arm, joints[0], towards, np.array([place - wide, place + wide]), 0.002)
    tone = np.tile(colour(rng, 0.01, 0.4), (len(vertices), 1))
    if rng.uniform() < 0.6:
        dial = trimesh.creation.cylinder(radius=rng.uniform(0.014, 0.021), height=0.009, sections=24)
        turned = Rotation.from_euler("x", np.pi / 2).apply(dial.vertices)
        top = vertices[:, 1].max()
        middle = (vertices.min(0) + vertices.max(0)) / 2
        faces = np.concatenate([faces, dial.faces + len(vertices)])
        vertices = np.concatenate([vertices, turned + np.array([middle[0], top + 0.002, middle[2]])])
        tone = np.concatenate([tone, np.tile(colour(rng, 0.01, 0.5), (len(dial.vertices), 1))])
    return Prop(FOREARM, vertices, faces, tone, rng.uniform(0.2, 1.0))


def _held(rng: np.random.Generator, joints: np.ndarray) -> Prop:
    """A thing that lies before the palm: bottle, ball, box or pen."""
    kind = rng.integers(4)
    if kind == 0:
        mesh, thick = (
            trimesh.creation.cylinder(radius=(r := rng.uniform(0.012, 0.03)), height=rng.uniform(0.1, 0.2), sections=24),
            r,
        )
    elif kind == 1:
        mesh, thick = trimesh.creation.icosphere(subdivisions=3, radius=(r := rng.uniform(0.018, 0.035))), r
    elif kind == 2:
        size = rng.uniform(0.008, 0.06, 3)
        mesh, thick = trimesh.creation.box(extents=size * [1, 1, 1.8]), size[1] / 2
    else:
        mesh, thick = (
            trimesh.creation.cylinder(radius=(r := rng.uniform(0.003, 0.006)), height=rng.uniform(0.12, 0.18), sections=12),
            r,
        )
    place = 0.55 * joints[9] + 0.25 * joints[0] + 0.2 * joints[10] + np.array([-0.02, -0.018 - thick, 0.0])
    turn = Rotation.from_euler("yx", [rng.normal(0, 0.4), rng.normal(0, 0.2)])
    vertices = turn.apply(mesh.vertices) + place
    tone = np.tile(colour(rng), (len(vertices), 1)) * (1 + 0.15 * np.sin(vertices @ rng.normal(0, 300, 3)))[:, None]
    return Prop(0, vertices, np.asarray(mesh.faces), np.clip(tone, 0.01, 0.95), rng.uniform(0.05, 1.0))


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
    return Occluder(turn.apply(mesh.vertices), np.asarray(mesh.faces), colour(rng, 0.03, 0.7), path)
