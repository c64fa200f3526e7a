"""The objective of both stages, term by term, with its weights; means over frames, as published.

==================  ==================================================================================
`keypoints`         mean of α² · Geman–McClure (σ = 40 px) of each pixel coordinate of the 21 joints
`orientation`       mean squared angle to the initial orientation
`translation`       mean squared distance to the initial translation (m)
`turning`           ½ · mean squared angular velocity (rad/s), less the motion's own
`moving`            ½ · mean squared velocity (m/s), less the motion's own
`shape`             mean squared difference from the initial β
`prior`             mean squared distance of z from the encoded initial motion, in standard deviations
==================  ==================================================================================

A pixel is 1/640 of the image's longer side, so that the weights mean the same in every video. With `own_speed`, velocities
are penalised as far as they differ from the smoothed velocity of the initial motion: a fast hand stays fast.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Final

import roma
import torch
from torch import Tensor

from ml.fitting.kinematics import Kinematics
from ml.fitting.placement import MIN_DEPTH
from ml.hand.camera import project
from ml.priors.motion import MotionPrior

ROBUST_PIXELS: Final = 40.0
TERMS: Final = ("keypoints", "orientation", "translation", "turning", "moving", "shape", "prior")


@dataclass(frozen=True)
class Weights:
    """Of the terms; see the module."""

    keypoints: float = 0.05
    orientation: float = 3.0
    translation: float = 1.0
    turning: float = 1.0
    moving: float = 5.0
    shape: float = 3.0
    prior: float = 0.0

    def with_changes(self, changes: Mapping[str, Any]) -> Weights:
        """These weights with some replaced.

        Raises:
            ValueError: no such weight, or not a number of at least 0.
        """
        names = [one.name for one in fields(self)]
        for name, value in changes.items():
            if name not in names:
                raise ValueError(f"no weight {name!r}; there are {', '.join(names)}")
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e9:
                raise ValueError(f"the weight {name!r} is {value!r}; it must be a number from 0 to 1e9")
        return replace(self, **changes)


@dataclass(frozen=True)
class Preset:
    """Weights of both stages, and whether velocities are compared with the motion's own."""

    first: Weights
    second: Weights
    own_speed: bool


_FIRST = Weights()
_SECOND = Weights(orientation=2.0, moving=0.0, shape=10.0, prior=300.0)
PRESETS: Final[dict[str, Preset]] = {
    "default": Preset(_FIRST, _SECOND, own_speed=True),
    "poster": Preset(_FIRST, _SECOND, own_speed=False),
    "published-code": Preset(
        replace(_FIRST, translation=10.0, moving=10.0), replace(_SECOND, translation=10.0, moving=3.0), own_speed=False
    ),
}
"""`default` has the poster's weights."""


@dataclass(frozen=True)
class MotionState:
    """Unknowns of W windows of n frames: `root` [W, n, 3, 3], `translation` [W, n, 3] (m), `betas` [W, 10], `z` [W, d]."""

    root: Tensor
    translation: Tensor
    betas: Tensor
    z: Tensor

    def rows(self, windows: Tensor) -> MotionState:
        """Those of some windows."""
        return MotionState(self.root[windows], self.translation[windows], self.betas[windows], self.z[windows])


