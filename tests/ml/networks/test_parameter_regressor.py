"""The 22 numbers of `boukhayma2019`: what they mean, and where their rotations are singular."""

from __future__ import annotations

import math

import pytest
import roma
import torch

from ml.hand.model import load_hand_model
from ml.networks.hand_batch import HandBatch
from ml.networks.parameter_regressor import BASE, CropAndMapRegressor, CropRegressor, MapRegressor, projected

HANDS = HandBatch(torch.randn(3, 132), torch.rand(3, 21, 2) - 0.5, torch.randint(0, 256, (3, 3, 96, 96), dtype=torch.uint8))


@pytest.mark.parametrize("build", [MapRegressor, CropRegressor, CropAndMapRegressor])
def test_an_encoder_gives_22_numbers_which_define_a_hand(build):
    network = build().eval()
    assert network.encoded(HANDS).shape == (3, 22)
    found = network(HANDS)
    assert found.rotations.shape == (3, 16, 3, 3)
    torch.testing.assert_close(found.rotations @ found.rotations.mT, torch.eye(3).expand(3, 16, 3, 3), atol=1e-5, rtol=0)
    assert found.betas.shape == (3, 10)
    assert found.landmarks.shape == (3, 21, 2)


def test_its_2d_joints_are_those_of_its_pose_under_weak_perspective():
    network = MapRegressor().eval()
    found = network(HANDS)
    hand = network.decoded(network.encoded(HANDS))
    joints = load_hand_model("open", "right").joints(found.rotations, found.betas, torch.zeros(3))
    relative = joints - joints[:, :1]
    torch.testing.assert_close(projected(hand.camera, relative), found.landmarks)
    # x = t + s·X: the wrist is at t, and twice the scale is twice the distance from it
    torch.testing.assert_close(found.landmarks[:, 0], hand.camera[:, 1:])
    larger = projected(hand.camera + torch.tensor([math.log(2), 0, 0]), relative)
    torch.testing.assert_close(larger - larger[:, :1], 2 * (found.landmarks - found.landmarks[:, :1]))


def test_palm_and_back_views_are_rotated_by_90_degrees_from_the_base():
    base = torch.tensor(BASE)
    joints = load_hand_model("open", "right").rest_joints(torch.zeros(10))[0]
    up = base @ (joints[9] - joints[0])
    assert up[1] < 0  # y points down in images
    assert up[1].abs() > 10 * up[[0, 2]].abs().max()
    across = joints[5] - joints[17]
    normal = torch.linalg.cross(joints[9] - joints[0], across)
    for turn in (90, -90):
        seen = roma.rotvec_to_rotmat(torch.tensor([0.0, math.radians(turn), 0.0])) @ base @ normal
        assert seen[2].abs() > 10 * seen[:2].abs().max()  # along the line of sight


def test_more_pose_components_reach_more_poses():
    assert MapRegressor(45).numbers == 61
    assert MapRegressor().components.shape == (6, 45)
