"""Joint angles to joints, with the Jacobian of every joint in closed form.

A finger's joint turns by R(flexion)·R(deviation)·R(twist) about the axes of `ml.hand.anatomy.bone_frames`; its derivative is
the cross product of the turned axis with the lever from the joint to what it moves, so a Jacobian costs about as much as
the positions themselves.
"""

from __future__ import annotations

from dataclasses import dataclass

import roma
import torch
from torch import Tensor

from ml.hand.anatomy import bone_frames
from ml.hand.forward_kinematics import finger_rotations
from ml.hand.model import HandModel

ANGLE_COUNT = 45
"""Per frame: 5 fingers in MANO order × 3 joints × (twist, flexion, deviation)."""

FINGER_POINTS = torch.tensor([[6, 7, 8], [10, 11, 12], [18, 19, 20], [14, 15, 16], [2, 3, 4]])
"""Joints (OpenPose order) that a finger's angles move, fingers in MANO order: all of its own but the first."""
_FINGER_JOINTS = torch.cat([FINGER_POINTS[:, :1] - 1, FINGER_POINTS], 1)
"""All joints of a finger with its tip [5, 4], OpenPose order; fingers in MANO order."""
_TIPS_TO_MANO = torch.tensor([1, 2, 4, 3, 0])
"""Tips (thumb … pinky) in MANO's order of fingers."""


@dataclass(frozen=True)
class JointJacobian:
    """Joints of B frames and their derivatives.

    Attributes:
        joints: [B, 21, 3], metres, camera frame, OpenPose order.
        by_finger: [B, 3, 5, 3, 9]: x, y, z of the points `FINGER_POINTS` of each finger, by the finger's own angles. A
            finger's first joint and all other fingers do not depend on them.
        by_root: [B, 21, 3, 3], by a rotation vector applied on the left of the root's.
        by_shape: [B, 3, 21, 10]. The derivative by translation is the identity.
    """

    joints: Tensor
    by_finger: Tensor
    by_root: Tensor
    by_shape: Tensor


class Kinematics:
    """A hand model's joints as a function of joint angles.

    Axes are those of the mean hand (β = 0): they hardly change with shape, and angles then mean the same for everyone.
    """

    def __init__(self, model: HandModel) -> None:
        self.model = model
        zero = model.rest_joints(torch.zeros(1, 10, dtype=model.dtype))
        axes = torch.as_tensor(bone_frames(zero[0].double().numpy(), model.side), dtype=model.dtype)
        self.frames = axes
        self.axes = axes[1:].view(5, 3, 3, 3)  # finger, joint, (twist, flexion, deviation), xyz
        # what a tip owes to bones of other fingers is neglected in the Jacobian
        own = model.tip_weights[_TIPS_TO_MANO, 1:].view(5, 5, 3)
        self._tip_weights = own[torch.arange(5), torch.arange(5)]

    def matrices(self, angles: Tensor, root: Tensor) -> Tensor:
        """Rotations [B, 16, 3, 3], MANO order, from angles [B, 45] and root rotations [B, 3, 3]."""
        twist, flexion, deviation = self._axis_rotations(angles)
        return torch.cat([root[:, None], (flexion @ deviation @ twist).view(-1, 15, 3, 3)], 1)

    def joints(self, angles: Tensor, root: Tensor, translation: Tensor, betas: Tensor) -> Tensor:
        """Joints [B, 21, 3] (m, camera frame) for angles [B, 45], root [B, 3, 3], translation [B, 3], betas [1 or B, 10]."""
        return self.model.joints(self.matrices(angles, root), betas, translation)

    def jacobian(self, angles: Tensor, root: Tensor, translation: Tensor, betas: Tensor) -> JointJacobian:
        """Joints and derivatives for angles [B, 45], root [B, 3, 3], translation [B, 3], betas [1 or B, 10]."""
        count = len(angles)
        twist, flexion, deviation = self._axis_rotations(angles)
        bent = flexion @ deviation
        local = bent @ twist
        turns = finger_rotations(local)
        matrices = torch.cat([root[:, None], local.view(-1, 15, 3, 3)], 1)
        rest, shape = self.model.rest_mano(betas), self.model.shape_jacobian
        columns = torch.cat([rest[..., None], shape.expand(len(rest), 21, 3, 10)], -1)
        moved = self.model.joints_about_wrist(turns, columns, matrices)  # [B, 21, 3, 11]
        about_wrist = moved[..., 0]

        before = torch.cat([torch.eye(3, dtype=angles.dtype).expand(count, 5, 1, 3, 3), turns[:, :, :2]], 2)
        by_twist = (before @ bent @ self.axes[..., 0, :, None])[..., 0]
        by_flexion = (before @ self.axes[..., 1, :, None])[..., 0]
        by_deviation = (before @ flexion @ self.axes[..., 2, :, None])[..., 0]
        axes = torch.stack([by_twist, by_flexion, by_deviation], 3)  # [B, 5, 3 joints, 3 angles, 3]
        by_finger = self._finger_jacobian(axes, turns, about_wrist, rest)
        turned = about_wrist @ root.mT
        by_shape = (root @ moved[..., 1:].permute(0, 2, 1, 3).flatten(2)).view(count, 3, 21, 10)
        return JointJacobian(
            turned + rest[:, :1] + translation[:, None],
            (root @ by_finger.flatten(2)).view_as(by_finger),
            -_cross_matrices(turned),
            by_shape + shape[0][None, :, None],
        )

    def _axis_rotations(self, angles: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Rotations [B, 5, 3, 3, 3] by twist, flexion and deviation."""
        rotations: Tensor = roma.rotvec_to_rotmat(angles.view(-1, 5, 3, 3)[..., None] * self.axes)
        return rotations[:, :, :, 0], rotations[:, :, :, 1], rotations[:, :, :, 2]

    def _finger_jacobian(self, axes: Tensor, turns: Tensor, about_wrist: Tensor, rest: Tensor) -> Tensor:
        """Derivatives [B, 3, 5, 3, 9] of each finger's `FINGER_POINTS` by its own angles, before the root turns."""
        chain = about_wrist[:, _FINGER_JOINTS[:, :3]]  # [B, 5, 3, 3]
        lever = rest[:, 16:][:, _TIPS_TO_MANO, None] - rest[:, 1:16].view(-1, 5, 3, 3)
        carried = chain + (turns @ lever[..., None])[..., 0]  # where each bone alone would carry the tip of its finger
        weights = self._tip_weights
        weighted = weights[..., None] * carried
        by = axes.new_zeros(len(axes), 5, 3, 9, 3)
        for joint in range(3):
            turning = axes[:, :, joint]  # [B, 5, 3 angles, 3]
            own = slice(3 * joint, 3 * joint + 3)
            for moved in range(joint + 1, 3):
                arm = chain[:, :, moved, None] - chain[:, :, joint, None]
                by[:, :, moved - 1, own] = torch.linalg.cross(turning, arm.expand_as(turning))
            reach = weighted[:, :, joint:].sum(2) - weights[:, joint:].sum(1)[:, None] * chain[:, :, joint]
            by[:, :, 2, own] = torch.linalg.cross(turning, reach[:, :, None].expand_as(turning))
        return by.permute(0, 4, 1, 2, 3).contiguous()


def _cross_matrices(vectors: Tensor) -> Tensor:
    """[..., 3] to the matrices [..., 3, 3] of the cross product with them."""
    x, y, z = vectors.unbind(-1)
    zero = torch.zeros_like(x)
    return torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], -1).view(*x.shape, 3, 3)
