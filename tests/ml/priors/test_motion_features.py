"""The inputs of the encoder are the motion of the mean hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ml.fitting.kinematics import Kinematics
from ml.hand.joint_limits import sample_angles
from ml.hand.model import load_hand_model
from ml.hand.skeleton import OPENPOSE_TO_MANO
from ml.priors.motion_features import CHANNELS, JOINTS, features, pose


def some_angles(count: int) -> torch.Tensor:
    return torch.as_tensor(sample_angles(np.random.default_rng(0), count)[:, 1:].reshape(count, 45), dtype=torch.float32)


@pytest.mark.parametrize("side", ["right", "left"])
def test_positions_are_those_of_the_mean_hand_of_either_side(side):
    """Angles mean the same on both sides: the left hand's joints are the right hand's, mirrored."""
    angles = some_angles(20)
    kinematics = Kinematics(load_hand_model("open", side))
    betas, still = torch.zeros(1, 10), torch.zeros(20, 3)
    joints = kinematics.joints(angles, torch.eye(3).expand(20, 3, 3), still, betas)[:, list(OPENPOSE_TO_MANO)]
    about_wrist = (joints - joints[:, :1]) * (torch.tensor([-1.0, 1, 1]) if side == "left" else 1.0)
    turns, positions, tips = pose(angles)
    torch.testing.assert_close(positions.flatten(1, 2), about_wrist[:, 1:16], atol=1e-5, rtol=0)
    # the last bone alone carries the tip here; in the model it is skinned
    apart = (tips[:, torch.tensor([4, 0, 1, 3, 2])] - about_wrist[:, 16:]).norm(dim=-1)
    assert float(apart.max()) < 0.004
    torch.testing.assert_close(turns @ turns.mT, torch.eye(3).expand_as(turns), atol=1e-5, rtol=0)


def test_velocities_are_those_of_a_joint_that_turns_at_constant_speed():
    speed = 2.0
    angles = torch.zeros(1, 60, 45)
    angles[0, :, 1] = speed * torch.arange(60) / 30  # flexion of the first joint of the index finger
    found = features(angles)
    assert found.shape == (1, 60, JOINTS, CHANNELS)
    angular = found[0, 1:-1, :3, 12:].norm(dim=-1)
    torch.testing.assert_close(angular, torch.full_like(angular, speed), atol=0.01, rtol=0)
    lever = (found[0, 1:-1, 1, :3] - found[0, 1:-1, 0, :3]).norm(dim=-1)
    torch.testing.assert_close(found[0, 1:-1, 1, 3:6].norm(dim=-1), speed * lever, atol=1e-3, rtol=0)
    assert float(found[0, :, 3:, 12:].abs().max()) < 1e-5
