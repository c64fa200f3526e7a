"""All evidence of a hand in an image as one least-squares problem: shared by `fused-fit` and Kong's methods with `-opt`.

- 2D joints, under perspective and a robust loss; wrist and thumb base count less, because the detector and the model
  define them differently, and joints outside the image hardly count;
- the detector's world landmarks, as far as they agree with their own 2D (`ml.fitting.landmark_trust`);
- pose and root orientation of a network, as far as its joints agree with the detected ones;
- priors of everyday poses and joint limits.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import torch
from torch import Tensor

from ml.fitting.kinematics import ANGLE_COUNT, Kinematics
from ml.fitting.landmark_trust import trusted_landmarks
from ml.fitting.placement import solve_translation
from ml.fitting.prior import pose_prior
from ml.fitting.solver import Parameters, Problem, solve
from ml.hand.camera import project
from ml.hand.joint_limits import joint_angles
from ml.methods.fit2d import INITIAL_ROBUST_SCALE

PIXEL_STD: Final = 0.007
"""Standard deviation of a detected joint as a share of the hand's box."""
OTHERWISE_DEFINED: Final = (0, 1)
"""Joints that the detector and the model define differently: the wrist and the thumb's base."""
DEFINITION_STD: Final = 2.0
"""Factor on their standard deviation."""
UNSEEN_STD: Final = 0.25
"""That of a joint outside the image: the detector only continues the hand there."""
ROBUST_SCALE: Final = 12.0
PRIOR_WEIGHT: Final = 2.0
NETWORK_ANGLE_STD: Final = 0.08
"""Radians: how far a joint angle may be from a single network's."""
NETWORK_ROOT_STD: Final = 0.03
"""Radians; the 2D joints alone tell little of how a hand is turned away from the image plane."""
AGREEMENT: Final = 0.12
"""Mean distance of the network's joints from the detected ones, as a share of the box, up to which the network is trusted so
far; its standard deviations then grow with the square of the distance."""


def fit_evidence(
    kinematics: Kinematics,
    pixels: Tensor,
    intrinsics: Tensor,
    world: Tensor | None,
    *,
    unseen: Tensor | None = None,
    network: Tensor | None = None,
    angle_std: float = NETWORK_ANGLE_STD,
    root_std: float = NETWORK_ROOT_STD,
) -> Problem:
    """The problem of n frames, with the shape free and shared.

    Args:
        kinematics: of the hand model.
        pixels: [n, 21, 2], detected joints.
        intrinsics: [3, 3], in the unit of the pixels.
        world: [n, 21, 3], m, world landmarks of the same detections, axes of the camera; None where there are none.
        unseen: bool [n, 21], joints outside the image.
        network: [n, 16, 3, 3], rotations by a network; None where there is none.
        angle_std: radians, how far a joint angle may be from the network's.
        root_std: radians, how far the root may be turned from the network's.
    """
    unseen = torch.zeros(pixels.shape[:2], dtype=torch.bool) if unseen is None else unseen
    share = torch.full((21,), PIXEL_STD)
    share[list(OTHERWISE_DEFINED)] *= DEFINITION_STD
    box = (pixels.amax(1) - pixels.amin(1)).amax(-1).clamp_min(1e-6)[:, None]
    prior = pose_prior().weighted(PRIOR_WEIGHT)
    problem = Problem(
        kinematics,
        prior,
        pixels,
        intrinsics,
        torch.where(unseen, UNSEEN_STD * box, share * box),
        robust_scale=ROBUST_SCALE,
    )
    if world is not None:
        landmarks = trusted_landmarks(world, pixels)
        problem = replace(problem, landmarks=(replace(landmarks, std=torch.where(unseen, 3 * landmarks.std, landmarks.std)),))
    if network is None:
        return problem
    angles = joint_angles(network, kinematics.frames)[:, 1:].reshape(-1, ANGLE_COUNT)
    doubt = _disagreement(kinematics, network, pixels, intrinsics, box).div(AGREEMENT).nan_to_num().clamp(1, 30).square()
    return replace(
        problem,
        prior=prior.combined(angles, angle_std * doubt),
        root_prior_mean=network[:, 0],
        root_prior_std=root_std * doubt,
    )


def _disagreement(kinematics: Kinematics, network: Tensor, pixels: Tensor, intrinsics: Tensor, box: Tensor) -> Tensor:
    """Mean distance [n] of the mean hand's joints in poses [n, 16, 3, 3], placed as well as can be, from the detected ones
    [n, 21, 2], as a share of the box [n, 1].
    """
    joints = kinematics.model.joints(network, torch.zeros(1, 10), torch.zeros(3))
    placed = joints + solve_translation(joints, pixels, intrinsics)[:, None]
    distance: Tensor = ((project(placed, intrinsics) - pixels).norm(dim=-1) / box).mean(-1)
    return distance


def solve_evidence(problem: Problem, start: Parameters) -> Parameters:
    """First the pose under a nearly quadratic loss with the shape fixed, then all unknowns."""
    rough = replace(
        problem, shape_known=True, robust_scale=INITIAL_ROBUST_SCALE, landmark_robust_scale=10 * problem.landmark_robust_scale
    )
    return solve(problem, solve(rough, start, steps=4), tolerance=5e-4)
