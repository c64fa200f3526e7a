"""Frames whose orientation contradicts the frames around them: a detector now and then takes a hand's back for its palm."""

from __future__ import annotations

from typing import Final

import roma
import torch
from torch import Tensor

from ml.hmp.windows import RATE

REACH: Final = 6
"""Frames at 30 fps to either side that a frame is compared with."""
FARTHEST: Final = 0.4
"""Radians from the typical orientation around a frame beyond which it is an outlier."""
_ROUNDS: Final = 5
_SOFTNESS: Final = 0.1
"""Radians: orientations nearer than this have about equal weight in the typical one."""


def outliers(root: Tensor, seen: Tensor, fps: float) -> Tensor:
    """Which of the frames that are seen are outliers: bool [N].

    The typical orientation around a frame is the one of least summed angles to its neighbours (iteratively reweighted), so a
    minority of wrong frames does not move it, and a steady turn neither.

    Args:
        root: [N, 3, 3] of consecutive frames.
        seen: bool [N].
        fps: frames a second.
    """
    count, reach = len(root), max(2, round(REACH * fps / RATE))
    offsets = torch.arange(-reach, reach + 1)
    places = torch.arange(count)[:, None] + offsets
    valid = (places >= 0) & (places < count)
    places = places.clamp(0, count - 1)
    weights = (valid & seen[places]).to(root.dtype)
    around = root[places]  # [N, 2 reach + 1, 3, 3]
    typical = root
    for _ in range(_ROUNDS):
        apart = roma.rotmat_geodesic_distance(around, typical[:, None].expand_as(around))
        moment = ((weights / (apart + _SOFTNESS))[..., None, None] * around).sum(1)
        typical = roma.special_procrustes(moment + 1e-6 * typical)
    found: Tensor = (roma.rotmat_geodesic_distance(root, typical) > FARTHEST) & seen
    return found
