"""Gauss–Newton fit of a hand to 2D joints in many frames at once, with one shape for all of them.

The normal equations have a block of 51 unknowns for each frame (45 angles, root rotation, translation) and one of 10 for
the shape they share. The Schur complement eliminates the frames: a step costs B small Cholesky factorisations and one 10 × 10
solve, whatever B is. Damping is Levenberg's, one factor a frame, raised where a step made that frame worse.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import roma
import torch
from torch import Tensor

from ml.fitting.kinematics import ANGLE_COUNT, FINGER_POINTS, JointJacobian, Kinematics
from ml.fitting.landmark_trust import Landmarks3D
from ml.fitting.placement import MIN_DEPTH, is_plausible, weak_perspective_translation
from ml.fitting.prior import PosePrior
from ml.hand.camera import project

FRAME_UNKNOWNS = ANGLE_COUNT + 6

IMPLAUSIBLE_COST = 1e6
"""Of a frame whose hand is behind the camera or far from its detected size: more than any other, and finite, so that such a
frame neither wins nor makes sums over frames meaningless."""
MAX_SHAPE = 6.0  # of any β ~ N(0, 1) of one image: beyond it a mesh is no hand, though its joints may fit


@dataclass(frozen=True)
class Parameters:
    """Of B frames: `angles` [B, 45], `root` [B, 3, 3], `translation` [B, 3] (m), `betas` [1, 10], or [B, 10] where unshared."""

    angles: Tensor
    root: Tensor
    translation: Tensor
    betas: Tensor

    def rows(self, frames: Tensor) -> Parameters:
        """Those of some frames; a shared β is the same."""
        betas = self.betas if len(self.betas) == 1 else self.betas[frames]
        return Parameters(self.angles[frames], self.root[frames], self.translation[frames], betas)

    @classmethod
    def concatenated(cls, parts: Sequence[Parameters]) -> Parameters:
        """Several runs of frames as one; a shared β is that of the first."""
        angles, root, translation = (torch.cat([getattr(p, k) for p in parts]) for k in ("angles", "root", "translation"))
        betas = parts[0].betas if len(parts[0].betas) == 1 else torch.cat([p.betas for p in parts])
        return cls(angles, root, translation, betas)


@dataclass(frozen=True)
class Problem:
    """What is minimised: Σ ρ(reprojection) + Σ ρ(distance from landmarks in space) + pose prior + ½ w ‖β‖².

    Attributes:
        kinematics: of the hand model.
        prior: over angles.
        pixels: [B, 21, 2].
        intrinsics: [3, 3], px.
        pixel_std: [B, 21], px: standard deviation of each detected joint.
        robust_scale: σ of Geman–McClure, ρ(e) = ½ σ² e² / (σ² + e²), in units of `pixel_std`.
        shape_weight: w; 1 for a β of one frame. Detection errors of neighbouring frames are correlated, so for a shared β
            w grows with the number of frames.
        shape_known: β is given and stays fixed.
        shape_shared: one β for all frames; else each frame is an image of its own.
        root_prior_mean: [B, 3, 3], mean of a Gaussian prior on the root rotation; None for no prior.
        root_prior_std: radians, its standard deviation [1] or [B].
        landmarks: joints in space from other sources.
        landmark_robust_scale: `robust_scale` of those, in units of their `std`.
    """

    kinematics: Kinematics
    prior: PosePrior
    pixels: Tensor
    intrinsics: Tensor
    pixel_std: Tensor
    robust_scale: float = 6.0
    shape_weight: float = 1.0
    shape_known: bool = False
    shape_shared: bool = True
    root_prior_mean: Tensor | None = None
    root_prior_std: Tensor = field(default_factory=lambda: torch.ones(1))
    landmarks: tuple[Landmarks3D, ...] = ()
    landmark_robust_scale: float = 4.0

    def rows(self, frames: Tensor) -> Problem:
        """The same problem for some frames only."""
        return replace(
            self,
            prior=self.prior.rows(frames),
            pixels=self.pixels[frames],
            pixel_std=self.pixel_std[frames],
            root_prior_mean=None if self.root_prior_mean is None else self.root_prior_mean[frames],
            root_prior_std=self.root_prior_std if len(self.root_prior_std) == 1 else self.root_prior_std[frames],
            landmarks=tuple(one.rows(frames) for one in self.landmarks),
        )

    def root_residual(self, root: Tensor) -> Tensor:
        """Rotation vectors [B, 3] from `root_prior_mean` to root rotations [B, 3, 3], in units of `root_prior_std`."""
        assert self.root_prior_mean is not None
        residual: Tensor = roma.rotmat_to_rotvec(root @ self.root_prior_mean.mT) / self.root_prior_std[:, None]
        return residual

    def costs(self, p: Parameters) -> tuple[Tensor, Tensor]:
        """Cost [B] of each frame and of the shape [1 or B]; `IMPLAUSIBLE_COST` for what cannot be a hand where it is."""
        joints = self.kinematics.joints(p.angles, p.root, p.translation, p.betas)
        projected = project(joints, self.intrinsics).nan_to_num(posinf=1e9, neginf=-1e9)
        squared = ((projected - self.pixels) / self.pixel_std[..., None]).square().sum(-1)
        frames = _geman_mcclure(squared, self.robust_scale).sum(-1) + self.prior.cost(p.angles)
        for one in self.landmarks:
            squared = one.aligned(joints)[0].square().sum(-1)
            frames = frames + _geman_mcclure(squared, self.landmark_robust_scale).sum(-1)
        if self.root_prior_mean is not None:
            frames = frames + 0.5 * self.root_residual(p.root).square().sum(-1)
        # a hand behind the camera also projects: it must never be accepted
        allowed = is_plausible(joints, self.pixels, projected)
        if not self.shape_known and not self.shape_shared:
            allowed = allowed & (p.betas.abs() <= MAX_SHAPE).all(-1)
        frames = torch.where(allowed, frames, torch.full_like(frames, IMPLAUSIBLE_COST))
        return frames, 0.5 * self.shape_weight * p.betas.square().sum(-1)

    def total(self, p: Parameters) -> float:
        """The whole objective."""
        frames, shape = self.costs(p)
        return float(frames.sum() + (0 if self.shape_known else shape.sum()))


def _geman_mcclure(squared: Tensor, scale: float) -> Tensor:
    return 0.5 * scale**2 * squared / (scale**2 + squared)


def solve(problem: Problem, start: Parameters, *, steps: int = 25, tolerance: float = 1e-4) -> Parameters:
    """Minimise from `start`; at most `steps` Gauss–Newton steps, fewer when the objective converges.

    Frames that start behind the camera, or far from their detected size, are first moved to where they are seen.
    """
    best = _plausible_start(problem, start)
    frames, shape = problem.costs(best)
    damping = torch.full_like(frames, 1e-2)
    shares_shape = problem.shape_shared and not problem.shape_known
    for _ in range(steps):
        trial = _step(problem, best, damping)
        new_frames, new_shape = problem.costs(trial)
        if shares_shape:
            # a frame that the step made worse keeps its pose, and takes part in the new shape only
            kept = replace(best, betas=trial.betas)
            kept_frames, _ = problem.costs(kept)
            better = new_frames <= kept_frames
            gain = float((frames - torch.minimum(new_frames, kept_frames)).double().sum() + (shape - new_shape).double().sum())
            if not gain > 0:
                # the whole step is rejected: damp every frame, and those that got worse more
                damping = damping * torch.where(better, 3.0, 10.0)
                if float(damping.min()) > 1e6:
                    break
                continue
            best = _select(better, trial, kept)
            frames, shape = torch.minimum(new_frames, kept_frames), new_shape
        else:
            own_shape = torch.zeros_like(frames) if problem.shape_known else shape
            new_own_shape = torch.zeros_like(frames) if problem.shape_known else new_shape
            better = new_frames + new_own_shape < frames + own_shape
            gain = float((frames - new_frames)[better].double().sum())
            best, frames = _select(better, trial, best), torch.where(better, new_frames, frames)
            shape = torch.where(better, new_shape, shape) if not problem.shape_known else shape
        damping = torch.where(better, damping * 0.2, damping * 8.0).clamp(1e-6, 1e8)
        fitted = frames[frames < IMPLAUSIBLE_COST]
        if gain < tolerance * float(fitted.sum()) and bool(better.any()):
            break
    return best


def _plausible_start(problem: Problem, p: Parameters) -> Parameters:
    """The same parameters, with the hands that cannot be where they are placed where they are seen."""
    frames, _ = problem.costs(p)
    wrong = frames >= IMPLAUSIBLE_COST
    if not bool(wrong.any()):
        return p
    joints = problem.kinematics.joints(p.angles, p.root, torch.zeros_like(p.translation), p.betas)
    placed = weak_perspective_translation(joints, problem.pixels, problem.intrinsics)
    return replace(p, translation=torch.where(wrong[:, None], placed, p.translation))


def _select(chosen: Tensor, a: Parameters, b: Parameters) -> Parameters:
    """The frames of `a` where `chosen` [B], else those of `b`; a shared β is that of `a`."""
    return Parameters(
        torch.where(chosen[:, None], a.angles, b.angles),
        torch.where(chosen[:, None, None], a.root, b.root),
        torch.where(chosen[:, None], a.translation, b.translation),
        torch.where(chosen[:, None], a.betas, b.betas) if len(a.betas) > 1 else a.betas,
    )


def _step(problem: Problem, p: Parameters, damping: Tensor) -> Parameters:
    linear = _linearise(problem, p)
    hessian, gradient = _normal_equations(problem, p, linear)
    hessian.diagonal(dim1=1, dim2=2).mul_(1 + damping[:, None]).add_(1e-6)
    factor = torch.linalg.cholesky_ex(hessian).L  # with the prior in it, it is positive definite
    if problem.shape_known:
        return _applied(p, -torch.cholesky_solve(gradient[..., None], factor)[..., 0], None)
    reduced = _eliminate_frames(linear, gradient, factor)
    shape_hessian, shape_gradient = reduced.hessian, reduced.gradient[..., None]
    if problem.shape_shared:
        shape_hessian, shape_gradient = shape_hessian.sum(0, keepdim=True), shape_gradient.sum(0, keepdim=True)
    prior = problem.shape_weight * torch.eye(10, dtype=p.betas.dtype)
    change = -torch.linalg.solve(shape_hessian + prior, shape_gradient + (p.betas @ prior)[..., None])[..., 0]
    return _applied(p, -reduced.own - (reduced.coupling @ change[..., None])[..., 0], change)


def joint_uncertainty(problem: Problem, p: Parameters) -> Tensor:
    """Standard deviation [B, 21] (m) of each joint's distance from its place in the hand, at a solution with its shape given.

    The Gauss–Newton posterior of pose and root, without where the whole hand is: what neither pixels nor landmarks show is as
    uncertain as the priors leave it.
    """
    posed = problem.kinematics.jacobian(p.angles, p.root, p.translation, p.betas)
    hessian, _ = _normal_equations(problem, p, _linearise(problem, p))
    hessian.diagonal(dim1=1, dim2=2).add_(1e-6)
    count = len(p.angles)
    by = hessian.new_zeros(count, 21, 3, FRAME_UNKNOWNS)
    for finger, points in enumerate(FINGER_POINTS):
        by[:, points, :, 9 * finger : 9 * finger + 9] = posed.by_finger[:, :, finger].transpose(1, 2)
    by[..., ANGLE_COUNT : ANGLE_COUNT + 3] = posed.by_root
    by = (by - by.mean(1, keepdim=True)).flatten(1, 2)
    solved = torch.linalg.solve_triangular(torch.linalg.cholesky_ex(hessian).L, by.mT, upper=False)
    std: Tensor = solved.square().sum(1).view(count, 21, 3).sum(-1).sqrt()
    return std


def pose_equations(problem: Problem, p: Parameters) -> tuple[Tensor, Tensor]:
    """Gauss–Newton Hessian [B, 51, 51] and gradient [B, 51] of each frame's cost by angles, root and translation."""
    return _normal_equations(problem, p, _linearise(problem, p))


