"""Inverse kinematics in closed form: 21 joints in space to the angles of a hand, for all frames at once.

The palm gives the root's rotation (orthogonal Procrustes over wrist and knuckles); then each finger, joint by joint: flexion
and deviation that turn the rest bone to the observed one, and at the base the twist that puts the next bone into the plane
of flexion. Angles are kept within the limits of `ml.hand.joint_limits`.
"""

from __future__ import annotations

import roma
import torch
from torch import Tensor

from ml.fitting.kinematics import Kinematics
from ml.hand.joint_limits import LIMITS
from ml.hand.skeleton import BONES, MANO_TO_OPENPOSE

PALM = (0, 1, 5, 9, 13, 17)
"""Wrist and the five finger bases, OpenPose order: they move little against each other."""
_PALM_WEIGHTS = (2.0, 0.5, 1.0, 1.0, 1.0, 1.0)
_HALF_TRUSTED_BEND = 0.25
"""Sine of the bend at which the plane of flexion gets half its weight."""


def inverse_kinematics(kinematics: Kinematics, joints: Tensor, betas: Tensor) -> tuple[Tensor, Tensor]:
    """Angles [B, 45] and root rotations [B, 3, 3] of a hand of shape betas [1 or B, 10] that comes close to joints [B, 21, 3].

    Only directions are used, so `joints` may have any origin and scale.
    """
    rest = kinematics.model.rest_joints(betas)
    root = palm_rotation(rest, joints)
    # Mirroring a rotation axis reverses its sense, so a left hand's twist axes point towards the wrist.
    sign = 1.0 if kinematics.model.side == "right" else -1.0
    observed_bones = sign * _bones(joints) @ root[:, None]  # row vectors, in the root's frame: [B, 5, 3, 3]
    rest_bones = sign * _bones(rest)
    limits = torch.as_tensor(LIMITS[1:], dtype=joints.dtype).view(5, 3, 3, 2)
    parent = identity = torch.eye(3, dtype=joints.dtype).expand(len(joints), 5, 3, 3)
    angles = []
    for level in range(3):
        axes = kinematics.axes[:, level]
        observed = _in_axes(axes, parent, observed_bones[:, :, level])
        at_rest = _in_axes(axes, identity, rest_bones[:, :, level].expand_as(observed))
        flexion, deviation = _direction(observed) - _direction(at_rest)
        twist = torch.zeros_like(flexion)
        if level == 0:
            bent = _in_axes(axes, parent @ _compose(axes, flexion, deviation, twist), observed_bones[:, :, 1])
            sine = bent[..., 1:].norm(dim=-1)
            twist = torch.atan2(bent[..., 1], -bent[..., 2]) * sine.square() / (sine.square() + _HALF_TRUSTED_BEND**2)
        joint = torch.stack([twist, flexion, deviation], -1)
        joint = torch.minimum(torch.maximum(joint, limits[:, level, :, 0]), limits[:, level, :, 1])
        angles.append(joint)
        parent = parent @ _compose(axes, joint[..., 1], joint[..., 2], joint[..., 0])
    return torch.stack(angles, 2).flatten(1), root


def palm_rotation(rest: Tensor, joints: Tensor) -> Tensor:
    """Rotations [B, 3, 3] that turn the palm of a rest pose [1 or B, 21, 3] to that of joints [B, 21, 3] of any size."""
    chosen = torch.tensor(PALM, device=joints.device)
    weights = torch.tensor(_PALM_WEIGHTS, dtype=joints.dtype, device=joints.device)
    source, target = (points[:, chosen] - _mean(points[:, chosen], weights) for points in (rest, joints))
    moment = torch.einsum("j,bji,bjk->bik", weights, target, source.expand_as(target))
    rotation: Tensor = roma.special_procrustes(moment)
    return rotation


def shape_from_bones(kinematics: Kinematics, joints: Tensor, sigma: float = 0.004) -> Tensor:
    """The β [1, 10] whose rest-pose bones best match the median bone lengths of joints [B, 21, 3] (m), under β ~ N(0, I).

    Args:
        kinematics: of the hand model.
        joints: of one hand in B frames.
        sigma: metres; how far a median bone length may be off.
    """
    parents, children = (torch.tensor(ends) for ends in zip(*BONES, strict=True))
    observed = (joints[:, children] - joints[:, parents]).norm(dim=-1).median(0).values
    betas = torch.zeros(1, 10, dtype=joints.dtype)
    derivative = kinematics.model.shape_jacobian[torch.tensor(MANO_TO_OPENPOSE)]
    for _ in range(4):  # bone lengths are nearly linear in β
        rest = kinematics.model.rest_joints(betas)[0]
        bones = rest[children] - rest[parents]
        lengths = bones.norm(dim=-1)
        slope = ((bones / lengths[:, None])[:, :, None] * (derivative[children] - derivative[parents])).sum(1) / sigma
        target = (observed - lengths) / sigma + slope @ betas[0]
        betas = torch.linalg.solve(slope.mT @ slope + torch.eye(10, dtype=joints.dtype), slope.mT @ target)[None]
    return betas


def _mean(points: Tensor, weights: Tensor) -> Tensor:
    return (weights[:, None] * points).sum(1, keepdim=True) / weights.sum()


def _bones(joints: Tensor) -> Tensor:
    """Bones beyond the finger bases [B, 5 (MANO order), 3, 3] of joints [B, 21, 3]."""
    fingers = joints[:, 1:].view(-1, 5, 4, 3)[:, torch.tensor([1, 2, 4, 3, 0])]
    return fingers[:, :, 1:] - fingers[:, :, :-1]


def _in_axes(axes: Tensor, parent: Tensor, vectors: Tensor) -> Tensor:
    """Unit vectors [B, 5, 3] in (twist, flexion, deviation) axes of joints whose parents are rotated by [B, 5, 3, 3]."""
    local = axes @ parent.mT @ vectors[..., None]
    return torch.nn.functional.normalize(local[..., 0], dim=-1)


def _direction(vector: Tensor) -> Tensor:
    """Flexion and deviation [2, B, 5] that turn the twist axis to unit vectors [B, 5, 3]."""
    deviation = torch.asin(vector[..., 1].clamp(-1, 1))
    return torch.stack([torch.atan2(-vector[..., 2], vector[..., 0]), deviation])


def _compose(axes: Tensor, flexion: Tensor, deviation: Tensor, twist: Tensor) -> Tensor:
    rotations = [
        roma.rotvec_to_rotmat(angle[..., None] * axes[:, k]) for k, angle in ((1, flexion), (2, deviation), (0, twist))
    ]
    composed: Tensor = rotations[0] @ rotations[1] @ rotations[2]
    return composed
