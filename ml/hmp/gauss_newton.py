"""Both stages by Gauss–Newton: some ten steps where the published recipe takes hundreds of Adam.

The unknowns of a window are 6 a frame (root and translation), z, and β, which all windows share. Joints depend on z through the
pose of their own frame, so a frame's Jacobian is that of `ml.fitting.kinematics` times the decoder's. Velocities tie
neighbouring frames; a window's normal matrix of some 900 unknowns is factorised whole, and β is what the windows' Schur
complements leave. Damping is Levenberg's, one factor a window.

The decoder's Jacobian is most of the work, and smooth in time: it is computed in every fourth frame and interpolated. The
gradient is exact, so the minimum is the same.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final, NamedTuple

import roma
import torch
from torch import Tensor

from ml.fitting.kinematics import ANGLE_COUNT, FINGER_POINTS
from ml.fitting.placement import MIN_DEPTH
from ml.hand.camera import project
from ml.hmp.terms import ROBUST_PIXELS, MotionProblem, MotionState

STEPS: Final = 12
TOLERANCE: Final = 2e-3
FIRST_TOLERANCE: Final = 1e-2
"""That of stage I: stage II goes on with the same unknowns."""
SPACING: Final = 4
"""Frames from one whose Jacobian is computed to the next."""


def gauss_newton(
    problem: MotionProblem, start: MotionState, watch: Callable[[int, MotionState], None] = lambda step, state: None
) -> MotionState:
    """Minimise from `start`; `watch` is called after each step, and may stop the work by raising."""
    state, angles, by_z = start, problem.pose(start), _pose_by_latent(problem, start)
    losses = problem.total(state, angles)
    damping = torch.full_like(losses, 1e-3)
    tolerance = TOLERANCE if problem.is_second else FIRST_TOLERANCE
    for step in range(STEPS):
        trial = _step(problem, state, angles, by_z, damping)
        trial_angles = problem.pose(trial)
        kept = replace(state, betas=trial.betas)
        kept_losses = losses if problem.shape_known else problem.total(kept, angles)
        trial_losses = problem.total(trial, trial_angles)
        better = trial_losses < kept_losses
        reached = torch.where(better, trial_losses, kept_losses)
        gain = float((losses - reached).double().sum())
        if not gain > 0:
            damping = damping * 10
            if float(damping.min()) > 1e6:
                break
            continue
        state, losses = _select(better, trial, kept), reached
        angles = torch.where(better[:, None, None], trial_angles, angles)
        damping = torch.where(better, damping * 0.2, damping * 10).clamp(1e-8, 1e8)
        watch(step, state)
        if gain < tolerance * float(losses.double().sum()):
            break
        by_z = _pose_by_latent(problem, state)
    return state


class _ByLatent(NamedTuple):
    """Derivatives of the angles by z in m of the n frames [W, m, 45, d], and the share [n, m] of each in every frame's."""

    computed: Tensor
    share: Tensor

    def of_frames(self) -> Tensor:
        """Interpolated [W, n, 45, d]."""
        count, m, angles, latent = self.computed.shape
        return (self.share @ self.computed.view(count, m, -1)).view(count, -1, angles, latent)

    def gathered(self, per_frame: Tensor) -> Tensor:
        """What every frame [W, n, k] adds to the computed ones [W, m, k]."""
        return self.share.mT @ per_frame


def _pose_by_latent(problem: MotionProblem, state: MotionState) -> _ByLatent | None:
    """None where z is no unknown."""
    if not problem.is_second:
        return None
    n = len(problem.times)
    chosen = torch.unique(torch.cat([torch.arange(0, n, SPACING), torch.tensor([n - 1])]))
    _, computed = problem.prior.decode_with_jacobian(state.z, problem.times[chosen])
    frames = torch.arange(n)
    after = torch.searchsorted(chosen, frames)
    before = (after - 1).clamp_min(0)
    gap = (chosen[after] - chosen[before]).clamp_min(1)
    late = (frames - chosen[before]) / gap
    share = computed.new_zeros(n, len(chosen))
    share[frames, before] += (1 - late).to(share)
    share[frames, after] += late.to(share)
    return _ByLatent(computed, share)


@torch.enable_grad()
def _latent_gradient(problem: MotionProblem, z: Tensor, by_pose: Tensor) -> Tensor:
    """By z [W, d], from that by the angles [W, n, 45]."""
    z = z.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(problem.prior.decode(z, problem.times), z, by_pose)
    return gradient


class _Pixels(NamedTuple):
    """Normal equations of the keypoints in each of B frames: by root and translation (6), pose (45), β (10)."""

    rigid: Tensor  # [B, 6, 6]
    rigid_gradient: Tensor  # [B, 6]
    pose: Tensor  # [B, 5, 9, 9], a block a finger
    pose_gradient: Tensor  # [B, 45]
    pose_rigid: Tensor  # [B, 45, 6]
    shape: Tensor  # [B, 10, 10]
    shape_gradient: Tensor  # [B, 10]
    rigid_shape: Tensor  # [B, 6, 10]
    pose_shape: Tensor  # [B, 45, 10]


