"""Light smoothing of fitted poses over time, within runs of consecutive frames."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import roma
import torch
from torch import Tensor

from ml.fitting.solver import Parameters

_REACH = 3
"""Frames to either side, at a standard deviation of one."""


def smoothed(p: Parameters, frames: np.ndarray, std: float = 1.0) -> Parameters:
    """Pose, root and translation of n frames under a Gaussian over time; nothing is carried across a gap.

    Args:
        p: of n frames.
        frames: [n], ascending indices of the frames.
        std: in frames.
    """
    cuts = [0, *(np.flatnonzero(np.diff(frames) != 1) + 1).tolist(), len(frames)]
    parts = [_smoothed_run(p, slice(a, b), std) for a, b in pairwise(cuts) if a < b]
    angles, root, translation = (
        (torch.cat(one) for one in zip(*parts, strict=True)) if parts else (p.angles, p.root, p.translation)
    )
    return replace(p, angles=angles, root=root, translation=translation)


def _smoothed_run(p: Parameters, rows: slice, std: float) -> tuple[Tensor, Tensor, Tensor]:
    angles, root, translation = p.angles[rows], p.root[rows], p.translation[rows]
    count = len(angles)
    total = torch.zeros(count, dtype=angles.dtype)
    sums = [torch.zeros_like(x) for x in (angles, root, translation)]
    for offset in range(-round(_REACH * std), round(_REACH * std) + 1):
        weight = float(np.exp(-0.5 * (offset / std) ** 2))
        to, source = slice(max(0, -offset), min(count, count - offset)), slice(max(0, offset), min(count, count + offset))
        if to.start >= to.stop:
            continue
        total[to] += weight
        for one, values in zip(sums, (angles, root, translation), strict=True):
            one[to] += weight * values[source]
    mean: Tensor = roma.special_procrustes(sums[1])
    return sums[0] / total[:, None], mean, sums[2] / total[:, None]
