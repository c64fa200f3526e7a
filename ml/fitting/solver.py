"""Gauss–Newton fit of a hand to 2D joints in many frames at once, with one shape for all of them.

The normal equations have a block of 51 unknowns for each frame (45 angles, root rotation, translation) and one of 10 for
the shape they share. The Schur complement eliminates the frames: a step costs B small Cholesky factorisations and one 10 × 10
solve, whatever B is. Damping is Levenberg's, one factor a frame, raised where a step made that frame worse.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import roma
import torch
from torch import Tensor

from ml.fitting.kinematics import ANGLES, Kinematics
from ml.fitting.prior import PosePrior
from ml.hand.camera import project

BLOCK = ANGLES + 6


@dataclass(frozen=True)
class Parameters:
    """Of B frames: `angles` [B, 45], `root` [B, 3, 3], `translation` [B, 3] (m), `betas` [1, 10], or [B, 10] where unshared."""

    angles: Tensor
    root: Tensor
    translation: Tensor
    betas: Tensor


@dataclass(frozen=True)
class Problem:
    """What is minimised: Σ ρ(reprojection) + pose prior + ½ w ‖β‖².

    Attributes:
        kinematics: of the hand model.
        prior: over angles.
        pixels: [B, 21, 2].
        intrinsics: [3, 3], px.
        noise: [B], px: standard deviation of a detected joint, per frame.
        robust: in units of `noise`: σ of Geman–McClure, ρ(e) = ½ σ² e² / (σ² + e²).
        shape_weight: w of a shared β, 1 for a β of one frame. A detector errs alike in neighbouring frames, so n of
            them are no n witnesses: w grows with n.
        shape_known: β is given and stays.
        shape_shared: one β for all frames; else each frame is a picture of its own.
    """

    kinematics: Kinematics
    prior: PosePrior
    pixels: Tensor
    intrinsics: Tensor
    noise: Tensor
    robust: float = 6.0
    shape_weight: float = 1.0
    shape_known: bool = False
    shape_shared: bool = True

    def costs(self, p: Parameters) -> tuple[Tensor, Tensor]:
        """Cost [B] of each frame and of the shape [1 or B]."""
        joints = self.kinematics.model.joints(self.kinematics.matrices(p.angles, p.root), p.betas, p.translation)
        squared = ((project(joints, self.intrinsics) - self.pixels) / self.noise[:, None, None]).square().sum(-1)
        robust = 0.5 * self.robust**2 * squared / (self.robust**2 + squared)
        behind = (joints[..., 2] < 0.02).any(-1)  # a hand behind the camera also projects: never accept it
        frames = robust.sum(-1) + self.prior.cost(p.angles)
        return torch.where(
            behind, torch.full_like(frames, float("inf")), frames
        ), 0.5 * self.shape_weight * p.betas.square().sum(-1)

    def total(self, p: Parameters) -> float:
        """The whole objective."""
        frames, shape = self.costs(p)
        return float(frames.sum() + (0 if self.shape_known else shape.sum()))


def solve(problem: Problem, start: Parameters, *, steps: int = 25, tolerance: float = 1e-4) -> Parameters:
    """Minimise from `start`; at most `steps` Gauss–Newton steps, fewer when the objective settles."""
    best, frames, shape = start, *problem.costs(start)
    damping = torch.full_like(frames, 1e-2)
    for _ in range(steps):
        trial = _step(problem, best, damping)
        new_frames, new_shape = problem.costs(trial)
        if problem.shape_shared and not problem.shape_known:
            gain = float((frames.sum() + shape.sum()) - (new_frames.sum() + new_shape.sum()))
            better = new_frames <= frames
            if not gain > 0:
                # frames that gained by themselves would be lost with the rest: damp all, and those that got worse more
                damping = damping * torch.where(better, 3.0, 10.0)
                if float(damping.min()) > 1e6:
                    break
                continue
            best, frames, shape = trial, new_frames, new_shape
        else:
            own_shape = 0.0 if problem.shape_known else shape
            better = new_frames + (0.0 if problem.shape_known else new_shape) < frames + own_shape
            gain = float((frames - new_frames)[better].sum())
            best, frames = _where(better, trial, best, problem), torch.where(better, new_frames, frames)
            if not problem.shape_known:
                shape = torch.where(better, new_shape, shape)
        damping = torch.where(better, damping * 0.2, damping * 8.0).clamp(1e-6, 1e8)
        if gain < tolerance * float(frames.sum()) and bool(better.any()):
            break
    return best


def _where(better: Tensor, trial: Parameters, best: Parameters, problem: Problem) -> Parameters:
    chosen = Parameters(
        torch.where(better[:, None], trial.angles, best.angles),
        torch.where(better[:, None, None], trial.root, best.root),
        torch.where(better[:, None], trial.translation, best.translation),
        best.betas,
    )
    return chosen if problem.shape_known else replace(chosen, betas=torch.where(better[:, None], trial.betas, best.betas))


def _step(problem: Problem, p: Parameters, damping: Tensor) -> Parameters:
    posed = problem.kinematics.pose(p.angles, p.root, p.translation, p.betas)
    jacobian, shape_jacobian, residual = _linearise(problem, posed.joints, posed.by_angles, posed.by_root, posed.by_shape)
    prior_hessian, prior_gradient = problem.prior.normal(p.angles)
    hessian = jacobian.mT @ jacobian
    gradient = (jacobian.mT @ residual[..., None])[..., 0]
    hessian[:, :ANGLES, :ANGLES] += prior_hessian
    gradient[:, :ANGLES] += prior_gradient
    diagonal = hessian.diagonal(dim1=1, dim2=2)
    hessian = hessian + torch.diag_embed(damping[:, None] * diagonal + 1e-6)
    factor = torch.linalg.cholesky(hessian)
    if problem.shape_known:
        return _moved(p, -torch.cholesky_solve(gradient[..., None], factor)[..., 0], None)
    cross = jacobian.mT @ shape_jacobian
    solved = torch.cholesky_solve(torch.cat([gradient[..., None], cross], -1), factor)
    own, coupling = solved[..., 0], solved[..., 1:]
    shape_hessian = shape_jacobian.mT @ shape_jacobian - cross.mT @ coupling
    shape_gradient = (shape_jacobian.mT @ residual[..., None])[..., 0] - (cross.mT @ own[..., None])[..., 0]
    if problem.shape_shared:
        shape_hessian, shape_gradient = shape_hessian.sum(0, keepdim=True), shape_gradient.sum(0, keepdim=True)
    prior = problem.shape_weight * torch.eye(10, dtype=p.betas.dtype)
    change = -torch.linalg.solve(shape_hessian + prior, (shape_gradient + p.betas @ prior)[..., None])[..., 0]
    return _moved(p, -own - (coupling @ change[..., None])[..., 0], change)


def _linearise(
    problem: Problem, joints: Tensor, by_angles: Tensor, by_root: Tensor, by_shape: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Jacobians [B, 42, 51] and [B, 42, 10] of the weighted residuals [B, 42]."""
    depth = joints[..., 2].clamp_min(0.02)
    focal = torch.stack([problem.intrinsics[0, 0], problem.intrinsics[1, 1]])
    camera = torch.zeros(*joints.shape[:2], 2, 3, dtype=joints.dtype)
    camera[..., 0, 0], camera[..., 1, 1] = focal[0] / depth, focal[1] / depth
    camera[..., 2] = -focal * joints[..., :2] / depth.square()[..., None]
    miss = (project(joints, problem.intrinsics) - problem.pixels) / problem.noise[:, None, None]
    # iteratively reweighted: ρ'(e)/e of Geman–McClure
    weight = (problem.robust**2 / (problem.robust**2 + miss.square().sum(-1))).square()
    scale = (weight.sqrt() / problem.noise[:, None])[..., None, None]
    camera = scale * camera
    jacobian = torch.cat([camera @ by_angles, camera @ by_root, camera], -1)
    residual = weight.sqrt()[..., None] * miss
    return jacobian.flatten(1, 2), (camera @ by_shape).flatten(1, 2), residual.flatten(1)


def _moved(p: Parameters, step: Tensor, shape_step: Tensor | None) -> Parameters:
    turn = roma.rotvec_to_rotmat(step[:, ANGLES : ANGLES + 3])
    return Parameters(
        p.angles + step[:, :ANGLES],
        turn @ p.root,
        p.translation + step[:, ANGLES + 3 :],
        p.betas if shape_step is None else p.betas + shape_step,
    )