def _step(problem: MotionProblem, state: MotionState, angles: Tensor, by_z: _ByLatent | None, damping: Tensor) -> MotionState:
    count, n = angles.shape[:2]
    latent = 0 if by_z is None else by_z.computed.shape[-1]
    scales = problem.scales()
    seen = _pixels(problem, state, angles, scales["keypoints"])
    hessian = angles.new_zeros(count, 6 * n + latent, 6 * n + latent)
    gradient = angles.new_zeros(count, 6 * n + latent)
    coupling = angles.new_zeros(count, 6 * n + latent, 10)
    frames = hessian[:, : 6 * n, : 6 * n].view(count, n, 6, n, 6)  # a view: [W, n, 6, n, 6]
    per_frame = gradient[:, : 6 * n].view(count, n, 6)
    _add_pixels(seen, frames, per_frame)
    _add_velocities(problem, state, frames, per_frame)
    coupling[:, : 6 * n] = seen.rigid_shape.view(count, 6 * n, 10)
    if by_z is not None:
        latents = slice(6 * n, None)
        computed = by_z.computed.flatten(0, 1)  # [W · m, 45, d]
        blocks = by_z.gathered(seen.pose.view(count, n, -1)).view(-1, 5, 9, 9)
        weighted = (blocks @ computed.view(-1, 5, 9, latent)).view(count, -1, latent)
        prior = scales["prior"][:, None] / problem.z_std.square()
        flat = by_z.computed.flatten(1, 2)  # [W, m · 45, d]
        hessian[:, latents, latents] = flat.mT @ weighted + torch.diag_embed(prior)
        cross = (by_z.of_frames().flatten(0, 1).mT @ seen.pose_rigid).view(count, n, latent, 6).transpose(1, 2).flatten(2)
        hessian[:, latents, : 6 * n], hessian[:, : 6 * n, latents] = cross, cross.mT
        by_latent = _latent_gradient(problem, state.z, seen.pose_gradient.view(count, n, ANGLE_COUNT))
        gradient[:, latents] = by_latent + prior * (state.z - problem.initial.z)
        by_shape = by_z.gathered(seen.pose_shape.view(count, n, -1)).view(count, -1, 10)
        coupling[:, latents] = flat.mT @ by_shape
    diagonal = hessian.diagonal(dim1=1, dim2=2)
    diagonal.mul_(1 + damping[:, None]).add_(1e-9 * diagonal.amax(1, keepdim=True))
    factor = torch.linalg.cholesky_ex(hessian).L
    if problem.shape_known:
        change = -torch.cholesky_solve(gradient[..., None], factor)[..., 0]
        return _applied(state, change, None, n)
    solved = torch.cholesky_solve(torch.cat([gradient[..., None], coupling], -1), factor)
    own, by_shape = solved[..., 0], solved[..., 1:]
    weight = scales["shape"][:, None]
    reduced = seen.shape.view(count, n, 10, 10).sum(1) - coupling.mT @ by_shape + torch.diag_embed(weight.expand(-1, 10))
    target = seen.shape_gradient.view(count, n, 10).sum(1) - (coupling.mT @ own[..., None])[..., 0]
    target = target + weight * (state.betas - problem.initial.betas)
    hands = int(problem.hand.max()) + 1
    summed = reduced.new_zeros(hands, 10, 10).index_add_(0, problem.hand, reduced)
    betas = -torch.linalg.solve(summed, target.new_zeros(hands, 10).index_add_(0, problem.hand, target))[problem.hand]
    return _applied(state, -own - (by_shape @ betas[..., None])[..., 0], betas, n)


def _add_pixels(seen: _Pixels, hessian: Tensor, gradient: Tensor) -> None:
    """The keypoints, into hessian [W, n, 6, n, 6] and gradient [W, n, 6]."""
    count, n = gradient.shape[:2]
    place = torch.arange(n)
    gradient += seen.rigid_gradient.view(count, n, 6)
    hessian[:, place, :, place] += seen.rigid.view(count, n, 6, 6).transpose(0, 1)


