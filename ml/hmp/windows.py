"""Windows of 128 frames at 30 fps, overlapping by 16, over a motion of any length and frame rate."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Final

import torch
from torch import Tensor

LENGTH: Final = 128
"""Frames at `RATE` that a motion prior describes."""
OVERLAP: Final = 16
RATE: Final = 30.0
FASTEST: Final = 60.0
"""Frames a second beyond which stages I and II take every second, third, … frame: the prior holds no faster motion."""


@dataclass(frozen=True)
class Windows:
    """Which frames each of W windows of n frames takes.

    Attributes:
        frames: int64 [W, n], indices into the motion; a window longer than the motion repeats its last frame.
        valid: bool [W, n], false for such repetitions.
        times: [n], in [-1, 1): where the frames are in the time of the prior.
        step: frames of the motion from one to the next.
    """

    frames: Tensor
    valid: Tensor
    times: Tensor
    step: int

    def joined(self, values: Tensor, count: int) -> Tensor:
        """One value a frame [count, ...] from values [W, n, ...] of all windows: the weighted mean where windows overlap.

        Weights fall linearly to the ends of a window, so values do not jump where windows meet. The mean of rotations is none:
        the caller normalises it.
        """
        n = len(self.times)
        ramp = torch.minimum(torch.arange(1, n + 1), torch.arange(n, 0, -1)).to(values.dtype)
        weights = (ramp.clamp(max=OVERLAP) * self.valid).reshape(-1)
        shape = (-1, *(1,) * (values.ndim - 2))
        total = values.new_zeros(count, *values.shape[2:])
        total.index_add_(0, self.frames.reshape(-1), values.flatten(0, 1) * weights.view(shape))
        divisor = values.new_zeros(count).index_add_(0, self.frames.reshape(-1), weights)
        return total / divisor.clamp_min(1e-12).view(shape)


def cut(count: int, fps: float) -> Windows:
    """Windows over `count` consecutive frames at `fps`."""
    step = max(1, ceil(fps / FASTEST - 1e-6))
    taken = torch.arange(0, count, step)
    per_frame = RATE / (fps / step)  # frames of the prior from one to the next
    n = max(2, round(LENGTH / per_frame))
    stride = max(1, n - round(OVERLAP / per_frame))
    starts = [0]
    while starts[-1] + n < len(taken):
        starts.append(min(starts[-1] + stride, len(taken) - n))
    places = torch.tensor(starts)[:, None] + torch.arange(n)
    return Windows(
        taken[places.clamp(max=len(taken) - 1)],
        places < len(taken),
        2 * torch.arange(n) * per_frame / LENGTH - 1,
        step,
    )
