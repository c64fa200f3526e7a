"""Stage III: every frame once more, with all evidence of the image, near the motion of stage II and as smooth as the motion is.

A latent motion of some 100 numbers holds 4 s of a hand, not each frame of it. So poses are fitted per frame with the terms of
`ml.methods.evidence` and a Gaussian about the decoded motion. Accelerations are penalised in units of the motion's own
(`ml.hmp.own_speed`): where the hand rests, noise is removed; where it is fast, little is. Where keypoints are uncertain,
what seems to move is mostly noise, and accelerations are held tighter.

Accelerations tie three neighbouring frames, so the normal matrix is banded and its Cholesky factor costs as much as the
number of frames; there are no windows to join. Long motions are processed in overlapping parts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import roma
import torch
from scipy.linalg import solveh_banded
from torch import Tensor

from ml.fitting.solver import FRAME_UNKNOWNS, IMPLAUSIBLE_COST, Parameters, Problem, apply_step, pose_equations
from ml.hmp.own_speed import acceleration_std

LEAST_ACCELERATION: Final = (0.006, 0.004, 0.0004)
"""Of angles and root (rad) and translation (m), a frame² at 30 fps: of a hand at rest."""
LEAST_CERTAINTY: Final = 0.3
"""Certainty below which accelerations are held no tighter."""
STEPS: Final = 6
TOLERANCE: Final = 1e-4
PART: Final = 512
"""Frames of a motion that are fitted at once …"""
MARGIN: Final = 48
"""… and those more on either side that are fitted with them and not kept: a frame hardly depends on one further away."""


@dataclass(frozen=True)
class _Smoothness:
    """Standard deviations [N - 2, 51] of second differences."""

    std: Tensor

    def residuals(self, p: Parameters) -> Tensor:
        """[N - 2, 51]."""
        turns = roma.rotmat_to_rotvec(p.root[1:] @ p.root[:-1].mT)
        lines = torch.cat([p.angles, p.translation], 1)
        second = lines[2:] - 2 * lines[1:-1] + lines[:-2]
        angles = FRAME_UNKNOWNS - 6
        return torch.cat([second[:, :angles], turns[1:] - turns[:-1], second[:, angles:]], 1) / self.std

    def cost(self, p: Parameters) -> float:
        return 0.5 * float(self.residuals(p).double().square().sum())


def refined(
    problem: Problem,
    measured: Parameters,
    start: Parameters,
    fps: float,
    *,
    certainty: Tensor,
    progress: Callable[[float], None] = lambda fraction: None,
) -> Parameters:
    """N consecutive frames, fitted together from `start`; β is that of the start and stays.

    Args:
        problem: all evidence of the N frames; frames without any must be held by its priors.
        measured: the frames fitted one by one; of it the motion's own accelerations are taken.
        start: where to begin.
        fps: frames a second.
        certainty: [N], 0 to 1: mean confidence of a frame's keypoints.
        progress: called with the fraction done.
    """
    count = len(start.angles)
    if count < 3:
        return _solved(problem, start, None)
    std = acceleration_std(measured, fps, LEAST_ACCELERATION)
    std = std * certainty[1:-1, None].clamp_min(LEAST_CERTAINTY)
    parts = []
    for first in range(0, count, PART):
        progress(first / count)
        begin, end = max(0, first - MARGIN), min(count, first + PART + MARGIN)
        if end - begin < 3:
            begin = end - 3
        rows = torch.arange(begin, end)
        part = _solved(problem.rows(rows), start.rows(rows), _Smoothness(std[begin : end - 2]))
        parts.append(part.rows(torch.arange(first - begin, min(first + PART, count) - begin)))
    return Parameters.concatenated(parts)


def _solved(problem: Problem, start: Parameters, smoothness: _Smoothness | None) -> Parameters:
    best, cost = start, _cost(problem, start, smoothness)
    damping = 1e-4
    for _ in range(STEPS):
        step = _step(problem, best, smoothness, damping)
        trial = apply_step(best, step)
        reached = _cost(problem, trial, smoothness)
        if not reached < cost:
            damping *= 30
            continue
        gain, best, cost = cost - reached, trial, reached
        damping = max(damping * 0.1, 1e-6)
        if gain < TOLERANCE * cost:
            break
    return best


def _cost(problem: Problem, p: Parameters, smoothness: _Smoothness | None) -> float:
    frames, _ = problem.costs(p)
    return float(frames.clamp(max=IMPLAUSIBLE_COST).double().sum()) + (0.0 if smoothness is None else smoothness.cost(p))


def _step(problem: Problem, p: Parameters, smoothness: _Smoothness | None, damping: float) -> Tensor:
    """The damped Gauss–Newton step [N, 51]."""
    hessian, gradient = pose_equations(problem, p)
    count, size = gradient.shape
    banded = np.zeros((2 * size + 1 if smoothness is not None else size, count * size))
    blocks = hessian.double().numpy()
    for below in range(size):
        banded[below].reshape(count, size)[:, : size - below] = np.diagonal(blocks, -below, 1, 2)
    if smoothness is not None:
        precision = smoothness.std.double().square().reciprocal().numpy()
        residual = (smoothness.residuals(p) / smoothness.std).double().numpy()
        own, next_one, after = (banded[k * size].reshape(count, size) for k in range(3))
        total = gradient.double().numpy().copy()
        for place, factor in enumerate((1.0, -2.0, 1.0)):
            rows = slice(place, place + count - 2)
            own[rows] += factor**2 * precision
            total[rows] += factor * residual
        next_one[: count - 2] += -2 * precision
        next_one[1 : count - 1] += -2 * precision
        after[: count - 2] += precision
        gradient = torch.as_tensor(total)
    banded[0] = banded[0] * (1 + damping) + 1e-6
    solved = solveh_banded(banded, -gradient.double().numpy().reshape(-1), lower=True, check_finite=False)
    return torch.as_tensor(solved.reshape(count, size), dtype=p.angles.dtype)
