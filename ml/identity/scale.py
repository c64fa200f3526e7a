"""How large the hand really is: what a ruler, a card in the picture or a measured distance say, and whether they agree.

One camera cannot tell a large hand from a near one. A ruler gives the hand's length outright; a thing of known size beside the
hand, or a distance measured to it, give the depth of the hand in one picture, and with it the length.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import Final

import numpy as np
import torch
from torch import Tensor

from ml.fitting.inverse_kinematics import solve_translation
from ml.hand.measure import measure_hand
from ml.hand.model import HandModel
from ml.identity.calibration import KnownLength

AGREE: Final = 0.08
"""Sources that differ by more of the length than this contradict each other."""
PLAUSIBLE_M: Final = (0.12, 0.25)
"""Hand lengths that people have, children of six and the tallest adults included."""


class ScaleError(ValueError):
    """The sources of scale cannot be right; the message says why, for whoever gave them."""


@dataclass(frozen=True)
class Source:
    """One source of scale: what it is called, and the length it gives (m), with its standard deviation."""

    name: str
    length: KnownLength


def ruler(length_mm: float) -> Source:
    """From a ruler laid along the hand, wrist to the tip of the middle finger; taken as good to 1.5 mm."""
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
    spread: float,
) -> Source:
    """From the depth of the hand in one picture.

    Args:
        name: of the source.
        depth_m: of the middle of the hand along the camera's axis.
        model: of the hand's own side.
        betas: [10], of any size.
        rotations: [16, 3, 3], of the hand in that picture, camera frame.
        joints_2d: [21, 2], px.
        intrinsics: [3, 3], px.
        spread: standard deviation of the depth, as a share of it.
    """
    joints = model.joints(rotations[None], betas[None], torch.zeros(3))
    pixels = torch.as_tensor(joints_2d, dtype=torch.float32)[None]
    there = joints + solve_translation(joints, pixels, torch.as_tensor(intrinsics, dtype=torch.float32))[:, None]
    length = float(measure_hand(model, betas).length) * depth_m / float(there[0, :, 2].mean())
    return Source(name, KnownLength(length, spread * length))


def depth_of_object(size_mm: float, size_px: float, focal_px: float) -> float:
    """Depth in metres of a thing that faces the camera, from its size and how large it is seen."""
    return focal_px * size_mm / size_px / 1000


def agreed(sources: list[Source]) -> KnownLength | None:
    """What all sources together say; None where there is none.

    Raises:
        ScaleError: a length that no hand has, or sources that contradict each other.
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
