"""Skin: a person's texture (colour, gloss, relief), painted by a seed, or from photographs of skin where a folder is named.

Colour follows two pigments: melanin, which the palm hardly has, and blood, more of it at fingertips, knuckles and the heels of
the palm. Relief and colour have creases at the joints, palm lines, wrinkles over the knuckles, veins, blotches and nails.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numba import njit

from ml.synthetic.skin_maps import SkinMaps, from_layout, skin_maps

MELANIN: Final = np.array([0.45, 0.80, 1.15])
"""Absorption of red, green and blue by melanin, relative; Jacques, *Skin Optics Summary*, 1998, falls as wavelength^-3.5."""
BLOOD: Final = np.array([0.08, 0.55, 0.45])
_BARE: Final = np.array([0.78, 0.66, 0.58])
"""Reflectance of skin without either, linear RGB."""


@dataclass(frozen=True)
class Skin:
    """A texture of the atlas: colour and gloss float32 [512, 768, 4], relief float32 [512, 768] in millimetres."""

    texture: np.ndarray
    relief: np.ndarray


def make_skin(seed: int, folder: Path | None = None) -> Skin:
    """A person's skin.

    Args:
        seed: of everything.
        folder: of textures in MakeHuman's layout (`mh_*.jpg`); half the people have one of them, with painted relief.
    """
    rng = np.random.default_rng([seed, 17])
    maps = skin_maps()
    relief, lines = _relief(rng, maps)
    melanin, blood = _pigments(rng, maps, lines)
    colour = _BARE * np.exp(-melanin[..., None] * MELANIN - blood[..., None] * BLOOD)
    textures = sorted(folder.glob("mh_*.jpg")) if folder else []
    if textures and rng.uniform() < 0.5:
        photograph = _photograph(textures[int(rng.integers(len(textures)))])
        colour = photograph * rng.normal(1, 0.05, 3) * np.exp(-0.25 * lines[..., None] * MELANIN)
    gloss = np.full(maps.nail.shape, rng.uniform(0.25, 0.6))
    gloss *= 1 + 0.25 * _noise(rng, maps.position, 0.006)
    colour, gloss, relief = _nails(rng, maps, colour, gloss, relief)
    texture = np.concatenate([np.clip(colour, 0.004, 0.95), np.clip(gloss, 0.05, 1.5)[:, None]], -1).astype(np.float32)
    return Skin(texture[maps.texel], relief.astype(np.float32)[maps.texel])


@lru_cache(maxsize=16)
def _photograph(path: Path) -> np.ndarray:
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)[..., ::-1]
    linear: np.ndarray = (from_layout(np.ascontiguousarray(image)).astype(np.float32) / 255) ** 2.2
    found: np.ndarray = linear[skin_maps().inside]
    return found


def _noise(rng: np.random.Generator, position: np.ndarray, size: float, octaves: int = 1) -> np.ndarray:
    """Smooth noise [n] of about ±1 on the surface, with features of `size` metres."""
    total = np.zeros(len(position), np.float32)
    for octave in range(octaves):
        lattice = rng.standard_normal((24, 24, 24), dtype=np.float32)
        total += _interpolated(lattice, position, np.float32(2**octave / size), rng.uniform(0, 24, 3)) / 2**octave
    return total


@njit(cache=True)
def _interpolated(lattice, position, scale, offset):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    found = np.empty(len(position), np.float32)
    for n in range(len(position)):
        x, y, z = position[n, 0] * scale + offset[0], position[n, 1] * scale + offset[1], position[n, 2] * scale + offset[2]
        i, j, k = int(np.floor(x)), int(np.floor(y)), int(np.floor(z))
        u, v, w = x - i, y - j, z - k
        u, v, w = u * u * (3 - 2 * u), v * v * (3 - 2 * v), w * w * (3 - 2 * w)
        total = 0.0
        for a in range(2):
            for b in range(2):
                for c in range(2):
                    weight = (u if a else 1 - u) * (v if b else 1 - v) * (w if c else 1 - w)
                    total += weight * lattice[(i + a) % 24, (j + b) % 24, (k + c) % 24]
        found[n] = total
    return found


@njit(cache=True)
def _distance(points, path):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Distance [n] of points [n, 2] from a polyline [m, 2]."""
    found = np.full(len(points), np.inf, np.float32)
    for n in range(len(points)):
        for m in range(len(path) - 1):
            ex, ey = path[m + 1, 0] - path[m, 0], path[m + 1, 1] - path[m, 1]
            px, py = points[n, 0] - path[m, 0], points[n, 1] - path[m, 1]
            t = min(max((px * ex + py * ey) / max(ex * ex + ey * ey, 1e-12), 0.0), 1.0)
            found[n] = min(found[n], np.sqrt((px - t * ex) ** 2 + (py - t * ey) ** 2))
    return found


