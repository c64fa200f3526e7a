"""Forward kinematics of the hand's 16 joints: the one implementation behind meshes, joints and Jacobians.

All five fingers are posed side by side, joint by joint, about the wrist and before the root turns. Positions are linear in
the rest skeleton, so the same functions carry the derivatives by shape as further columns.
"""

from __future__ import annotations

import torch
from torch import Tensor


def finger_rotations(local: Tensor) -> Tensor:
    """Rotations [B, 5, 3, 3, 3] of the finger joints relative to the root.

    Args:
        local: [B, 15, 3, 3] or [B, 5, 3, 3, 3], each relative to its parent; fingers in MANO order, base to tip.
    """
    local = local.reshape(len(local), 5, 3, 3, 3)
    first = local[:, :, 0]
    second = first @ local[:, :, 1]
    return torch.stack([first, second, second @ local[:, :, 2]], 2)


def finger_positions(rotations: Tensor, rest: Tensor) -> Tensor:
    """Positions [B, 5, 3, 3, K] of the finger joints about the wrist, before the root turns.

    Args:
        rotations: [B, 5, 3, 3, 3] from `finger_rotations`.
        rest: [1 or B, at least 16, 3, K], MANO order: joints at rest (m), or K columns of anything linear in them.
    """
    count, columns = len(rotations), rest.shape[-1]
    joints = rest[:, 1:16].reshape(-1, 5, 3, 3, columns)
    bones = joints[:, :, 1:] - joints[:, :, :-1]
    base = (joints[:, :, 0] - rest[:, :1]).expand(count, 5, 3, columns)
    middle = base + rotations[:, :, 0] @ bones[:, :, 0]
    end = middle + rotations[:, :, 1] @ bones[:, :, 1]
    return torch.stack([base, middle, end], 2)


def skinned(weights: Tensor, rotations: Tensor, positions: Tensor, rest: Tensor, points: Tensor) -> Tensor:
    """Linear blend skinning of points [B, P, 3, K] about the wrist, before the root turns.

    Σ w (R (v − J) + p) = (Σ w R) v + Σ w (p − R J); the wrist itself does not turn here.

    Args:
        weights: [P, 16].
        rotations: [B, 5, 3, 3, 3] from `finger_rotations`.
        positions: [B, 5, 3, 3, K] from `finger_positions`.
        rest: [1 or B, at least 16, 3, K], the joints at rest.
        points: [1 or B, P, 3, K], the points at rest.
    """
    count, columns = len(rotations), rest.shape[-1]
    turns = rotations.reshape(count, 15, 3, 3)
    inner, root = weights[:, 1:], weights[:, :1]
    blended = (inner @ turns.reshape(count, 15, 9)).view(count, len(weights), 3, 3)
    offsets = positions.reshape(count, 15, 3, columns) - turns @ rest[:, 1:16]
    shift = (inner @ offsets.flatten(2)).view(count, len(weights), 3, columns)
    return blended @ points + shift + root[:, :, None] * (points - rest[:, :1])
