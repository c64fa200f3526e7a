"""IKNet of Zhou et al., CVPR 2020: joints in space to the quaternions of a hand's pose, by a network.

Where an exact solution follows every error of the joints, a network can repair those that it was trained on. The rest pose of
the shaped hand is an input, so one network serves all hands.

The paper gives 21 quaternions, one a joint, and a child's rotation drives the bone that leads to it. The open hand has 16
rotations: its joint k turns the bone from k to the next joint, so its rotation is that of the paper's child k + 1, and the five
bones from the wrist to the finger bases share the root's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import roma
import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from ml.fitting.bone_ratios import PRIOR_WEIGHT, REFERENCE, bone_ratios, shape_from_ratios
from ml.fitting.inverse_kinematics import palm_rotation
from ml.hand.model import load_hand_model
from ml.hand.skeleton import BONES, PARENTS
from ml.networks.hand_batch import HandBatch, HandGuess, HandNetwork

JOINTS: Final = 21
ROTATIONS: Final = 16
WIDTH: Final = 704
"""Of the hidden layers; 1024 in the paper, which would take more than 8 MB in half precision."""
LAYERS: Final = 6
INPUTS: Final = 4 * 3 * JOINTS
"""Joints, bones, and both of the rest pose."""
PLANE_INPUTS: Final = 2 * JOINTS + 6
"""2D joints, and two rows of the palm's rotation, which relates them to the joints in space."""


# fmt: off
KEYPOINT_FACTORS: Final = (
    0.870, 1.306, 1.238, 0.769, 1.003, 1.535, 1.082, 0.700, 1.000, 1.330,
    1.104, 0.681, 0.966, 1.543, 1.006, 0.779, 1.055, 1.557, 0.807, 0.855,
)
# fmt: on
"""Mean bone ratios of training hands over those of MediaPipe's world landmarks of them, by `BONES`."""
KEYPOINT_PRIOR_WEIGHT: Final = 1e-2
"""λ of the shape where a detector's world landmarks are the joints: their bone ratios are off by 6%, and with the paper's 1e-3
shapes are worse than the mean hand."""


@dataclass(frozen=True)
class Posed:
    """B right hands posed by IKNet.

    Attributes:
        quaternions: [B, 16, 4] (x, y, z, w), not yet of unit length: the root's after the palm's rotation, the others relative
            to their parents.
        palm: [B, 3, 3], rotation of the palm that was given.
        betas: [B, 10].
        ratios: [B, 20], bone ratios to which the shapes were fitted.
    """

    quaternions: Tensor
    palm: Tensor
    betas: Tensor
    ratios: Tensor

    @property
    def rotations(self) -> Tensor:
        """[B, 16, 3, 3], of the hand model."""
        unit: Tensor = roma.unitquat_to_rotmat(normalize(self.quaternions, dim=-1))
        return torch.cat([(self.palm @ unit[:, 0])[:, None], unit[:, 1:]], 1)

    def guess(self, landmarks: Tensor | None = None) -> HandGuess:
        """As a network's guess, with its own 2D joints [B, 21, 2] where it has any."""
        return HandGuess(rotations=self.rotations, betas=self.betas, landmarks=landmarks, bone_ratios=self.ratios)


class IKNet(nn.Module):
    """Joints of B hands to their shapes and 16 quaternions.

    Joints are given to the layers as they lie in the palm's own frame, and rotations are found in it: those of the paper are
    in the camera's, where one pose has other rotations in every view.

    Args:
        factors: 20, by which bone ratios are multiplied before a shape is fitted to them: a detector and a hand model may
            define joints differently.
        prior_weight: λ of the shape.
        width: of the hidden layers.
        plane: 2D joints are an input.
    """

    bone_factors: Tensor

    def __init__(
        self,
        *,
        factors: Sequence[float] = (1.0,) * len(BONES),
        prior_weight: float = PRIOR_WEIGHT,
        width: int = WIDTH,
        plane: bool = True,
    ) -> None:
        super().__init__()
        self.plane, self.prior_weight = plane, prior_weight
        widths = [INPUTS + (PLANE_INPUTS if plane else 0), *[width] * LAYERS]
        self.layers = nn.Sequential(
            *(
                nn.Sequential(nn.Linear(before, after), nn.BatchNorm1d(after), nn.Sigmoid())
                for before, after in pairwise(widths)
            )
        )
        self.leave = nn.Linear(width, 4 * ROTATIONS)
        with torch.no_grad():
            self.leave.weight.mul_(0.1)
            self.leave.bias.copy_(torch.tensor([0.0, 0.0, 0.0, 1.0]).repeat(ROTATIONS))
        self.register_buffer("bone_factors", torch.tensor(factors), persistent=False)

    def forward(self, joints: Tensor, landmarks: Tensor) -> Posed:
        """Pose hands.

        Args:
            joints: [B, 21, 3], of any origin and unit, axes of the crop camera.
            landmarks: [B, 21, 2], in the crop.
        """
        right = load_hand_model("open", "right", device=joints.device)
        with torch.no_grad():
            ratios = self.bone_factors * bone_ratios(joints)
            betas = shape_from_ratios(right, ratios, self.prior_weight)
            rest = right.rest_joints(betas)
            palm = palm_rotation(rest, joints)
            inputs = [*_points_and_bones(joints @ palm), *_points_and_bones(rest)]
            if self.plane:
                inputs += [standardised(landmarks), palm[:, :2].flatten(1)]
        x = self.layers(torch.cat(inputs, 1))
        return Posed(self.leave(x).float().view(-1, ROTATIONS, 4), palm, betas, ratios)


class KeypointIKNet(HandNetwork):
    """IKNet on a detector's world landmarks."""

    def __init__(self, *, width: int = WIDTH, plane: bool = True) -> None:
        super().__init__()
        self.ik = IKNet(factors=KEYPOINT_FACTORS, prior_weight=KEYPOINT_PRIOR_WEIGHT, width=width, plane=plane)

    def forward(self, hands: HandBatch) -> HandGuess:
        """Pose and shape of every hand."""
        posed: Posed = self.ik(hands.world, hands.landmarks)
        return posed.guess()


def _points_and_bones(joints: Tensor) -> tuple[Tensor, Tensor]:
    """Joints [B, 21, 3] about the middle MCP in units of the reference bone, and their bones; both flattened to [B, 63].

    The wrist has no bone; in its place are zeros.
    """
    wrist, root = REFERENCE
    unit = (joints[:, root] - joints[:, wrist]).norm(dim=-1).clamp_min(1e-6)[:, None, None]
    points = (joints - joints[:, root, None]) / unit
    parents = torch.tensor([max(parent, 0) for parent in PARENTS], device=joints.device)
    return points.flatten(1), (points - points[:, parents]).flatten(1)


def standardised(landmarks: Tensor) -> Tensor:
    """2D joints [B, 21, 2] about their mean, with a mean squared distance of 1 from it, flattened to [B, 42]."""
    centred = landmarks - landmarks.mean(1, keepdim=True)
    size = centred.square().sum(-1).mean(-1).sqrt().clamp_min(1e-6)
    return (centred / size[:, None, None]).flatten(1)