def _palm(maps: SkinMaps) -> np.ndarray:
    """1 on the palm and the fingers' pads, 0 on the back."""
    palm: np.ndarray = np.clip(0.5 - 1.1 * (maps.normal[..., 1] + 0.15), 0, 1)
    return palm * np.clip((0.095 - maps.position[..., 0]) / 0.015, 0, 1)


def _bump(distance: np.ndarray, width: float) -> np.ndarray:
    bump: np.ndarray = np.exp(-((distance / width) ** 2))
    return bump


def _relief(rng: np.random.Generator, maps: SkinMaps) -> tuple[np.ndarray, np.ndarray]:
    """Height in millimetres, and how dark lines make the colour (0 … 1)."""
    position, palm = maps.position, _palm(maps)
    warped = position + 0.0012 * np.stack([_noise(rng, position, 0.012) for _ in range(3)], -1)
    lines = np.zeros(palm.shape, np.float32)
    fine = np.zeros(palm.shape, np.float32)
    joints = maps.joints
    for finger in range(5):
        for part in (1, 2, 3):
            joint = 4 * finger + part
            if finger == 0 and part == 1:
                continue
            along = joints[joint + 1] - joints[joint]
            along = along / np.linalg.norm(along)
            offset = warped - joints[joint]
            s = offset @ along
            near = _bump(np.linalg.norm(offset - s[..., None] * along, axis=-1), 0.015)
            # on the palm side a finger's first fold lies where the fingers part
            fold = s - (0.42 * np.linalg.norm(joints[joint + 1] - joints[joint]) if part == 1 else 0.0)
            shift = rng.normal(0, 0.0007)
            strength = rng.uniform(0.5, 1.0)
            pair = _bump(fold - shift, 0.0005) + (rng.uniform(0.2, 0.8) * _bump(fold - shift - 0.0022, 0.0005))
            lines += strength * near * palm * pair
            folds = 0.5 + 0.5 * np.cos(2 * np.pi * s / rng.uniform(0.0016, 0.0024) + 1.5 * _noise(rng, position, 0.004))
            fine += (1 - palm) * near * _bump(s, 0.006 if part > 1 else 0.008) * folds**2 * rng.uniform(0.3, 1.0)
    lines += _palm_lines(rng, maps, warped) * palm
    grain = _noise(rng, position, 0.0015, 2)
    relief = -0.25 * lines - 0.12 * fine + 0.02 * grain + 0.05 * _noise(rng, position, 0.01) * (1 - palm)
    veins = _veins(rng, maps)
    return relief + 0.25 * veins * rng.uniform(0.0, 1.0), np.clip(lines + 0.35 * fine, 0, 1)


def _palm_lines(rng: np.random.Generator, maps: SkinMaps, warped: np.ndarray) -> np.ndarray:
    """The three main lines and some small ones, as curves in the plane of the palm."""
    j = maps.joints
    index, middle, pinky, wrist = j[5], j[9], j[17], j[0]
    across = index - pinky

    def point(along: float, side: float) -> np.ndarray:
        """In shares of the way from the middle knuckle to the wrist, and from little to index finger."""
        place = middle + along * (wrist - middle) + (side - 0.5) * across
        return np.array([place[0], place[2]])

    curves = [
        [point(0.02, 0.62), point(0.14, 0.45), point(0.20, 0.2), point(0.17, -0.12)],
        [point(0.20, 1.08), point(0.26, 0.7), point(0.36, 0.35), point(0.47, 0.0)],
        [point(0.19, 1.1), point(0.38, 0.82), point(0.62, 0.62), point(0.90, 0.60)],
    ]
    for _ in range(rng.integers(2, 7)):
        start = point(rng.uniform(0.2, 0.8), rng.uniform(0.1, 0.9))
        curves.append([start, start + rng.normal(0, 0.012, 2)])
    plane = np.ascontiguousarray(warped[:, [0, 2]], np.float32)
    total = np.zeros(len(plane), np.float32)
    for number, curve in enumerate(curves):
        moved = np.array(curve) + rng.normal(0, 0.0015, (len(curve), 2))
        steps = np.linspace(0, len(curve) - 1, 14)
        path = np.stack([_curved(moved[:, k], steps) for k in (0, 1)], 1)
        strength = rng.uniform(0.6, 1.0) if number < 3 else rng.uniform(0.1, 0.4)
        total += strength * _bump(_distance(plane, path), 0.0007 if number < 3 else 0.0004)
    return total


