"""IKNet: what its rotations refer to, and what its input does not hold."""

from __future__ import annotations

import pytest
import roma
import torch

from ml.hand.model import load_hand_model
from ml.networks.pose_quaternions import IKNet

RIGHT = load_hand_model("open", "right")


@pytest.fixture(scope="module")
def network() -> IKNet:
    torch.manual_seed(0)
    return IKNet(plane=False).eval()


@pytest.fixture(scope="module")
def joints():
    random = torch.Generator().manual_seed(1)
    rest = RIGHT.rest_joints(torch.zeros(1, 10)).expand(8, 21, 3)
    turned = rest @ roma.rotvec_to_rotmat(torch.randn(8, 3, generator=random)).mT
    return turned + 0.004 * torch.randn(8, 21, 3, generator=random)


LANDMARKS = torch.zeros(8, 21, 2)


def test_a_turned_hand_has_a_turned_root_and_the_same_fingers(network, joints):
    turn = roma.rotvec_to_rotmat(torch.tensor([[0.3, -1.0, 2.0]]))
    first, second = network(joints, LANDMARKS).rotations, network(joints @ turn.mT, LANDMARKS).rotations
    torch.testing.assert_close(second[:, 0], turn @ first[:, 0], atol=1e-4, rtol=0)
    torch.testing.assert_close(second[:, 1:], first[:, 1:], atol=1e-4, rtol=0)


def test_size_and_place_do_not_matter(network, joints):
    first, second = network(joints, LANDMARKS), network(9 * joints + torch.tensor([0.2, 0.1, 3.0]), LANDMARKS)
    torch.testing.assert_close(second.rotations, first.rotations, atol=1e-3, rtol=0)
    torch.testing.assert_close(second.betas, first.betas, atol=1e-2, rtol=0)


def test_outputs_are_valid_rotation_matrices(network, joints):
    rotations = network(joints, LANDMARKS).rotations
    torch.testing.assert_close(rotations @ rotations.mT, torch.eye(3).expand_as(rotations), atol=1e-5, rtol=0)
    assert (torch.linalg.det(rotations) > 0).all()


def test_an_untrained_network_poses_a_flat_hand_like_the_palm(joints):
    network = IKNet().eval()
    torch.nn.init.zeros_(network.leave.weight)
    posed = network(joints, LANDMARKS)
    found = RIGHT.joints(posed.rotations, posed.betas, torch.zeros(3))
    apart = (found - found[:, :1]) - (joints - joints[:, :1])
    assert apart.norm(dim=-1).mean() < 0.02


def test_coincident_joints_give_finite_outputs(network):
    found = network(torch.zeros(3, 21, 3), torch.zeros(3, 21, 2))
    assert torch.isfinite(found.rotations).all()
    assert torch.isfinite(found.betas).all()
