"""Joint angles to joints, with the derivatives of every joint written down.

A finger's joint turns by R(flexion)·R(deviation)·R(twist) about the axes of `ml.hand.anatomy.bone_frames`; its derivative is
the cross product of the turned axis with the lever from the joint to what it moves, so a Jacobian costs about as much as
the positions themselves.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ml.hand.anatomy import bone_frames
from ml.hand.model import HandModel

ANGLES = 45
"""Per frame: 5 fingers in MANO order × 3 joints × (twist, flexion, deviation)."""


@dataclass(frozen=True)
class Posed:
    """Joints and how they move, for B frames.

    Attributes:
        joints: [B, 21, 3], metres, camera frame, OpenPose order.
        by_finger: [B, 3, 5, 3, 9]: x, y, z of the points `POINTS` of each finger, by the finger's own angles. A finger's first
            joint and all other fingers stay where they are.
        by_root: [B, 21, 3, 3], for a rotation vector applied on the left of the root's.
        by_shape: [B, 3, 21, 10]. By translation it is the identity.
    """

    joints: Tensor
    by_finger: Tensor
    by_root: Tensor
    by_shape: Tensor

    def by_angles(self) -> Tensor:
        """The same as `by_finger`, [B, 21, 3, 45], with all its zeros."""
        whole = self.joints.new_zeros(len(self.joints), 21, 3, 5, 9)
        for finger, points in enumerate(POINTS.tolist()):
            whole[:, points, :, finger] = self.by_finger[:, :, finger].transpose(1, 2)
        return whole.flatten(3)


class Kinematics:
    """A hand model's joints as a function of joint angles.

    Axes are those of the mean hand (β = 0): they hardly change with shape, and angles then mean the same for everyone.
    """

    def __init__(self, model: HandModel) -> None:
        self.model = model
        zero = model.rest_joints(torch.zeros(1, 10, dtype=model._rest.dtype))
        axes = torch.as_tensor(bone_frames(zero[0].double().numpy(), model.side), dtype=model._rest.dtype)
        self.frames = axes
        self.axes = axes[1:].view(5, 3, 3, 3)  # finger, joint, (twist, flexion, deviation), xyz
        self._skews = _skew(self.axes)
        self._squares = self._skews @ self._skews
        self._tip_rows = _own_tip_weights(model)

    def matrices(self, angles: Tensor, root: Tensor) -> Tensor:
        """Rotations [B, 16, 3, 3], MANO order, from angles [B, 45] and root rotations [B, 3, 3]."""
        twist, flexion, deviation = self._turns(angles)
        local = flexion @ deviation @ twist
        return torch.cat([root[:, None], local.reshape(-1, 15, 3, 3)], 1)

    def pose(self, angles: Tensor, root: Tensor, translation: Tensor, betas: Tensor) -> Posed:
        """Joints and derivatives for angles [B, 45], root [B, 3, 3], translation [B, 3], betas [1 or B, 10]."""
        count = len(angles)
        twist, flexion, deviation = self._turns(angles)
        local = flexion @ deviation @ twist
        first, second = local[:, :, 0], local[:, :, 0] @ local[:, :, 1]
        globals_ = torch.stack([first, second, second @ local[:, :, 2]], 2)  # [B, 5, 3, 3, 3], about the wrist
        before = torch.cat([torch.eye(3, dtype=angles.dtype).expand(count, 5, 1, 3, 3), globals_[:, :, :2]], 2)
        bent = before @ flexion
        a_flexion = (before @ self.axes[..., 1, :, None])[..., 0]
        a_deviation = (bent @ self.axes[..., 2, :, None])[..., 0]
        a_twist = (bent @ deviation @ self.axes[..., 0, :, None])[..., 0]
        axes = torch.stack([a_twist, a_flexion, a_deviation], 3)  # [B, 5, 3 joints, 3 angles, 3]

        rest, shape = self._rest(betas)
        chain, chain_by_shape = self._chain(globals_, rest, shape)
        under, under_by_shape = self._tips(globals_, chain, chain_by_shape, rest, shape)  # tip under each bone of its finger
        weights = self._tip_rows  # [5, 3], MANO finger order
        root_weight = 1 - weights.sum(1)
        still, still_by_shape = rest[:, 16:21] - rest[:, :1], shape[16:21] - shape[:1]
        tips = (weights[..., None] * under).sum(2) + root_weight[:, None] * still
        tips_by_shape = (weights[..., None, None] * under_by_shape).sum(2) + root_weight[:, None, None] * still_by_shape

        about = torch.cat(
            [torch.zeros_like(chain[:, 0, :1]), torch.cat([chain, tips[:, :, None]], 2)[:, _FINGERS].flatten(1, 2)], 1
        )
        by_tips = torch.cat([chain_by_shape, tips_by_shape[:, :, None]], 2)[:, _FINGERS].flatten(1, 2)
        by_shape = torch.cat([torch.zeros_like(by_tips[:, :1]), by_tips], 1).transpose(1, 2)  # [B, 3, 21, 10]
        by_finger = self._levers(axes, chain, under, weights)
        turned = about @ root.mT
        joints = turned + (rest[:, :1] + translation[:, None])
        return Posed(
            joints,
            (root @ by_finger.flatten(2)).view_as(by_finger),
            -_skew(turned),
            (root @ by_shape.flatten(2)).view(count, 3, 21, 10) + shape[0][None, :, None],
        )

    def _turns(self, angles: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        value = angles.view(-1, 5, 3, 3)[..., None, None]
        turns = torch.eye(3, dtype=angles.dtype) + value.sin() * self._skews + (1 - value.cos()) * self._squares
        return turns[:, :, :, 0], turns[:, :, :, 1], turns[:, :, :, 2]

    def _rest(self, betas: Tensor) -> tuple[Tensor, Tensor]:
        """Rest joints [B or 1, 21, 3] with tips in MANO finger order, and their derivative [21, 3, 10]."""
        shape = self.model._shape.T.view(21, 3, 10)
        rest = self.model._rest + (betas @ self.model._shape).view(-1, 21, 3)
        order = torch.cat([torch.arange(16), 16 + _TIPS_TO_MANO])
        return rest[:, order], shape[order]

    def _chain(self, turns: Tensor, rest: Tensor, shape: Tensor) -> tuple[Tensor, Tensor]:
        """The 15 joints about the wrist [B, 5, 3, 3] and by shape [B, 5, 3, 3, 10]."""
        count = len(turns)
        joints, by = rest[:, 1:16].view(-1, 5, 3, 3), shape[1:16].view(5, 3, 3, 10)
        base = (joints[:, :, 0] - rest[:, :1]).expand(count, 5, 3)
        base_by = (by[:, 0] - shape[0]).expand(count, 5, 3, 10)
        bones, bones_by = joints[:, :, 1:] - joints[:, :, :-1], by[:, 1:] - by[:, :-1]
        middle = base + (turns[:, :, 0] @ bones[:, :, 0, :, None])[..., 0]
        end = middle + (turns[:, :, 1] @ bones[:, :, 1, :, None])[..., 0]
        middle_by = base_by + turns[:, :, 0] @ bones_by[:, 0]
        end_by = middle_by + turns[:, :, 1] @ bones_by[:, 1]
        return torch.stack([base, middle, end], 2), torch.stack([base_by, middle_by, end_by], 2)

    def _tips(self, turns: Tensor, chain: Tensor, chain_by: Tensor, rest: Tensor, shape: Tensor) -> tuple[Tensor, Tensor]:
        """Where each bone of a finger alone would carry its tip [B, 5, 3, 3], and by shape."""
        joints, by = rest[:, 1:16].view(-1, 5, 3, 3), shape[1:16].view(5, 3, 3, 10)
        lever = rest[:, 16:21, None] - joints
        lever_by = shape[16:21, None] - by
        return chain + (turns @ lever[..., None])[..., 0], chain_by + turns @ lever_by

    def _levers(self, axes: Tensor, chain: Tensor, under: Tensor, weights: Tensor) -> Tensor:
        """Derivatives [B, 3, 5, 3, 9] of each finger's `POINTS` by its own angles, before the root turns."""
        by = axes.new_zeros(len(axes), 5, 3, 9, 3)
        weighted = weights[..., None] * under
        for joint in range(3):
            turning = axes[:, :, joint]  # [B, 5, 3 angles, 3]
            own = slice(3 * joint, 3 * joint + 3)
            for moved in range(joint + 1, 3):
                lever = chain[:, :, moved, None] - chain[:, :, joint, None]
                by[:, :, moved - 1, own] = torch.linalg.cross(turning, lever.expand_as(turning))
            reach = weighted[:, :, joint:].sum(2) - weights[:, joint:].sum(1)[:, None] * chain[:, :, joint]
            by[:, :, 2, own] = torch.linalg.cross(turning, reach[:, :, None].expand_as(turning))
        return by.permute(0, 4, 1, 2, 3).contiguous()


POINTS = torch.tensor([[6, 7, 8], [10, 11, 12], [18, 19, 20], [14, 15, 16], [2, 3, 4]])
"""Joints (OpenPose order) that a finger's angles move, fingers in MANO order: all of its own but the first."""
_FINGERS = torch.tensor([4, 0, 1, 3, 2])
"""Fingers of MANO's order (index, middle, pinky, ring, thumb) in the OpenPose order (thumb … pinky)."""
_TIPS_TO_MANO = torch.tensor([1, 2, 4, 3, 0])
"""The inverse: tips (thumb … pinky) in MANO's order of fingers."""


def _own_tip_weights(model: HandModel) -> Tensor:
    """Weights [5, 3] (MANO finger order) of each tip on its own finger's bones; what others carry goes to the root."""
    inner = model._tip_weights[_TIPS_TO_MANO, 1:].view(5, 5, 3)
    return inner[torch.arange(5), torch.arange(5)]


def _skew(vectors: Tensor) -> Tensor:
    """[..., 3] to the matrices [..., 3, 3] of the cross product with them."""
    x, y, z = vectors.unbind(-1)
    zero = torch.zeros_like(x)
    return torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], -1).view(*x.shape, 3, 3)
