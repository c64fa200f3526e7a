"""Inverse kinematics finds poses that were made, on both hands, wherever and however large the hand is."""

from __future__ import annotations

import numpy as np
import pytest
import roma
import torch

from ml.fitting.inverse_kinematics import inverse_kinematics, shape_from_bones
from ml.fitting.kinematics import Kinematics
from ml.hand.joint_limits import sample_angles
from ml.hand.model import load_hand_model
from ml.hand.skeleton import SIDES


@pytest.fixture(params=SIDES)
def made(request):
    kinematics = Kinematics(load_hand_model("open", request.param))
    angles = torch.as_tensor(sample_angles(np.random.default_rng(1), 100))[:, 1:].reshape(100, 45).float()
    root = roma.rotvec_to_rotmat(torch.randn(100, 3, generator=torch.Generator().manual_seed(0)))
    betas = torch.zeros(1, 10)
    joints = kinematics.model.joints(kinematics.matrices(angles, root), betas, torch.zeros(3))
    return kinematics, joints, betas


def test_it_finds_the_pose(made):
    kinematics, joints, betas = made
    angles, root = inverse_kinematics(kinematics, joints, betas)
    found = kinematics.model.joints(kinematics.matrices(angles, root), betas, torch.zeros(3))
    assert (found - joints).norm(dim=-1).mean() < 0.0005
    assert torch.allclose(root @ root.mT, torch.eye(3).expand_as(root), atol=1e-5)


def test_origin_and_scale_do_not_matter(made):
    kinematics, joints, betas = made
    angles, root = inverse_kinematics(kinematics, joints, betas)
    moved_angles, moved_root = inverse_kinematics(kinematics, 3.7 * joints + torch.tensor([0.3, -2.0, 5.0]), betas)
    assert torch.allclose(moved_root, root, atol=1e-3)
    assert (moved_angles - angles).abs().median() < 1e-3


def test_a_turned_hand_has_a_turned_root_and_the_same_fingers(made):
    kinematics, joints, betas = made
    turn = roma.rotvec_to_rotmat(torch.tensor([[0.4, -1.1, 0.7]]))[0]
    angles, root = inverse_kinematics(kinematics, joints, betas)
    turned_angles, turned_root = inverse_kinematics(kinematics, joints @ turn.mT, betas)
    assert torch.allclose(turned_root, turn @ root, atol=1e-4)
    assert (turned_angles - angles).abs().median() < 1e-3


def test_it_finds_the_shape(made):
    kinematics, _, _ = made
    betas = torch.randn(1, 10, generator=torch.Generator().manual_seed(5))
    rest = kinematics.model.rest_joints(betas)
    found = shape_from_bones(kinematics, rest)
    assert (kinematics.model.rest_joints(found) - rest).norm(dim=-1).mean() < 0.003