def apply_step(p: Parameters, step: Tensor) -> Parameters:
    """Parameters moved by a step [B, 51]: angles, rotation vector on the left of the root, translation."""
    return _applied(p, step, None)


def shape_information(problem: Problem, p: Parameters) -> tuple[Tensor, Tensor]:
    """Each frame's information about β with its pose and translation marginalised, linearised at p, without the prior on β.

    Returns:
        Hessian [B, 10, 10] and gradient [B, 10] of its cost.
    """
    linear = _linearise(problem, p)
    hessian, gradient = _normal_equations(problem, p, linear)
    hessian.diagonal(dim1=1, dim2=2).add_(1e-6)
    reduced = _eliminate_frames(linear, gradient, torch.linalg.cholesky_ex(hessian).L)
    return reduced.hessian, reduced.gradient


class _ShapeSystem(NamedTuple):
    """The normal equations of β once a frame's own unknowns are eliminated: `hessian` [B, 10, 10] and `gradient` [B, 10];
    back-substitution takes `own` [B, 51] and `coupling` [B, 51, 10].
    """

    hessian: Tensor
    gradient: Tensor
    own: Tensor
    coupling: Tensor


def _eliminate_frames(linear: _Linear, gradient: Tensor, factor: Tensor) -> _ShapeSystem:
    """The Schur complement, from the Cholesky factor [B, 51, 51] of the frames' own Hessian."""
    fingers = (linear.by_finger.mT @ linear.by_shape[:, FINGER_POINTS].flatten(2, 3)).flatten(1, 2)
    every = linear.by_shape.flatten(1, 2)
    cross = torch.cat([fingers, linear.by_rigid.flatten(1, 2).mT @ every], 1)
    solved = torch.cholesky_solve(torch.cat([gradient[..., None], cross], -1), factor)
    own, coupling = solved[..., 0], solved[..., 1:]
    shape_gradient = every.mT @ linear.residual.flatten(1)[..., None] - cross.mT @ own[..., None]
    return _ShapeSystem(every.mT @ every - cross.mT @ coupling, shape_gradient[..., 0], own, coupling)


