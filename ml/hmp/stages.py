"""Stages I and II over all windows of all hands of one side at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal, get_args

import roma
import torch
from torch import Tensor

from ml.fitting.kinematics import Kinematics
from ml.fitting.solver import Parameters
from ml.hmp.adam import adam
from ml.hmp.gauss_newton import gauss_newton
from ml.hmp.own_speed import own_velocities
from ml.hmp.terms import PRESETS, MotionProblem, MotionState, Preset
from ml.hmp.windows import LENGTH, RATE, Windows, cut
from ml.priors.motion import MotionPrior

Solver = Literal["gauss-newton", "adam"]
SOLVERS: Final[tuple[Solver, ...]] = get_args(Solver)
AT_ONCE: Final = 24
"""Windows fitted at once: bounds memory, whatever the length of a clip."""
NORMAL_WIDTH: Final = 640.0
"""Pixels of the longer side of an image, in which the published weights are meant."""

Watch = Callable[[int, int, dict[str, float]], None]
"""Called with stage, step and the terms of the loss, after a solver's step."""


@dataclass(frozen=True)
class MotionSettings:
    """How motions are fitted.

    Attributes:
        preset: key of `ml.hmp.terms.PRESETS`.
        solver: `gauss-newton`, or `adam` as published.
        first: weights of stage I that replace the preset's.
        second: those of stage II.
        stages: 1 stops after stage I.
    """

    preset: str = "default"
    solver: Solver = "gauss-newton"
    first: dict[str, float] = field(default_factory=dict)
    second: dict[str, float] = field(default_factory=dict)
    stages: int = 2

    def weights(self) -> Preset:
        """The preset with the changes.

        Raises:
            ValueError: no such preset or weight.
        """
        if self.preset not in PRESETS:
            raise ValueError(f"no preset {self.preset!r}; there are {', '.join(PRESETS)}")
        chosen = PRESETS[self.preset]
        return replace(chosen, first=chosen.first.with_changes(self.first), second=chosen.second.with_changes(self.second))


@dataclass(frozen=True)
class InitialMotion:
    """N consecutive frames of one hand before the fit.

    Attributes:
        parameters: with β [1, 10].
        pixels: [N, 21, 2], px.
        alpha: [N, 21], confidence of the pixels, 0 to 1.
        shape_known: β stays fixed.
    """

    parameters: Parameters
    pixels: Tensor
    alpha: Tensor
    shape_known: bool


@dataclass(frozen=True)
class StageContext:
    """What all motions of one side share: hand model, prior, camera [3, 3] (px), longer side of the image (px), frames a second."""

    kinematics: Kinematics
    prior: MotionPrior
    intrinsics: Tensor
    longer_side: float
    fps: float


def fit_stages(
    context: StageContext,
    motions: Sequence[InitialMotion],
    settings: MotionSettings,
    watch: Watch = lambda stage, step, terms: None,
) -> list[Parameters]:
    """Each motion after stage I, or I and II; every frame of it."""
    groups = [_windows_of(context, motion, settings) for motion in motions]
    known = [motion.shape_known for motion in motions]
    betas = [motion.parameters.betas for motion in motions]
    total = sum(len(group.problem.pixels) for group in groups)
    if total > AT_ONCE and not all(known):
        # β from windows spread over the clip; then it is known
        betas = [
            own if given else _fitted(context, [_spread(group)], settings, watch)[0].betas[:1]
            for own, given, group in zip(betas, known, groups, strict=True)
        ]
        groups = [_with_betas(group, own) for group, own in zip(groups, betas, strict=True)]
    found: list[MotionState] = []
    for batch in _batches(groups):
        found += _fitted(context, batch, settings, watch)
    return [
        _joined(context, motion, [state for state, owner in zip(found, _owners(groups), strict=True) if owner == number], group)
        for number, (motion, group) in enumerate(zip(motions, groups, strict=True))
    ]