def _curved(values: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """A polynomial through the values at 0, 1, …, at other steps."""
    curve: np.ndarray = np.polyval(np.polyfit(np.arange(len(values)), values, min(len(values) - 1, 3)), steps)
    return curve


def _veins(rng: np.random.Generator, maps: SkinMaps) -> np.ndarray:
    """Ridges of noise, drawn out along the hand, on its back."""
    stretched = maps.position * np.array([0.35, 1.0, 1.0], np.float32)
    ridge = np.exp(-((_noise(rng, stretched, 0.014) / 0.12) ** 2))
    back = np.clip(maps.normal[..., 1] * 1.6 - 0.4, 0, 1) * np.clip((maps.position[..., 0] + 0.01) / 0.02, 0, 1)
    veins: np.ndarray = ridge * back
    return veins


def _pigments(rng: np.random.Generator, maps: SkinMaps, lines: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Melanin and blood of each texel."""
    palm = _palm(maps)
    tone = rng.beta(0.9, 1.4)
    level = 0.08 + 1.75 * tone**1.3
    melanin = level * (1 - palm * min(0.35 + 0.5 * tone, 0.78)) * (1 + 0.10 * _noise(rng, maps.position, 0.02, 2))
    blood = rng.uniform(0.22, 0.5) * (1 + 0.22 * _noise(rng, maps.position, 0.009, 3)) + 0.10 * palm
    j = maps.joints
    for joint in (4, 8, 12, 16, 20):
        blood += rng.uniform(0.08, 0.3) * _bump(np.linalg.norm(maps.position - j[joint], axis=-1), 0.012)
    for joint in (3, 5, 6, 7, 9, 10, 11, 13, 14, 15, 17, 18, 19):
        near = _bump(np.linalg.norm(maps.position - j[joint], axis=-1), 0.010)
        blood += rng.uniform(0.05, 0.2) * near * (1 - palm)
        melanin += 0.22 * tone * near * (1 - palm)
    heel = maps.position - (0.65 * j[0] + 0.35 * j[17])
    thenar = maps.position - (0.5 * j[1] + 0.5 * j[2])
    for offset in (heel, thenar):
        blood += rng.uniform(0.05, 0.2) * palm * _bump(np.linalg.norm(offset, axis=-1), 0.025)
    spots = np.clip(_noise(rng, maps.position, 0.004) - rng.uniform(2.2, 3.5), 0, 1)
    melanin += 0.6 * spots * (1 - palm)
    melanin += lines * (0.12 + 0.35 * tone)
    blood += 0.25 * lines
    veins = _veins(rng, maps) * rng.uniform(0, 0.25)
    return np.clip(melanin + 0.3 * veins, 0.01, 3), np.clip(blood - 0.1 * veins, 0.02, 2)


def _nails(
    rng: np.random.Generator, maps: SkinMaps, colour: np.ndarray, gloss: np.ndarray, relief: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Nail plates: pinker and paler than the skin, with lunula and free edge; polished at times."""
    nail = maps.nail
    along = np.zeros(nail.shape, np.float32)
    for finger in range(5):
        tip, dip = maps.joints[4 * finger + 4], maps.joints[4 * finger + 3]
        axis = (tip - dip) / np.linalg.norm(tip - dip)
        offset = maps.position - tip
        near = np.linalg.norm(offset, axis=-1) < 0.017
        along = np.where(near, offset @ axis, along)
    edge = np.clip((along + 0.0022) / 0.0012, 0, 1)
    lunula = np.clip((-0.0105 - along) / 0.0015, 0, 1)
    plate = 0.55 * colour + 0.45 * np.array([0.66, 0.42, 0.36]) * rng.normal(1, 0.04, 3)
    plate = plate * (1 - 0.35 * lunula[..., None]) + 0.35 * lunula[..., None] * np.array([0.75, 0.62, 0.56])
    plate = plate * (1 - 0.7 * edge[..., None]) + 0.7 * edge[..., None] * np.array([0.72, 0.66, 0.58])
    shine = 1.1
    if rng.uniform() < 0.15:
        plate = np.broadcast_to(rng.uniform(0.02, 0.8) * rng.dirichlet([1.2, 0.5, 0.6]) * 2, plate.shape)
        shine = 1.5
    share = nail[..., None]
    return colour * (1 - share) + plate * share, gloss * (1 - nail) + shine * nail, relief * (1 - nail) + 0.15 * nail
