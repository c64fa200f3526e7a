"""Image-based light from CC0 HDR images: irradiance, reflection, a lamp and a background, turned and dimmed by a seed.

Directions are in the OpenCV camera frame. An environment's map has longitude across (its middle along +z) and latitude down.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from scipy.spatial.transform import Rotation

ASSET: Final = Path(__file__).parent / "environments.npz"
LIGHT_SHAPE: Final = (16, 32)
VIEW_SHAPE: Final = (128, 256)


@dataclass(frozen=True)
class Light:
    """The light of a clip.

    Attributes:
        irradiance: float64 [9, 3], spherical harmonics, over π: a white surface's colour.
        reflection: float32 [16, 32, 3], what is mirrored, in the camera's frame.
        lamp: float64 [3], unit direction towards the lamp.
        lamp_colour: float64 [3].
    """

    irradiance: np.ndarray
    reflection: np.ndarray
    lamp: np.ndarray
    lamp_colour: np.ndarray


@lru_cache(maxsize=1)
def _stored() -> dict[str, np.ndarray]:
    with np.load(ASSET, allow_pickle=False) as arrays:
        return dict(arrays)


@lru_cache(maxsize=32)
def _view(index: int) -> np.ndarray:
    stored = _stored()
    encoded = stored[f"view_{stored['names'][index]}"]
    bgr = cv2.imdecode(encoded, cv2.IMREAD_COLOR)
    tone = (bgr[..., ::-1].astype(np.float32) / 255) ** 2.2
    linear: np.ndarray = tone / np.maximum(1 - 0.6 * tone, 0.1)
    return linear


def directions(shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Unit directions [h, w, 3] of a map's pixels, and their solid angles [h, w]."""
    height, width = shape
    latitude = (np.arange(height) + 0.5) / height * np.pi
    longitude = ((np.arange(width) + 0.5) / width - 0.5) * 2 * np.pi
    sine = np.sin(latitude)[:, None]
    vectors = np.stack(
        [sine * np.sin(longitude), np.broadcast_to(-np.cos(latitude)[:, None], shape), sine * np.cos(longitude)], -1
    )
    return vectors, np.broadcast_to(sine * (np.pi / height) * (2 * np.pi / width), shape)


def _sampled(image: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """The map [h, w, 3] in directions [..., 3]."""
    height, width = image.shape[:2]
    x = (np.arctan2(vectors[..., 0], vectors[..., 2]) / (2 * np.pi) + 0.5) * width - 0.5
    y = np.arccos(np.clip(-vectors[..., 1], -1, 1)) / np.pi * height - 0.5
    return cv2.remap(image, x.astype(np.float32), y.astype(np.float32), cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)


def make_light(rng: np.random.Generator) -> tuple[Light, int, np.ndarray]:
    """Light from one of the environments, turned by chance; and which, and its rotation [3, 3], for `make_view`."""
    stored = _stored()
    index = int(rng.integers(len(stored["names"])))
    turn = Rotation.from_euler("yx", [rng.uniform(0, 2 * np.pi), rng.normal(0, 0.25)]).as_matrix()
    vectors, solid = directions(LIGHT_SHAPE)
    radiance = _sampled(stored["light"][index].astype(np.float32), vectors @ turn.T).astype(np.float64)
    # cameras balance most of a light's colour away
    tint = (radiance * solid[..., None]).sum((0, 1))
    radiance = radiance * (tint.mean() / tint) ** rng.uniform(0.6, 1.0)
    # the brightest part becomes the lamp, so that it casts a shadow
    power = radiance.mean(-1) * solid
    lobe = np.maximum(vectors @ vectors.reshape(-1, 3)[power.argmax()], 0) ** 24
    bright = radiance * (lobe * np.clip(radiance.mean(-1) / np.median(radiance.mean(-1)) - 1.5, 0, 1))[..., None]
    lamp_colour = (bright * solid[..., None]).sum((0, 1)) / np.pi
    lamp = (vectors * (bright.mean(-1) * solid)[..., None]).sum((0, 1))
    if np.linalg.norm(lamp) < 1e-6:
        lamp = np.array([rng.uniform(-0.6, 0.6), -1.0, -0.6])
    lamp = lamp / np.linalg.norm(lamp)
    if rng.uniform() < 0.4 or lamp_colour.mean() < 0.05:
        # a window or a lamp behind the camera's back that the HDR image does not show
        lamp = np.array([rng.uniform(-0.9, 0.9), rng.uniform(-1.0, 0.1), rng.uniform(-1.2, -0.4)])
        lamp = lamp / np.linalg.norm(lamp)
        warmth = 1 + rng.normal(0, 0.08) * np.array([1.0, 0.0, -1.2])
        lamp_colour = rng.uniform(0.2, 0.8) * warmth
    lamp_colour = lamp_colour * min(1.0, 1.2 / max(lamp_colour.mean(), 1e-6))
    around = radiance - bright
    irradiance = _irradiance(around, vectors, solid)
    level = max(float(irradiance[0].mean()), 1e-3)
    scale = rng.uniform(0.35, 0.7) / level
    light = Light(irradiance * scale, np.clip(around * scale, 0, 6).astype(np.float32), lamp, lamp_colour)
    return light, index, turn


def _irradiance(radiance: np.ndarray, vectors: np.ndarray, solid: np.ndarray) -> np.ndarray:
    """Coefficients [9, 3] such that their sum with 1, y, z, x, xy, yz, 3z²−1, xz, x²−y² of a normal is irradiance over π."""
    x, y, z = np.moveaxis(vectors, -1, 0)
    basis = [np.ones_like(x), y, z, x, x * y, y * z, 3 * z * z - 1, x * z, x * x - y * y]
    norms = np.array([0.282095, *(0.488603,) * 3, *(1.092548,) * 2, 0.315392, 1.092548, 0.546274])
    lobes = np.array([1.0, *(2 / 3,) * 3, *(0.25,) * 5])
    moments = np.stack([(radiance * (b * solid)[..., None]).sum((0, 1)) for b in basis])
    coefficients: np.ndarray = moments * (norms**2 * lobes)[:, None]
    return coefficients


def make_view(index: int, turn: np.ndarray, intrinsics: np.ndarray, width: int, height: int) -> np.ndarray:
    """What a camera sees of an environment, linear float32 [height, width, 3]."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float64) + 0.5
    rays = np.stack([(x - intrinsics[0, 2]) / intrinsics[0, 0], (y - intrinsics[1, 2]) / intrinsics[1, 1], np.ones_like(x)], -1)
    rays /= np.linalg.norm(rays, axis=-1, keepdims=True)
    return _sampled(_view(index), rays @ turn.T).astype(np.float32)
