"""What a camera makes of a view: exposure, white balance, lens, sensor and compression, drawn from a seed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from ml.synthetic.render import View

_STEPS: Final = np.arange(4096) / 4095
_SRGB: Final = (np.where(_STEPS <= 0.0031308, 12.92 * _STEPS, 1.055 * _STEPS ** (1 / 2.4) - 0.055) * 255).astype(np.float32)


@dataclass(frozen=True)
class Camera:
    """A camera's way of seeing.

    Attributes:
        level: mean linear value that exposure aims at.
        balance: [3], gains of the colour channels.
        vignette: how much darker the corners are, 0 … 1.
        softness: standard deviation of the lens' blur, px at 256 px of width.
        noise: standard deviations of the sensor's noise: fixed, and at full scale by the root of the signal, of full scale.
        quality: of JPEG compression; None for none.
        distortion: radial, k1 of the normalised image coordinates; 0 for none.
        contrast: exponent of the tone curve.
    """

    level: float = 0.25
    balance: tuple[float, float, float] = (1.0, 1.0, 1.0)
    vignette: float = 0.0
    softness: float = 0.45
    noise: tuple[float, float] = (0.004, 0.006)
    quality: int | None = None
    distortion: float = 0.0
    contrast: float = 1.0


def make_camera(rng: np.random.Generator, *, plain: bool) -> Camera:
    """A camera by chance.

    Args:
        rng: source of randomness.
        plain: no compression and no distortion, for clips that are encoded as video and whose truth is pinhole.
    """
    dim = rng.uniform() < 0.15
    warm = rng.normal(0, 0.06)
    return Camera(
        level=float(rng.uniform(0.08, 0.14) if dim else rng.uniform(0.16, 0.34)),
        balance=(1 + warm, 1.0, 1 - warm + rng.normal(0, 0.02)),
        vignette=float(rng.uniform(0, 0.35)),
        softness=float(rng.uniform(0.25, 0.6) if rng.uniform() < 0.85 else rng.uniform(0.6, 1.4)),
        noise=(float(rng.uniform(0.0005, 0.004) * (2 if dim else 1)), float(rng.uniform(0.002, 0.014))),
        quality=None if plain else int(rng.uniform(35, 96)),
        distortion=0.0 if plain or rng.uniform() < 0.6 else float(rng.uniform(-0.06, 0.04)),
        contrast=float(np.exp(rng.normal(0, 0.08))),
    )


def photograph(view: View, camera: Camera, intrinsics: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The image uint8 [height, width, 3], sRGB, of a view."""
    height, width = view.body.shape
    image = view.linear
    hand = float((image.mean(-1) * view.cover).sum() / max(float(view.cover.sum()), 1.0))
    mean = 0.4 * float(np.clip(image, 0, 2).mean()) + 0.6 * (hand or float(image.mean()))
    image = image * (camera.level / max(mean, 1e-3) * np.asarray(camera.balance, np.float32))
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    radius = ((x / width - 0.5) ** 2 + (y / height - 0.5) ** 2) * 2
    image = image * (1 - camera.vignette * radius)[..., None]
    if camera.distortion:
        image = _distorted(image, intrinsics, camera.distortion, x, y)
    softness = camera.softness * width / 256
    image = cv2.GaussianBlur(image, (0, 0), max(softness, 0.2))
    # highlights roll off as in any camera's tone curve
    image = np.where(image > 0.7, 0.7 + 0.3 * (1 - np.exp(-(image - 0.7) / 0.3)), image)
    fixed, shot = camera.noise
    grain = rng.standard_normal(image.shape, dtype=np.float32)
    image = image + grain * np.sqrt(fixed**2 + shot**2 * np.maximum(image, 0))
    tone = _SRGB[(np.clip(image, 0, 1) ** camera.contrast * 4095).astype(np.int16)]
    picture: np.ndarray = np.clip(tone + 0.5, 0, 255).astype(np.uint8)
    if camera.quality is None:
        return picture
    encoded = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, camera.quality])[1]
    decoded: np.ndarray = cv2.imdecode(encoded, cv2.IMREAD_COLOR)[..., ::-1]
    return np.ascontiguousarray(decoded)


def _distorted(image: np.ndarray, intrinsics: np.ndarray, k1: float, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    fx, fy, cx, cy = intrinsics[0, 0], intrinsics[1, 1], intrinsics[0, 2], intrinsics[1, 2]
    u, v = (x + 0.5 - cx) / fx, (y + 0.5 - cy) / fy
    scale = 1 + k1 * (u**2 + v**2)
    return cv2.remap(
        image,
        (u * scale * fx + cx - 0.5).astype(np.float32),
        (v * scale * fy + cy - 0.5).astype(np.float32),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