class _Linear(NamedTuple):
    """Weighted residuals [B, 21, R] and their Jacobians: by each finger's angles [B, 5, 3 · R, 9] (of its `FINGER_POINTS`),
    by root and translation [B, 21, R, 6], by shape [B, 21, R, 10]. R is 2 for pixels and 3 more for each `Landmarks3D`.
    """

    residual: Tensor
    by_finger: Tensor
    by_rigid: Tensor
    by_shape: Tensor


def _linearise(problem: Problem, p: Parameters) -> _Linear:
    posed = problem.kinematics.jacobian(p.angles, p.root, p.translation, p.betas)
    parts = [_linearise_pixels(problem, posed), *(_linearise_landmarks(problem, one, posed) for one in problem.landmarks)]
    if len(parts) == 1:
        return parts[0]
    count = len(p.angles)
    return _Linear(
        torch.cat([part.residual for part in parts], -1),
        torch.cat([part.by_finger.view(count, 5, 3, -1, 9) for part in parts], 3).flatten(2, 3),
        torch.cat([part.by_rigid for part in parts], 2),
        torch.cat([part.by_shape for part in parts], 2),
    )


def _linearise_landmarks(problem: Problem, landmarks: Landmarks3D, posed: JointJacobian) -> _Linear:
    """The best scale and offset are fixed in a step; they are optimal at its start, so the gradient is exact."""
    residual, size = landmarks.aligned(posed.joints)
    weight = problem.landmark_robust_scale**2 / (problem.landmark_robust_scale**2 + residual.square().sum(-1))
    scale = (size[:, None] * weight / landmarks.std)[..., None, None]  # [B, 21, 1, 1]
    share = (1 / landmarks.std.square() / (1 / landmarks.std.square()).sum(1, keepdim=True))[..., None, None]
    by_root = posed.by_root - (share * posed.by_root).sum(1, keepdim=True)
    by_shape = posed.by_shape.transpose(1, 2)
    by_shape = by_shape - (share * by_shape).sum(1, keepdim=True)
    by_finger = posed.by_finger.permute(0, 2, 3, 1, 4) * scale[:, FINGER_POINTS]  # [B, 5, 3, 3, 9]
    return _Linear(
        weight[..., None] * residual,
        by_finger.flatten(2, 3),
        torch.cat([scale * by_root, torch.zeros_like(by_root)], -1),
        scale * by_shape,
    )


