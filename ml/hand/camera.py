"""The pinhole camera. OpenCV frame: x right, y down, z forward; metres in space, pixels in the image."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

DEFAULT_FIELD_OF_VIEW = math.radians(60.0)
"""Assumed across the longer side of an image whose camera is unknown: between a phone's main camera (about 65-70
degrees) and a webcam's (about 55-60)."""


def default_intrinsics(width: int, height: int) -> np.ndarray:
    """Intrinsics [3, 3] (float32, px) of an image whose camera is unknown: `DEFAULT_FIELD_OF_VIEW`, centred."""
    focal = 0.5 * max(width, height) / math.tan(0.5 * DEFAULT_FIELD_OF_VIEW)
    return np.array([[focal, 0, width / 2], [0, focal, height / 2], [0, 0, 1]], dtype=np.float32)


def project(points: Any, intrinsics: Any) -> Any:
    """Project points [..., 3] (m, camera frame) by intrinsics [3, 3] to pixels [..., 2]. NumPy arrays or torch tensors."""
    homogeneous = points / points[..., 2:3]
    return homogeneous @ intrinsics[:2].T
