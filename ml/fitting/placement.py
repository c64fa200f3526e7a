"""Where a posed hand is: its translation from 2D joints, guarded so that no hand ends up at the camera.

A pose that does not fit its image makes the depth of a least-squares translation meaningless: behind the camera or so near
that the mesh covers the whole image. So the hand is first put at the depth at which it looks as large as it is seen
(weak perspective), and the least-squares depth replaces that one only where the two agree.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor

from ml.hand.camera import project

MIN_DEPTH: Final = 0.05
"""Metres: no joint is put nearer to the camera than this."""
MAX_SIZE_RATIO: Final = 2.0
"""A projected hand is never larger than this times its detection, nor smaller than the inverse."""
MAX_DIAMETER_RATIO: Final = 1.05
"""A hand is put so far away that its joints' largest distance is at most this times the detection's, whatever its pose is."""
_DEPTH_AGREEMENT: Final = 1.35
"""Most that the least-squares depth may differ from the weak-perspective one, as a factor, to be taken."""
_ROUNDS: Final = 8


def solve_translation(joints: Tensor, pixels: Tensor, intrinsics: Tensor, rounds: int = 3) -> Tensor:
    """Translations [B, 3] (m) that bring joints [B, 21, 3] (m) onto pixels [B, 21, 2] through intrinsics [3, 3].

    Every joint ends at least `MIN_DEPTH` in front of the camera. `rounds` is the number of reweightings of the
    least-squares solution.
    """
    near = weak_perspective_translation(joints, pixels, intrinsics)
    exact = _least_squares_translation(joints, pixels, intrinsics, rounds)
    middle = joints[..., 2].mean(1)
    ratio = (exact[:, 2] + middle) / (near[:, 2] + middle)
    plausible = (ratio < _DEPTH_AGREEMENT) & (ratio > 1 / _DEPTH_AGREEMENT)
    in_front = (joints[..., 2] + exact[:, None, 2]).amin(1) >= MIN_DEPTH
    placed = torch.where((plausible & in_front)[:, None], exact, near)
    for _ in range(_ROUNDS):
        placed = _no_larger_than_seen(joints, placed, pixels, intrinsics)
    return placed


def _no_larger_than_seen(joints: Tensor, translation: Tensor, pixels: Tensor, intrinsics: Tensor) -> Tensor:
    """Translations [B, 3], moved away along the line of sight where hands are over `MAX_DIAMETER_RATIO` times too large."""
    projected, seen = (_diameter(points) for points in (project(joints + translation[:, None], intrinsics), pixels))
    further = (projected / (MAX_DIAMETER_RATIO * seen)).clamp(1.0, 4.0)[:, None]
    middle = joints.mean(1)
    return (translation + middle) * further - middle


def weak_perspective_translation(joints: Tensor, pixels: Tensor, intrinsics: Tensor) -> Tensor:
    """Translations [B, 3] (m) at which joints [B, 21, 3] look as large as pixels [B, 21, 2], centred on them.

    Size and centre are medians over the joints, so single wrong detections and a wrong pose move neither much. All joints
    are at least `MIN_DEPTH` in front of the camera.
    """
    focal = torch.stack([intrinsics[0, 0], intrinsics[1, 1]])
    seen, size = _centre_and_size(pixels)
    least = MIN_DEPTH - joints[..., 2].amin(1)
    middle = joints[..., 2].median(1).values
    depth = focal.mean() * _centre_and_size(joints[..., :2])[1] / size
    z = torch.maximum(depth - middle, least)
    xy = (seen - intrinsics[:2, 2]) * (z + middle)[:, None] / focal - joints[..., :2].median(1).values
    for _ in range(_ROUNDS):
        centre, projected = _centre_and_size(project(joints + torch.cat([xy, z[:, None]], 1)[:, None], intrinsics))
        xy = xy + (seen - centre) * (z + middle)[:, None] / focal
        z = torch.maximum((z + middle) * (projected / size).clamp(0.5, 2.0) - middle, least)
    centre, _ = _centre_and_size(project(joints + torch.cat([xy, z[:, None]], 1)[:, None], intrinsics))
    return torch.cat([xy + (seen - centre) * (z + middle)[:, None] / focal, z[:, None]], 1)


def is_plausible(joints: Tensor, pixels: Tensor, projected: Tensor) -> Tensor:
    """Whether hands are in front of the camera and about as large as detected: bool [B].

    Args:
        joints: [B, 21, 3], m, camera frame.
        pixels: [B, 21, 2], the detection.
        projected: [B, 21, 2], px, of the joints.
    """
    size, seen = _extent(projected), _extent(pixels)
    in_front = (joints[..., 2] >= MIN_DEPTH).all(-1)
    return in_front & (size < MAX_SIZE_RATIO * seen) & (MAX_SIZE_RATIO * size > seen)


def _extent(points: Tensor) -> Tensor:
    """Root mean square distance [B] of points [B, n, 2] from their mean, at least 1e-6."""
    return (points - points.mean(1, keepdim=True)).square().sum(-1).mean(-1).sqrt().clamp_min(1e-6)


def _diameter(points: Tensor) -> Tensor:
    """Largest distance [B] between two of points [B, n, 2], at least 1e-6; unlike a box's side, the same in a turned image."""
    diameter: Tensor = (points[:, :, None] - points[:, None]).norm(dim=-1).flatten(1).amax(1).clamp_min(1e-6)
    return diameter


def _centre_and_size(points: Tensor) -> tuple[Tensor, Tensor]:
    """Median point [B, 2] of points [B, n, 2] and their median distance [B] from it."""
    centre = points.median(1).values
    return centre, (points - centre[:, None]).norm(dim=-1).median(1).values.clamp_min(1e-6)


def _least_squares_translation(joints: Tensor, pixels: Tensor, intrinsics: Tensor, rounds: int) -> Tensor:
    """Linear in the translation. Every further round divides by the depths of the one before, so that pixels are minimised,
    and reduces the weight of joints with a large residual.
    """
    homogeneous = torch.cat([pixels, torch.ones_like(pixels[..., :1])], -1)
    rays = (homogeneous @ torch.linalg.inv(intrinsics).mT)[..., :2]
    rows = torch.zeros(*rays.shape, 3, dtype=joints.dtype)
    rows[..., 0, 0] = rows[..., 1, 1] = 1
    rows[..., 2] = -rays
    target = rays * joints[..., 2:] - joints[..., :2]
    weights = torch.ones_like(rays[..., :1])
    translation = torch.zeros_like(joints[:, 0])
    for _ in range(rounds):
        weighted = weights[..., None] * rows
        normal = torch.einsum("bjik,bjil->bkl", weighted, rows)
        normal = normal + 1e-9 * torch.eye(3, dtype=joints.dtype)
        translation = torch.linalg.solve(normal, torch.einsum("bjik,bji->bk", weighted, target))
        depth = (joints[..., 2] + translation[:, None, 2]).clamp_min(MIN_DEPTH)
        residual = ((rows @ translation[:, None, :, None])[..., 0] - target).norm(dim=-1) / depth
        typical = residual.median(1, keepdim=True).values.clamp_min(1e-6)
        weights = (1 / (1 + (residual / (3 * typical)).square()) ** 2 / depth.square())[..., None]
    return translation
