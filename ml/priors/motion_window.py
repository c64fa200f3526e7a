"""A window of motion: 128 frames at 30 fps of the 45 joint angles, its time axis, its basis over time and its limits.

Angles are those of `ml.hand.joint_limits` in the order of `ml.fitting.kinematics` (5 fingers in MANO order × 3 joints × twist,
flexion, deviation; radians). They mean the same on both sides, so one prior serves left and right hands, of any shape.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import torch
from torch import Tensor

from ml.hand.joint_limits import LIMITS

FRAMES: Final = 128
"""Frames of a window."""
FPS: Final = 30.0
"""Frames a second of a window."""
ANGLES: Final = 45
"""Joint angles of a frame."""
SOFTNESS: Final = 0.05
"""Radians: the most by which decoded angles exceed the joint limits."""


def frame_times(count: int = FRAMES, fps: float = FPS) -> Tensor:
    """Times [count] of the frames of a clip of any rate from the first frame of a window on: t = 2 i / 128 − 1 at 30 fps."""
    return 2.0 * torch.arange(count) * (FPS / fps) / FRAMES - 1.0


def cosines(times: Tensor, terms: int) -> Tensor:
    """Orthonormal cosine basis (DCT-II) [*times, terms] over a window, at any time in [-1, 1).

    Term k has a frequency of k / 8.53 Hz. At the times of the frames, the first `FRAMES` terms are an orthonormal matrix.
    """
    position = (times + 1.0) * (FRAMES / 2) + 0.5
    order = torch.arange(terms, dtype=times.dtype, device=times.device)
    scale = torch.where(order == 0, math.sqrt(1 / FRAMES), math.sqrt(2 / FRAMES))
    return torch.cos(position[..., None] * (order * (math.pi / FRAMES))) * scale.to(times.dtype)


def angle_limits() -> Tensor:
    """Least and most [45, 2] of each angle, radians."""
    return torch.as_tensor(LIMITS[1:].reshape(ANGLES, 2), dtype=torch.float32)


def within_limits(angles: Tensor, limits: Tensor) -> tuple[Tensor, Tensor]:
    """Angles [..., 45] as they are inside their limits [45, 2], at most `SOFTNESS` outside; and the derivative [..., 45].

    Smooth: beyond a limit the excess e becomes s tanh(e / s), so that a solver finds its way back.
    """
    inside = torch.minimum(torch.maximum(angles, limits[:, 0]), limits[:, 1])
    squashed = torch.tanh((angles - inside) / SOFTNESS)
    return inside + SOFTNESS * squashed, 1.0 - squashed.square()


def windows_of(angles: np.ndarray, hop: int = FRAMES) -> np.ndarray:
    """Windows [W, 128, 45] of a motion [N, 45] at 30 fps, every `hop` frames; none if it is shorter than a window."""
    starts = range(0, len(angles) - FRAMES + 1, hop)
    return np.stack([angles[first : first + FRAMES] for first in starts]) if starts else np.zeros((0, FRAMES, ANGLES))
