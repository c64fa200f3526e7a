"""Joint orders, camera frames and STB's wrist: from the files of data sets to OpenPose order, and exactly back.

OpenPose order: wrist, thumb, index, middle, ring, pinky, each from base to tip (`ml.hand.skeleton`); OpenCV camera (x right, y
down, z forward). Sources: the data sets' documentation; RHD and STB: Zimmermann & Brox, ICCV 2017, and Zhang et al., ICIP 2017.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final, Literal

import numpy as np

from ml.hand.skeleton import MANO_TO_OPENPOSE

Order = Literal["openpose", "mano", "rhd", "stb", "interhand"]
Axes = Literal["opencv", "opengl"]
StbWrist = Literal["middle-2.0", "ring-2.0", "middle-2.2", "mean-2.25"]

_TIP_TO_BASE = tuple(4 * finger + k for finger in range(5) for k in (4, 3, 2, 1))
_STB = (0, *(1 + 4 * (4 - finger) + k for finger in range(5) for k in range(4)))

TO_OPENPOSE: Final[MappingProxyType[str, tuple[int, ...]]] = MappingProxyType(
    {
        "openpose": tuple(range(21)),
        "mano": MANO_TO_OPENPOSE,
        "rhd": (0, *_TIP_TO_BASE),
        "stb": _STB,
        "interhand": (20, *(joint - 1 for joint in _TIP_TO_BASE)),
    }
)
"""`openpose = joints[TO_OPENPOSE[order]]`. Joint 0 of `stb` is the palm's centre, not the wrist: `stb_wrist`."""

_STB_WRIST: Final[dict[StbWrist, tuple[tuple[int, ...], float]]] = {
    "middle-2.0": ((9,), 2.0),
    "ring-2.0": ((13,), 2.0),
    "middle-2.2": ((9,), 2.2),
    "mean-2.25": ((5, 9, 13, 17), 2.25),
}
"""The knuckles (OpenPose order) that the wrist is extrapolated from, and how far beyond them, in steps from knuckle to palm."""


def to_openpose(joints: np.ndarray, order: Order) -> np.ndarray:
    """Joints [..., 21, C] of a file's order, in OpenPose order."""
    return np.asarray(joints[..., list(TO_OPENPOSE[order]), :])


def from_openpose(joints: np.ndarray, order: Order) -> np.ndarray:
    """Joints [..., 21, C] in OpenPose order, in a file's order: the inverse of `to_openpose`."""
    return np.asarray(joints[..., np.argsort(TO_OPENPOSE[order]), :])


def to_opencv(points: np.ndarray, axes: Axes) -> np.ndarray:
    """Points [..., 3] of a file's camera frame in OpenCV's; its own inverse (OpenGL: y and z change sign)."""
    return points if axes == "opencv" else np.asarray(points * np.array([1, -1, -1], dtype=points.dtype))


def stb_wrist(joints: np.ndarray, rule: StbWrist) -> np.ndarray:
    """STB's joints [..., 21, 3] in OpenPose order with the palm's centre in place 0 → with the wrist there instead.

    Four rules are in use, so the rule has a name: wrist = knuckle + factor · (palm − knuckle).
    """
    knuckles, factor = _STB_WRIST[rule]
    knuckle = joints[..., list(knuckles), :].mean(-2)
    result = joints.copy()
    result[..., 0, :] = knuckle + factor * (joints[..., 0, :] - knuckle)
    return result


def stb_palm(joints: np.ndarray, rule: StbWrist) -> np.ndarray:
    """The inverse of `stb_wrist`: from joints [..., 21, 3] with the wrist to those with the palm's centre."""
    knuckles, factor = _STB_WRIST[rule]
    knuckle = joints[..., list(knuckles), :].mean(-2)
    result = joints.copy()
    result[..., 0, :] = knuckle + (joints[..., 0, :] - knuckle) / factor
    return result