def _add_velocities(problem: MotionProblem, state: MotionState, hessian: Tensor, gradient: Tensor) -> None:
    """The terms that see root and translation alone, into hessian [W, n, 6, n, 6] and gradient [W, n, 6]."""
    scales, place = problem.scales(), torch.arange(gradient.shape[1])
    per_kind = torch.stack([scales["orientation"], scales["translation"]], 1).repeat_interleave(3, 1)  # [W, 6]
    turn = roma.rotmat_to_rotvec(state.root @ problem.initial.root.mT)
    residual = torch.cat([turn, state.translation - problem.initial.translation], -1)
    weight = per_kind[:, None] * problem.valid[..., None]
    # frames past the end of the motion move nothing that is seen, and stay
    own = weight + (~problem.valid[..., None]) * per_kind.amax(1)[:, None, None].clamp_min(1e-6)
    gradient += weight * residual
    hessian[:, place, :, place] += torch.diag_embed(own).transpose(0, 1)
    speed = torch.stack([scales["turning"], scales["moving"]], 1).repeat_interleave(3, 1)[:, None] * problem.pairs[..., None]
    moved = speed * torch.cat([problem.turning(state), problem.moving(state)], -1)
    gradient[:, 1:] += moved
    gradient[:, :-1] -= moved
    between = torch.diag_embed(speed).transpose(0, 1)
    here, there = place[:-1], place[1:]
    hessian[:, here, :, here] += between
    hessian[:, there, :, there] += between
    hessian[:, here, :, there] -= between
    hessian[:, there, :, here] -= between


def _pixels(problem: MotionProblem, state: MotionState, angles: Tensor, scale: Tensor) -> _Pixels:
    n = angles.shape[1]
    posed = problem.kinematics.jacobian(
        angles.flatten(0, 1), state.root.flatten(0, 1), state.translation.flatten(0, 1), problem.frame_betas(state)
    )
    depth = posed.joints[..., 2].clamp_min(MIN_DEPTH)
    joints = torch.cat([posed.joints[..., :2], depth[..., None]], -1)
    residual = project(joints, problem.intrinsics) - problem.pixels.flatten(0, 1)
    alpha = (problem.alpha * problem.valid[..., None]).flatten(0, 1)
    # iteratively reweighted: ρ'(e) / 2e of Geman–McClure
    root = ROBUST_PIXELS**2 / (ROBUST_PIXELS**2 + residual.square())
    root = root * (alpha * scale.sqrt().repeat_interleave(n)[:, None])[..., None]  # [B, 21, 2]
    focal = torch.stack([problem.intrinsics[0, 0], problem.intrinsics[1, 1]])
    rate = root * focal / depth[..., None]
    slope = joints[..., :2] / depth[..., None]

    def projected(by: Tensor, points: Tensor | slice) -> Tensor:
        """Weighted pixel derivatives [B, …, 2, k] from derivatives [B, 3, …, k] of points."""
        x, y, z = by.unbind(1)
        own_slope, own_rate = slope[:, points], rate[:, points]
        rows = [own_rate[..., k, None] * (moved - own_slope[..., k, None] * z) for k, moved in enumerate((x, y))]
        return torch.stack(rows, -2)

    every = slice(None)
    moved = torch.eye(3, dtype=angles.dtype).view(1, 3, 1, 3).expand(len(joints), 3, 21, 3)
    rigid = torch.cat([projected(posed.by_root.transpose(1, 2), every), projected(moved, every)], -1)  # [B, 21, 2, 6]
    shape = projected(posed.by_shape, every)
    fingers = projected(posed.by_finger, FINGER_POINTS).flatten(2, 3)  # [B, 5, 6, 9]
    weighted = root * residual
    rigid_of_finger, shape_of_finger = (x[:, FINGER_POINTS].flatten(2, 3) for x in (rigid, shape))
    rigid, shape, every_residual = rigid.flatten(1, 2), shape.flatten(1, 2), weighted.flatten(1)[..., None]
    return _Pixels(
        rigid.mT @ rigid,
        (rigid.mT @ every_residual)[..., 0],
        fingers.mT @ fingers,
        (fingers.mT @ weighted[:, FINGER_POINTS].flatten(2, 3)[..., None]).flatten(1),
        (fingers.mT @ rigid_of_finger).flatten(1, 2),
        shape.mT @ shape,
        (shape.mT @ every_residual)[..., 0],
        rigid.mT @ shape,
        (fingers.mT @ shape_of_finger).flatten(1, 2),
    )


def _applied(state: MotionState, change: Tensor, betas: Tensor | None, n: int) -> MotionState:
    own = change[:, : 6 * n].reshape(-1, n, 6)
    return MotionState(
        roma.rotvec_to_rotmat(own[..., :3]) @ state.root,
        state.translation + own[..., 3:],
        state.betas if betas is None else state.betas + betas,
        state.z if change.shape[1] == 6 * n else state.z + change[:, 6 * n :],
    )


def _select(chosen: Tensor, a: MotionState, b: MotionState) -> MotionState:
    """The windows of `a` where `chosen` [W], else those of `b`; β is that of `a`."""
    return MotionState(
        torch.where(chosen[:, None, None, None], a.root, b.root),
        torch.where(chosen[:, None, None], a.translation, b.translation),
        a.betas,
        torch.where(chosen[:, None], a.z, b.z),
    )
