"""Fits of all frames of a clip: the one shape from frames spread over it, then every frame with that shape, chunk by chunk."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final

import torch
from torch import Tensor

from ml.fitting.solver import Parameters, Problem, joint_uncertainty

CHUNK: Final = 512
"""Frames that are fitted at once: bounds the memory of a long clip."""
EFFECTIVE_FRAMES: Final = 2
"""Most frames of a clip that count as independent evidence of its shape: detection errors of similar frames are correlated."""


def fit_clip(
    problem: Problem, start: Parameters, fit: Callable[[Problem, Parameters], Parameters], *, shape_frames: int
) -> tuple[Problem, Parameters]:
    """All n frames of one hand.

    Args:
        problem: of n frames. Where they share a shape that is not known, it is found first.
        start: of n frames.
        fit: solves a problem of some of the frames.
        shape_frames: spread over the clip, from which the shape is found.

    Returns:
        The problem with the shape known, and what was found.
    """
    count = len(problem.pixels)
    if problem.shape_shared and not problem.shape_known:
        spread = torch.linspace(0, count - 1, min(count, shape_frames)).round().long()
        betas = fit(problem.rows(spread), start.rows(spread)).betas
        problem, start = replace(problem, shape_known=True), replace(start, betas=betas)
    fitted = Parameters.concatenated([fit(problem.rows(chunk), start.rows(chunk)) for chunk in chunks_of(count)])
    return replace(problem, shape_known=True), fitted


def with_shape_weight(problem: Problem) -> Problem:
    """With the prior of a shared shape as strong as `EFFECTIVE_FRAMES` independent frames leave it."""
    return replace(problem, shape_weight=max(1.0, len(problem.pixels) / EFFECTIVE_FRAMES) if problem.shape_shared else 1.0)


def clip_uncertainty(problem: Problem, fitted: Parameters) -> Tensor:
    """`joint_uncertainty` [n, 21] of all frames."""
    return torch.cat([joint_uncertainty(problem.rows(chunk), fitted.rows(chunk)) for chunk in chunks_of(len(fitted.angles))])


def chunks_of(count: int) -> Iterator[Tensor]:
    """Indices of n frames, at most `CHUNK` at a time."""
    yield from torch.split(torch.arange(count), CHUNK)
