"""How far a detector's 3D landmarks are trusted: as far as they agree with its own 2D.

MediaPipe regresses both from one crop. Where the x and y of its world landmarks, scaled, miss its own 2D, the hand is in a
pose that it has seen little of, and depths are wrong as well: the miss correlates with the true error of the landmarks
(.64 and .35 on the two cameras of the stereo clip, `tests/bench/bench_real.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from torch import Tensor

_STD: Final = 0.007
"""Metres: standard deviation of landmarks that miss their 2D by `_TYPICAL_MISS` in the mean ..."""
_TYPICAL_MISS: Final = 0.0045
_MIN_STD: Final = 0.003
"""... which grows with the square of the miss, from this on."""
_MAX_STD: Final = 0.2


@dataclass(frozen=True)
class Landmarks3D:
    """Joints in space from another source, trusted up to a scale and an offset of each frame's own.

    Attributes:
        points: [B, 21, 3], m, axes of the camera, any origin.
        std: [B, 21], m: standard deviation of each of their coordinates, after the best scale and offset.
    """

    points: Tensor
    std: Tensor

    def rows(self, frames: Tensor) -> Landmarks3D:
        """Those of some frames."""
        return Landmarks3D(self.points[frames], self.std[frames])

    def aligned(self, joints: Tensor) -> tuple[Tensor, Tensor]:
        """Residuals [B, 21, 3] of joints [B, 21, 3] (m) at their best offset and scale onto the points, in units of `std`; and
        that scale [B].

        It is the joints that are scaled, else a smaller hand would always fit better.
        """
        weight = 1 / self.std.square()[..., None]
        total = weight.sum(1, keepdim=True)
        centred, points = (x - (weight * x).sum(1, keepdim=True) / total for x in (joints, self.points))
        scale = (weight * centred * points).sum((1, 2)) / (weight * centred.square()).sum((1, 2)).clamp_min(1e-12)
        scale = scale.clamp_min(0.0)
        return (scale[:, None, None] * centred - points) / self.std[..., None], scale


def trusted_landmarks(world: Tensor, pixels: Tensor) -> Landmarks3D:
    """World landmarks [B, 21, 3] (m) with a standard deviation by their miss of pixels [B, 21, 2] of the same detection."""
    miss = landmark_miss(world, pixels)[:, None]
    std = (_STD * (miss / _TYPICAL_MISS).square()).clamp(_MIN_STD, _MAX_STD)
    return Landmarks3D(world, std.expand(len(world), 21))


def landmark_miss(world: Tensor, pixels: Tensor) -> Tensor:
    """Mean distance [B] (m) of the landmarks' x and y from pixels [B, 21, 2], at the best scale and offset between them."""
    flat = world[..., :2] - world[..., :2].mean(1, keepdim=True)
    seen = pixels - pixels.mean(1, keepdim=True)
    scale = (seen * flat).sum((1, 2)) / flat.square().sum((1, 2)).clamp_min(1e-12)
    scale = scale.clamp_min(1e-6)[:, None, None]  # px per m
    miss: Tensor = (seen / scale - flat).norm(dim=-1).mean(-1)
    return miss
