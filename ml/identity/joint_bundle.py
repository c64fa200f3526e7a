"""Bundle adjustment of one hand shape over the 2D joints of several frames.

A bone that is seen from many sides and in many poses shows its length relative to the other bones, even where no single frame
does. So all frames are fitted together: each has its own pose and translation close to the network's estimate, and all share
one β.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import torch
from torch import Tensor

from ml.fitting.kinematics import ANGLE_COUNT, Kinematics
from ml.fitting.placement import solve_translation
from ml.fitting.prior import PosePrior, pose_prior
from ml.fitting.solver import Parameters, Problem, shape_information, solve
from ml.hand.joint_limits import joint_angles
from ml.hand.model import HandModel
from ml.identity.inference import Estimate

STEPS: Final = 15


class ShapeInformation(NamedTuple):
    """Second-order expansion of each frame's cost about `betas` [10] after its pose and translation are eliminated.

    `hessian` [K, 10, 10] and `gradient` [K, 10], float64.
    """

    betas: Tensor
    hessian: Tensor
    gradient: Tensor


def fit_problem(kinematics: Kinematics, found: Estimate, rotations: Tensor, *, shape_known: bool) -> tuple[Problem, Tensor]:
    """The least-squares problem of n frames in their crop cameras, and the joint angles of `rotations` to start it from.

    Args:
        kinematics: of the right hand.
        found: keypoints, their standard deviations, and the uncertainty of the estimated pose.
        rotations: [n, 16, 3, 3], the centre of the Gaussian pose prior.
        shape_known: β is fixed for each frame; otherwise all frames share one free β.
    """
    angles = joint_angles(rotations, kinematics.frames)[:, 1:].reshape(-1, ANGLE_COUNT)
    uncertainty = found.pose_uncertainty
    problem = Problem(
        kinematics,
        PosePrior(angles, torch.eye(ANGLE_COUNT) / uncertainty.joint_std**2, pose_prior().limits),
        found.normalized_keypoints,
        torch.eye(3),
        found.keypoint_std,
        shape_known=shape_known,
        shape_shared=not shape_known,
        root_prior_mean=rotations[:, 0],
        root_prior_std=torch.tensor([uncertainty.root_std]),
    )
    return problem, angles


def joint_information(model: HandModel, frames: Estimate, betas: Tensor) -> ShapeInformation:
    """Fit K frames together, and return what each of them says about the shape.

    Args:
        model: the right hand.
        frames: estimates of the K frames.
        betas: [10], where the fit starts.
    """
    count = len(frames)
    shapes = betas.float()[None]
    problem, angles = fit_problem(Kinematics(model), frames, frames.baseline, shape_known=False)
    joints = model.joints(frames.baseline, shapes.expand(count, 10), torch.zeros(3))
    start = Parameters(
        angles, frames.baseline[:, 0], solve_translation(joints, frames.normalized_keypoints, torch.eye(3)), shapes
    )
    solved = solve(problem, start, steps=STEPS)
    hessian, gradient = shape_information(problem, solved)
    return ShapeInformation(solved.betas[0].double(), hessian.double(), gradient.double())