@dataclass(frozen=True)
class MotionProblem:
    """What one stage minimises, for W windows of n frames of one side.

    Attributes:
        kinematics: of the hand model.
        prior: of motion.
        hand: int64 [W], which hand a window is of; those of one hand share β.
        times: [n], see `ml.hmp.windows`.
        fps: of the windows' frames.
        pixels: [W, n, 21, 2], px of a 640 px wide image.
        alpha: [W, n, 21], confidence from 0 to 1; 0 where there is no keypoint.
        valid: bool [W, n].
        intrinsics: [3, 3], px of a 640 px wide image.
        angles: [W, n, 45], of the initial motion: the pose of stage I.
        initial: of the initial motion; its `z` is the mean of the encoder.
        z_std: [W, d], its standard deviations.
        own_turning: [W, n - 1, 3], rad from frame to frame.
        own_moving: [W, n - 1, 3], m from frame to frame.
        weights: of the terms.
        is_second: z is an unknown, and poses are decoded from it.
        shape_known: β stays fixed.
    """

    kinematics: Kinematics
    prior: MotionPrior
    hand: Tensor
    times: Tensor
    fps: float
    pixels: Tensor
    alpha: Tensor
    valid: Tensor
    intrinsics: Tensor
    angles: Tensor
    initial: MotionState
    z_std: Tensor
    own_turning: Tensor
    own_moving: Tensor
    weights: Weights
    is_second: bool
    shape_known: bool

    def rows(self, windows: Tensor) -> MotionProblem:
        """That of some windows; their hands are numbered from 0 again."""
        per_window = ("pixels", "alpha", "valid", "angles", "z_std", "own_turning", "own_moving")
        chosen = {name: getattr(self, name)[windows] for name in per_window}
        hand = torch.unique(self.hand[windows], return_inverse=True)[1]
        return replace(self, **chosen, hand=hand, initial=self.initial.rows(windows))

    @property
    def pairs(self) -> Tensor:
        """Which neighbouring frames are both valid: bool [W, n - 1]."""
        return self.valid[:, 1:] & self.valid[:, :-1]

    def scales(self) -> dict[str, Tensor]:
        """Weight [W] of the sum of squared residuals behind each term: the term's weight over what its mean divides by."""
        w = self.weights
        frames = self.valid.sum(1).clamp_min(1)
        seen = ((self.alpha > 0) & self.valid[..., None]).any(-1).sum(1).clamp_min(1)
        pairs = self.pairs.sum(1).clamp_min(1)
        one = torch.ones_like(seen, dtype=self.pixels.dtype)
        rate = 0.5 * self.fps**2
        return {
            "keypoints": w.keypoints / (42 * seen),
            "orientation": w.orientation / frames,
            "translation": w.translation / frames,
            "turning": w.turning * rate / pairs,
            "moving": w.moving * rate / pairs,
            "shape": one * w.shape / 10,
            "prior": one * (w.prior if self.is_second else 0.0) / self.z_std.shape[-1],
        }

    def pose(self, state: MotionState) -> Tensor:
        """Angles [W, n, 45]."""
        return self.prior.decode(state.z, self.times) if self.is_second else self.angles

    def losses(self, state: MotionState, angles: Tensor | None = None) -> dict[str, Tensor]:
        """Each weighted term [W]; differentiable."""
        angles = self.pose(state) if angles is None else angles
        turned, moved = self.turning(state), self.moving(state)
        squares = {
            "keypoints": self._keypoints(state, angles),
            "orientation": (roma.rotmat_to_rotvec(state.root @ self.initial.root.mT).square().sum(-1) * self.valid).sum(1),
            "translation": ((state.translation - self.initial.translation).square().sum(-1) * self.valid).sum(1),
            "turning": (turned.square().sum(-1) * self.pairs).sum(1),
            "moving": (moved.square().sum(-1) * self.pairs).sum(1),
            "shape": (state.betas - self.initial.betas).square().sum(-1),
            "prior": ((state.z - self.initial.z) / self.z_std).square().sum(-1),
        }
        scales = self.scales()
        return {name: scales[name] * squares[name] for name in TERMS}

    def total(self, state: MotionState, angles: Tensor | None = None) -> Tensor:
        """The whole loss [W]; infinite where a seen joint is behind the camera."""
        return torch.stack(list(self.losses(state, angles).values())).sum(0)

    def turning(self, state: MotionState) -> Tensor:
        """Rotation vectors [W, n - 1, 3] from frame to frame, less the motion's own."""
        turned: Tensor = roma.rotmat_to_rotvec(state.root[:, 1:] @ state.root[:, :-1].mT)
        return turned - self.own_turning

    def moving(self, state: MotionState) -> Tensor:
        """Changes of the translation [W, n - 1, 3] from frame to frame, less the motion's own."""
        return state.translation[:, 1:] - state.translation[:, :-1] - self.own_moving

    def joints(self, state: MotionState, angles: Tensor) -> Tensor:
        """Joints [W, n, 21, 3], m, camera frame."""
        betas = self.frame_betas(state)
        flat = self.kinematics.joints(angles.flatten(0, 1), state.root.flatten(0, 1), state.translation.flatten(0, 1), betas)
        return flat.view(*angles.shape[:2], 21, 3)

    def frame_betas(self, state: MotionState) -> Tensor:
        """β [1, 10] where all windows share it, else [W · n, 10], one a frame."""
        if int(self.hand.max()) == 0:
            return state.betas[:1]
        return state.betas.repeat_interleave(len(self.times), 0)

    def _keypoints(self, state: MotionState, angles: Tensor) -> Tensor:
        joints = self.joints(state, angles)
        depth = joints[..., 2:]
        in_front = torch.cat([joints[..., :2], depth.clamp_min(MIN_DEPTH)], -1)
        squared = (project(in_front, self.intrinsics) - self.pixels).square()
        robust = ROBUST_PIXELS**2 * squared / (ROBUST_PIXELS**2 + squared)
        weight = (self.alpha.square() * self.valid[..., None])[..., None]
        behind = ((depth[..., 0] < MIN_DEPTH) & (self.alpha > 0) & self.valid[..., None]).any(-1).any(-1)
        return torch.where(behind, torch.inf, (weight * robust).sum((1, 2, 3)))
