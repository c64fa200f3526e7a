"""Stages I and II over all windows of all hands of one side at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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

    @classmethod
    def of_options(cls, options: Mapping[str, Any]) -> MotionSettings:
        """From `preset`, `solver`, `stages`, and weights as `first.keypoints` or `second.prior`.

        Raises:
            ValueError: no such option, or a value that it cannot have.
        """
        weights: dict[str, dict[str, float]] = {"first": {}, "second": {}}
        own: dict[str, Any] = {}
        for name, value in options.items():
            stage, _, term = name.partition(".")
            if term and stage in weights:
                weights[stage][term] = value
            elif name in ("preset", "solver", "stages"):
                own[name] = value
            else:
                raise ValueError(f"no option {name!r}")
        if own.get("solver", "adam") not in SOLVERS:
            raise ValueError(f"no solver {own['solver']!r}; there are {', '.join(SOLVERS)}")
        if own.get("stages", 1) not in (1, 2):
            raise ValueError(f"`stages` is {own['stages']!r}; it is 1 or 2")
        return cls(**own, first=weights["first"], second=weights["second"])

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
    """What all motions of one side share: hand model, prior, camera [3, 3] and longer image side (px), frames a second."""

    kinematics: Kinematics
    prior: MotionPrior
    intrinsics: Tensor
    longer_side: float
    fps: float


def fit_stages(
    context: StageContext,
    motions: Sequence[InitialMotion],
    settings: MotionSettings,
    watch: Watch | None = None,
) -> list[Parameters]:
    """Each motion after stage I, or I and II; every frame of it."""
    windows = [cut(len(motion.pixels), context.fps) for motion in motions]
    problem = _problem(context, motions, windows, settings)
    state = problem.initial
    if not problem.shape_known and len(state.z) > AT_ONCE:
        # β of each hand from windows spread over the clip; then it is known
        spread = _spread(problem.hand)
        found, _ = _fitted(problem.rows(spread), state.rows(spread), settings, watch)
        by_hand = {int(hand): found.betas[row] for row, hand in enumerate(problem.hand[spread])}
        state = replace(state, betas=torch.stack([by_hand[int(hand)] for hand in problem.hand]))
        problem = replace(problem, shape_known=True, initial=state)
    parts = [
        _fitted(problem.rows(batch), state.rows(batch), settings, watch)
        for batch in torch.split(torch.arange(len(state.z)), AT_ONCE)
    ]
    root, translation, betas, angles = (
        torch.cat(one)
        for one in zip(*((found.root, found.translation, found.betas, pose) for found, pose in parts), strict=True)
    )
    ends = torch.tensor([len(one.frames) for one in windows]).cumsum(0).tolist()
    joined = []
    for motion, own, end in zip(motions, windows, ends, strict=True):
        rows = slice(end - len(own.frames), end)
        count = len(motion.pixels)
        rotations: Tensor = roma.special_procrustes(_every_frame(own, root[rows].flatten(2), count).view(count, 3, 3))
        pose, moved = (_every_frame(own, x[rows], count) for x in (angles, translation))
        joined.append(Parameters(pose, rotations, moved, betas[rows][:1]))
    return joined


def _fitted(
    problem: MotionProblem, state: MotionState, settings: MotionSettings, watch: Watch | None
) -> tuple[MotionState, Tensor]:
    """Windows after their stages, and their angles [W, n, 45]."""
    solve = gauss_newton if settings.solver == "gauss-newton" else adam
    weights = settings.weights()
    for stage, own in enumerate((weights.first, weights.second)[: settings.stages], start=1):
        problem = replace(problem, weights=own, is_second=stage == 2)
        state = solve(problem, state, _watching(problem, stage, watch))
    return state, problem.pose(state)


def _watching(problem: MotionProblem, stage: int, watch: Watch | None) -> Callable[[int, MotionState], None]:
    if watch is None:
        return lambda step, state: None
    return lambda step, state: watch(stage, step, {k: float(v.sum()) for k, v in problem.losses(state).items()})


def _problem(
    context: StageContext, motions: Sequence[InitialMotion], windows: Sequence[Windows], settings: MotionSettings
) -> MotionProblem:
    """All windows of all motions, before stage I; `hand` is the number of the motion."""
    scale = NORMAL_WIDTH / context.longer_side
    camera = context.intrinsics.clone()
    camera[:2] *= scale
    step = windows[0].step
    per_frame = RATE * step / context.fps
    parts = [_window_values(context, motion, own, settings) for motion, own in zip(motions, windows, strict=True)]
    values = {name: torch.cat([part[name] for part in parts]) for name in parts[0]}
    mean, log_variance = context.prior.encode(_at_prior_rate(values["angles"], per_frame))
    owners = torch.cat([torch.full((len(own.frames),), number) for number, own in enumerate(windows)])
    return MotionProblem(
        kinematics=context.kinematics,
        prior=context.prior,
        hand=owners,
        times=windows[0].times,
        fps=context.fps / step,
        pixels=values["pixels"] * scale,
        alpha=values["alpha"],
        valid=values["valid"],
        intrinsics=camera,
        angles=values["angles"],
        initial=MotionState(values["root"], values["translation"], values["betas"], mean),
        z_std=(0.5 * log_variance).exp(),
        own_turning=values["turning"],
        own_moving=values["moving"],
        weights=settings.weights().first,
        is_second=False,
        shape_known=all(motion.shape_known for motion in motions),
    )


def _window_values(
    context: StageContext, motion: InitialMotion, windows: Windows, settings: MotionSettings
) -> dict[str, Tensor]:
    p, frames = motion.parameters, windows.frames
    count, length = frames.shape
    turning, moving = (p.angles.new_zeros(count, length - 1, 3) for _ in range(2))
    if settings.weights().own_speed and len(p.angles) > 1:
        path = torch.cat([p.angles.new_zeros(1, 6), torch.cat(own_velocities(p, context.fps), 1).cumsum(0)])[frames]
        steps = path[:, 1:] - path[:, :-1]
        turning, moving = steps[..., :3], steps[..., 3:]
    return {
        "angles": p.angles[frames],
        "root": p.root[frames],
        "translation": p.translation[frames],
        "betas": p.betas[:1].expand(count, -1),
        "pixels": motion.pixels[frames],
        "alpha": motion.alpha[frames],
        "valid": windows.valid,
        "turning": turning,
        "moving": moving,
    }


def _at_prior_rate(angles: Tensor, per_frame: float) -> Tensor:
    """Windows [W, 128, 45] at the prior's rate, from angles [W, n, 45] that are `per_frame` of its frames apart."""
    place = (torch.arange(LENGTH) / per_frame).clamp(max=angles.shape[1] - 1)
    before = place.floor().long()
    after = (before + 1).clamp(max=angles.shape[1] - 1)
    share = (place - before).to(angles.dtype)[:, None]
    return angles[:, before] * (1 - share) + angles[:, after] * share


def _every_frame(windows: Windows, values: Tensor, count: int) -> Tensor:
    """One value a frame [count, k] from values [W, n, k] of all windows; frames that windows leave out are interpolated."""
    joined = windows.joined(values, count)
    if windows.step == 1:
        return joined
    taken = torch.arange(0, count, windows.step)
    before = (torch.arange(count) // windows.step).clamp(max=len(taken) - 1)
    after = (before + 1).clamp(max=len(taken) - 1)
    share = ((torch.arange(count) - taken[before]) / windows.step).to(values.dtype)[:, None]
    return joined[taken[before]] * (1 - share) + joined[taken[after]] * share


def _spread(hand: Tensor) -> Tensor:
    """At most `AT_ONCE` windows, spread over the windows of each hand; at least one of each."""
    hands = int(hand.max()) + 1
    each = max(1, AT_ONCE // hands)
    chosen = []
    for number in range(hands):
        own = torch.nonzero(hand == number).flatten()
        chosen.append(own[torch.linspace(0, len(own) - 1, min(each, len(own))).round().long()])
    return torch.cat(chosen)