def _linearise_pixels(problem: Problem, posed: JointJacobian) -> _Linear:
    joints = posed.joints
    depth = joints[..., 2].clamp_min(MIN_DEPTH)
    focal = torch.stack([problem.intrinsics[0, 0], problem.intrinsics[1, 1]])
    in_front = torch.cat([joints[..., :2], depth[..., None]], -1)
    residual = (project(in_front, problem.intrinsics) - problem.pixels) / problem.pixel_std[..., None]
    # iteratively reweighted: the root of ρ'(e)/e of Geman–McClure
    weight = problem.robust_scale**2 / (problem.robust_scale**2 + residual.square().sum(-1))
    # a hand at the camera has no meaningful derivative, and must not pull the shared shape
    weight = weight * (joints[..., 2] >= MIN_DEPTH).all(-1, keepdim=True)
    scale = weight[..., None] * focal / (depth * problem.pixel_std)[..., None]  # [B, 21, 2]
    slope = joints[..., :2] / depth[..., None]

    def projected(by: Tensor, points: Tensor | slice) -> Tensor:
        """Weighted pixel derivatives [B, …, 2, n] from derivatives [B, 3, …, n] of points."""
        x, y, z = by.unbind(1)
        point_slope, point_scale = slope[:, points], scale[:, points]
        rows = [point_scale[..., k, None] * (moved - point_slope[..., k, None] * z) for k, moved in enumerate((x, y))]
        return torch.stack(rows, -2)

    every = slice(None)
    by_root = projected(posed.by_root.transpose(1, 2), every)
    zero = torch.zeros_like(depth)
    by_translation = torch.stack(
        [
            torch.stack([scale[..., 0], zero, -scale[..., 0] * slope[..., 0]], -1),
            torch.stack([zero, scale[..., 1], -scale[..., 1] * slope[..., 1]], -1),
        ],
        -2,
    )
    return _Linear(
        weight[..., None] * residual,
        projected(posed.by_finger, FINGER_POINTS).flatten(2, 3),
        torch.cat([by_root, by_translation], -1),
        projected(posed.by_shape, every),
    )


