"""Losses of hands that networks estimate, of several networks in one call of the hand model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from ml.hand.model import load_hand_model
from ml.hand.skeleton import BONES
from ml.identity.backbones import BackboneOutput

UNIT: Final = 0.2
"""Metres; about the length of a hand, so that every term of the loss is of order one."""
SHAPE_WEIGHT: Final = 0.5
OUTSIDE: Final = 0.3
"""Weight of a 2D joint outside the crop."""


@dataclass(frozen=True)
class ShapedPose:
    """n hands: rotations [n, 16, 3, 3] and betas [n, 10]."""

    rotations: Tensor
    betas: Tensor


class HandLoss:
    """See the module.

    The paper uses the mesh; joints and bones determine pose and shape nearly as well at a fraction of the cost
    (`ml.training.paper.loss_seconds`).
    """

    def __init__(self, hand_model: str, device: str | torch.device) -> None:
        self.model = load_hand_model(hand_model, "right", device=device)
        self.starts, self.ends = (torch.tensor(ends, device=device) for ends in zip(*BONES, strict=True))

    def __call__(self, pairs: Sequence[tuple[ShapedPose, ShapedPose]]) -> Tensor:
        """The sum over pairs (estimated, true): L1 of joints about the wrist, of bone lengths, and of the 6D pose."""
        found, true = ([pair[side] for pair in pairs] for side in (0, 1))
        joints = self.about_wrist(found)
        with torch.no_grad():
            truths = self.about_wrist(true)
        total = joints[0].new_zeros(())
        for (one, other), own, goal in zip(pairs, joints, truths, strict=True):
            bones, true_bones = ((j[:, self.ends] - j[:, self.starts]).norm(dim=-1) for j in (own, goal))
            codes = one.rotations[..., :2, :] - other.rotations[..., :2, :]
            total = total + (own - goal).abs().mean() + (bones - true_bones).abs().mean() + codes.abs().mean()
        return total

    def about_wrist(self, hands: Sequence[ShapedPose]) -> list[Tensor]:
        """Joints [n, 21, 3] of each, about the wrist, in units of 0.2 m."""
        rotations, betas = torch.cat([one.rotations for one in hands]), torch.cat([one.betas for one in hands])
        joints = self.model.joints(rotations, betas, rotations.new_zeros(len(rotations), 3))
        return list(torch.split((joints - joints[:, :1]) / UNIT, [len(one.rotations) for one in hands]))


def shape_loss(found: Tensor, true: Tensor) -> Tensor:
    """Half the L1 of betas [n, 10]."""
    return SHAPE_WEIGHT * (found - true).abs().mean()


def keypoint_loss(output: BackboneOutput, joints: Tensor) -> Tensor:
    """Twice the mean distance of 2D joints [n, 21, 2] in the crop, and the Laplacian likelihood of their predicted scale.

    Joints outside the crop count less: nothing of them is seen.
    """
    assert output.joints is not None
    assert output.log_scale is not None
    distance = (output.joints - joints).norm(dim=-1)
    weight = torch.where(joints.abs().amax(-1) < 1, 1.0, OUTSIDE)
    likelihood = (distance.detach() / output.log_scale.exp() + 2 * output.log_scale).mean()
    loss: Tensor = 2 * (weight * distance).mean() + 0.02 * likelihood
    return loss
