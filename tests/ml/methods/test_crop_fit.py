"""The mesh of a network follows the bones of the hand that replaces it after the fit."""

from __future__ import annotations

import numpy as np
import roma
import torch

from ml.fitting.kinematics import Kinematics
from ml.hand.joint_limits import sample_angles
from ml.hand.model import load_hand_model
from ml.methods.crop_fit import CropFit, carried


def hands(seed: int, count: int = 4) -> CropFit:
    generator = np.random.default_rng(seed)
    kinematics = Kinematics(load_hand_model("open", "right"))
    angles = torch.as_tensor(sample_angles(generator, count)[:, 1:].reshape(-1, 45)).float()
    root = roma.random_rotmat(count)
    return CropFit(kinematics.matrices(angles, root), torch.zeros(1, 10), torch.rand(count, 3))


def mesh(hand: CropFit) -> torch.Tensor:
    return load_hand_model("open", "right")(hand.rotations, hand.betas, hand.translation).vertices


def test_a_mesh_of_the_hand_model_becomes_the_model_mesh_of_the_new_pose():
    before, after = hands(0), hands(1)
    torch.testing.assert_close(carried(mesh(before), before, after), mesh(after), atol=1e-6, rtol=0)


def test_in_the_same_pose_nothing_moves():
    before = hands(0)
    vertices = mesh(before) + 0.003 * torch.randn(4, 1, 3)
    torch.testing.assert_close(carried(vertices, before, before), vertices, atol=1e-6, rtol=0)


def test_deviations_from_the_model_mesh_rotate_with_the_hand():
    before = hands(0)
    turn = roma.random_rotmat(4)
    rotations = before.rotations.clone()
    rotations[:, 0] = turn @ rotations[:, 0]
    after = before._replace(rotations=rotations)
    own = 0.003 * torch.randn(4, 1, 3)
    moved = carried(mesh(before) + own, before, after) - mesh(after)
    torch.testing.assert_close(moved, (turn @ own.mT).mT.expand_as(moved), atol=1e-6, rtol=0)