def _normal_equations(problem: Problem, p: Parameters, linear: _Linear) -> tuple[Tensor, Tensor]:
    """Hessian [B, 51, 51] and gradient [B, 51] of the frames' own unknowns.

    A finger's angles move its own points alone, so five blocks of 9 × 9 are all that the images add to them.
    """
    count = len(p.angles)
    by_finger, by_rigid = linear.by_finger, linear.by_rigid.flatten(1, 2)
    rigid_of_finger = linear.by_rigid[:, FINGER_POINTS].flatten(2, 3)  # [B, 5, 6, 6]
    prior_hessian, prior_gradient = problem.prior.normal_equations(p.angles)
    hessian = by_rigid.new_zeros(count, FRAME_UNKNOWNS, FRAME_UNKNOWNS)
    hessian[:, :ANGLE_COUNT, :ANGLE_COUNT] = prior_hessian
    blocks = by_finger.mT @ by_finger
    for finger in range(5):
        own = slice(9 * finger, 9 * finger + 9)
        hessian[:, own, own] += blocks[:, finger]
    coupling = (by_finger.mT @ rigid_of_finger).flatten(1, 2)
    hessian[:, :ANGLE_COUNT, ANGLE_COUNT:] = coupling
    hessian[:, ANGLE_COUNT:, :ANGLE_COUNT] = coupling.mT
    hessian[:, ANGLE_COUNT:, ANGLE_COUNT:] = by_rigid.mT @ by_rigid
    by_points = linear.residual[:, FINGER_POINTS].flatten(2, 3)[..., None]
    gradient = torch.cat(
        [
            (by_finger.mT @ by_points).flatten(1) + prior_gradient,
            (by_rigid.mT @ linear.residual.flatten(1)[..., None])[..., 0],
        ],
        1,
    )
    if problem.root_prior_mean is not None:
        turn = slice(ANGLE_COUNT, ANGLE_COUNT + 3)
        hessian[:, turn, turn] += torch.eye(3, dtype=hessian.dtype) / problem.root_prior_std[:, None, None] ** 2
        gradient[:, turn] += problem.root_residual(p.root) / problem.root_prior_std[:, None]
    return hessian, gradient


def _applied(p: Parameters, step: Tensor, shape_step: Tensor | None) -> Parameters:
    turn = roma.rotvec_to_rotmat(step[:, ANGLE_COUNT : ANGLE_COUNT + 3])
    return Parameters(
        p.angles + step[:, :ANGLE_COUNT],
        turn @ p.root,
        p.translation + step[:, ANGLE_COUNT + 3 :],
        p.betas if shape_step is None else p.betas + shape_step,
    )
