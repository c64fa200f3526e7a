"""The colour of a hand: what tells people, gloves and false detections apart when a hand comes back."""

from __future__ import annotations

from typing import Final

import numpy as np

from ml.hand.skeleton import BONES

_ALONG: Final = np.array([0.2, 0.4, 0.6, 0.8])[:, None, None]
_TO_XYZ: Final = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
_WHITE: Final = np.array([0.9505, 1.0, 1.089])
"""sRGB to CIE XYZ and its white, D65: IEC 61966-2-1."""


def colour_along_bones(image: np.ndarray, joints_2d: np.ndarray) -> np.ndarray:
    """Median CIELAB colour [3], float32, of an image uint8 [height, width, 3] (RGB) along the bones of joints [21, 2] (px).

    Points outside the image count as its nearest pixel.
    """
    starts, ends = (joints_2d[list(side)] for side in zip(*BONES, strict=True))
    points = np.round(starts + _ALONG * (ends - starts)).reshape(-1, 2)
    x, y = (np.clip(np.nan_to_num(points[:, k]), 0, image.shape[1 - k] - 1).astype(int) for k in (0, 1))
    colour: np.ndarray = np.median(to_lab(image[y, x]), axis=0).astype(np.float32)
    return colour


def to_lab(rgb: np.ndarray) -> np.ndarray:
    """CIELAB [n, 3] of sRGB uint8 [n, 3] (CIE 015:2018, D65)."""
    value = rgb / 255
    linear = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    ratio = linear @ _TO_XYZ.T / _WHITE
    f = np.where(ratio > (6 / 29) ** 3, np.cbrt(ratio), ratio / (3 * (6 / 29) ** 2) + 4 / 29)
    lab: np.ndarray = np.stack([116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])], 1)
    return lab
