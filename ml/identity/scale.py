"""The absolute size of a hand from a ruler, an object of known size in the image or a measured distance.

One camera cannot tell a large hand from a near one. A ruler gives the hand's length directly; an object of known size beside
the hand, or a measured distance to it, gives the depth of the hand in one frame, and with it the length. Sources that
contradict each other are an error.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import Final

import numpy as np
import torch
from torch import Tensor

from ml.fitting.placement import solve_translation
from ml.hand.measure import measure_hand
from ml.hand.model import HandModel
from ml.identity.calibration import KnownLength

AGREE: Final = 0.08
"""Relative difference of length above which two sources contradict each other."""
PLAUSIBLE_M: Final = (0.12, 0.25)
"""Range of plausible hand lengths, from children of six to the tallest adults."""

ESTIMATED_SHARE: Final = 0.95
"""Hand length by the depth, with the pose of the landmark network on the detector's joints, over the true one: the median over
2 297 detections of validation people (quartiles .91 and .98). The detector's hands are that much smaller than the model's."""


class ScaleError(ValueError):
    """The sources of scale cannot be right; the message tells the user why."""


@dataclass(frozen=True)
class Source:
    """One source of scale: its name in messages, and the hand length it gives with its standard deviation."""

    name: str
    length: KnownLength


def ruler(length_mm: float) -> Source:
    """From a ruler laid along the hand, wrist to the tip of the middle finger; with a standard deviation of 1.5 mm."""
    return Source("ruler", KnownLength(length_mm / 1000, 0.0015))


def at_depth(
    name: str,
    depth_m: float,
    *,
    model: HandModel,
    betas: Tensor,
    rotations: Tensor,
    joints_2d: np.ndarray,
    intrinsics: np.ndarray,
    relative_std: float,
    share: float = 1.0,
) -> Source:
    """From the depth of the hand in one frame.

    Args:
        name: of the source, for messages.
        depth_m: mean depth of the joints along the camera's axis, metres.
        model: the hand model of the hand's side.
        betas: [10], shape; its size does not matter.
        rotations: [16, 3, 3], pose of the hand in that frame, in the camera frame.
        joints_2d: [21, 2], px.
        intrinsics: [3, 3], px.
        relative_std: standard deviation of the depth over the depth.
        share: of the true length that is found from such joints and rotations.
    """
    joints = model.joints(rotations[None], betas[None], torch.zeros(3))
    pixels = torch.as_tensor(joints_2d, dtype=torch.float32)[None]
    placed = joints + solve_translation(joints, pixels, torch.as_tensor(intrinsics, dtype=torch.float32))[:, None]
    length = float(measure_hand(model, betas).length) * depth_m / float(placed[0, :, 2].mean()) / share
    return Source(name, KnownLength(length, relative_std * length))


def depth_of_object(size_mm: float, size_px: float, focal_px: float) -> float:
    """Depth in metres of an object that faces the camera, from its size and its size in pixels."""
    return focal_px * size_mm / size_px / 1000


def agreed(sources: list[Source]) -> KnownLength | None:
    """The weighted mean of all sources; None without a source.

    Raises:
        ScaleError: an implausible hand length, or sources that contradict each other.
    """
    for source in sources:
        metres = source.length.metres
        if not PLAUSIBLE_M[0] <= metres <= PLAUSIBLE_M[1]:
            low, high = (round(1000 * end) for end in PLAUSIBLE_M)
            raise ScaleError(
                f"by the {source.name} the hand would be {1000 * metres:.0f} mm long, expected {low} to {high} mm from "
                "the wrist to the tip of the middle finger"
            )
    for first, second in combinations(sources, 2):
        a, b = first.length.metres, second.length.metres
        if abs(a - b) > AGREE * min(a, b):
            raise ScaleError(
                f"the sources of scale contradict each other: by the {first.name} the hand is {1000 * a:.0f} mm long, by the "
                f"{second.name} {1000 * b:.0f} mm; give the one you trust"
            )
    if not sources:
        return None
    weights = np.array([source.length.sigma**-2 for source in sources])
    metres = float(np.average([source.length.metres for source in sources], weights=weights))
    return KnownLength(metres, float(weights.sum() ** -0.5))
