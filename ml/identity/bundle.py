"""What the 2D joints of several pictures say of the one hand in all of them.

A bone that is seen from many sides in many poses shows its length against the others', however well or badly each picture by
itself shows it. So the pictures are fitted together: each has a pose and a place of its own near the network's, all have one β.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from ml.fitting.inverse_kinematics import solve_translation
from ml.fitting.kinematics import ANGLES, Kinematics
from ml.fitting.prior import PosePrior, pose_prior
from ml.fitting.solver import Parameters, Problem, shape_information, solve
from ml.hand.joint_limits import joint_angles
from ml.hand.model import HandModel
from ml.identity.estimate import Estimate

STEPS = 15


class Information(NamedTuple):
    """The cost of each picture about `betas` [10], pose and place free: Hessian [K, 10, 10] and gradient [K, 10], float64."""

    betas: Tensor
    hessian: Tensor
    gradient: Tensor


def problem_of(kinematics: Kinematics, found: Estimate, rotations: Tensor, *, shape_known: bool) -> tuple[Problem, Tensor]:
    """Joints where they were seen, pose near rotations [n, 16, 3, 3], in the crops' cameras; and those rotations' angles."""
    angles = joint_angles(rotations, kinematics.frames)[:, 1:].reshape(-1, ANGLES)
    problem = Problem(
        kinematics,
        PosePrior(angles, torch.eye(ANGLES) / found.trust.stray**2, pose_prior().limits),
        found.sight,
        torch.eye(3),
        found.noise,
        shape_known=shape_known,
        shape_shared=not shape_known,
        root_near=rotations[:, 0],
        root_spread=found.trust.turn,
    )
    return problem, angles


def joint_information(model: HandModel, pictures: Estimate, betas: Tensor) -> Information:
    """Fit K pictures together from a first guess betas [10], and tell what each of them says.

    Args:
        model: the right hand.
        pictures: what was estimated in them.
        betas: where to begin.
    """
    count = len(pictures)
    shapes = betas.float()[None]
    problem, angles = problem_of(Kinematics(model), pictures, pictures.baseline, shape_known=False)
    joints = model.joints(pictures.baseline, shapes.expand(count, 10), torch.zeros(3))
    start = Parameters(angles, pictures.baseline[:, 0], solve_translation(joints, pictures.sight, torch.eye(3)), shapes)
    solved = solve(problem, start, steps=STEPS)
    hessian, gradient = shape_information(problem, solved)
    return Information(solved.betas[0].double(), hessian.double(), gradient.double())
