"""What networks of inverse kinematics are trained on: joints with a detector's errors, and poses of motions.

A batch is a dictionary of B right hands: `seen` [B, 21, 3] (joints in space as given, any origin and unit), `landmarks`
[B, 21, 2] (2D joints as given, in the crop), `rotations` [B, 16, 3, 3] and `betas` [B, 10] (true), axes of the crop camera.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import torch
from torch import Tensor

from ml.fitting.kinematics import Kinematics
from ml.hand.model import load_hand_model
from ml.identity.observation import crop_square, roll_matrices
from ml.training.augment import ROLL
from ml.training.loop import Batch
from ml.training.motion_set import motion_set
from ml.training.survey_data import SurveyData

SEQUENCES: Final = 6
"""Motions of each activity, 12 s each."""
JOINT_NOISE: Final = 0.012
"""Metres: the largest standard deviation of the noise of joints in space."""
DETECTED_NOISE: Final = 0.02
"""Largest standard deviation of what is added to detected joints, as a share of the hand's size."""
PLANE_NOISE: Final = 0.03
"""That of 2D joints, in half the crop."""


@dataclass(frozen=True)
class DetectedJoints:
    """Joints that a detector found in samples.

    Attributes:
        joints: [n, 21, 3], any origin and unit.
        landmarks: [n, 21, 2], in the crop.
        data: the n samples.
        noise: largest standard deviation of what is added to `joints` (share of the hand's size); twice that to `landmarks`.
    """

    joints: Tensor
    landmarks: Tensor
    data: SurveyData
    noise: float = DETECTED_NOISE

    @classmethod
    def of_mediapipe(cls, data: SurveyData) -> DetectedJoints:
        """World landmarks and 2D joints of the samples."""
        return cls(data.data.seen.world, data.data.seen.landmarks, data)

    def batch(self, rows: Tensor, generator: torch.Generator) -> Batch:
        """Some hands, rolled by up to 0.25 radians, with a little noise of their own."""
        roll = roll_matrices((2 * torch.rand(len(rows), generator=generator) - 1) * ROLL)
        joints, landmarks = self.joints[rows] @ roll.mT, self.landmarks[rows] @ roll[:, :2, :2].mT
        size = (joints - joints.mean(1, keepdim=True)).square().sum(-1).mean(-1).sqrt()[:, None, None]
        spread = self.noise * torch.rand(len(rows), 1, 1, generator=generator)
        truth = self.data.data.rotations[rows]
        return {
            "seen": joints + spread * size * torch.randn(joints.shape, generator=generator),
            "landmarks": landmarks + 2 * spread * torch.randn(landmarks.shape, generator=generator),
            "rotations": torch.cat([(roll @ truth[:, 0])[:, None], truth[:, 1:]], 1),
            "betas": self.data.data.betas[rows],
        }


@dataclass(frozen=True)
class HandPoses:
    """Poses of motions, mixed between moments and finger by finger, clean and with noise.

    In Zhou et al., CVPR 2020, these are motion capture; here they are the motions of `ml.synthetic`, drawn from seeds of their
    own. A hand's shape, place and orientation are those of a sample that is drawn with each pose.

    Attributes:
        angles: [m, 45], joint angles.
        data: samples from which shapes, places and orientations are taken.
    """

    angles: Tensor
    data: SurveyData

    @classmethod
    def of_motions(cls, data: SurveyData, sequences: int = SEQUENCES) -> HandPoses:
        """The poses of all activities."""
        motions = motion_set("train", an_activity=sequences).motions
        return cls(torch.cat([torch.as_tensor(motion.angles) for motion in motions]), data)

    @cached_property
    def kinematics(self) -> Kinematics:
        """Of the open right hand."""
        return Kinematics(load_hand_model("open", "right"))

    def batch(self, count: int, generator: torch.Generator) -> Batch:
        """`count` hands, half of them without noise."""
        rows = torch.randint(len(self.data), (count,), generator=generator)
        kinematics = self.kinematics
        roll = roll_matrices((2 * torch.rand(count, generator=generator) - 1) * ROLL)
        root = roll @ self.data.data.rotations[rows, 0]
        rotations, betas = kinematics.matrices(self.mixed(count, generator), root), self.data.data.betas[rows]
        joints = kinematics.model.joints(rotations, betas, torch.zeros(3))
        joints = joints - joints[:, :1] + (roll @ self.data.true_joints[rows, 0, :, None])[..., 0][:, None]
        plane = joints[..., :2] / joints[..., 2:].clamp_min(1e-3)
        centre, half = crop_square(plane)
        landmarks = (plane - centre[:, None]) / half[:, None, None]
        spread = (2 * torch.rand(count, 1, 1, generator=generator) - 1).clamp_min(0)
        return {
            "seen": joints + JOINT_NOISE * spread * torch.randn(joints.shape, generator=generator),
            "landmarks": landmarks + PLANE_NOISE * spread * torch.randn(landmarks.shape, generator=generator),
            "rotations": rotations,
            "betas": betas,
        }

    def mixed(self, count: int, generator: torch.Generator) -> Tensor:
        """Angles [count, 45] between two poses each: half of them at one share for the whole hand, half at one for each finger.

        The joint limits are intervals, so what lies between two poses within them is within them, too.
        """
        first, second = (self.angles[torch.randint(len(self.angles), (count,), generator=generator)] for _ in range(2))
        whole = torch.rand(count, 1, generator=generator).expand(count, 5)
        fingers = torch.rand(count, 5, generator=generator)
        by_finger = torch.rand(count, 1, generator=generator) < 0.5
        share = torch.where(by_finger, fingers, whole).repeat_interleave(9, 1)
        return torch.lerp(first, second, share)
