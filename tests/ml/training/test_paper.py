"""The optimisation of the paper: it moves a hand onto the detected joints."""

from __future__ import annotations

import roma
import torch

from ml.hand.model import load_hand_model
from ml.training import paper
from ml.training.hand_loss import ShapedPose

RIGHT = load_hand_model("open", "right")


def test_adam_moves_the_joints_onto_the_detected_ones():
    generator = torch.Generator().manual_seed(0)
    turns = 0.2 * torch.randn(3, 16, 3, generator=generator)
    true, betas = roma.rotvec_to_rotmat(turns), torch.randn(1, 10, generator=generator)
    joints = RIGHT.joints(true, betas.expand(3, 10), torch.tensor([[0.0, 0.0, 0.7], [0.1, 0.0, 0.9], [-0.1, 0.1, 0.6]]))
    sight = joints[..., :2] / joints[..., 2:]
    off = roma.rotvec_to_rotmat(turns + 0.03 * torch.randn(3, 16, 3, generator=generator))
    focal = torch.full((3,), 300.0)
    with torch.no_grad():  # as the tables call it
        hand = paper.adam(off, betas, sight, focal)
    got = RIGHT.joints(*hand)
    missed = 300 * (got[..., :2] / got[..., 2:] - sight).norm(dim=-1)
    assert float(missed.mean()) < 1.0
    assert not hand.rotations.requires_grad
    torch.testing.assert_close(hand.betas, betas.expand(3, 10))
    torch.testing.assert_close(torch.linalg.det(hand.rotations), torch.ones(3, 16))


def test_the_mesh_loss_is_zero_for_the_true_hand_and_grows_with_the_error_of_pose_and_shape():
    generator = torch.Generator().manual_seed(1)
    turns, betas = 0.3 * torch.randn(4, 16, 3, generator=generator), torch.randn(4, 10, generator=generator)
    true = ShapedPose(roma.rotvec_to_rotmat(turns), betas)

    def loss(off: float, shape: float) -> float:
        moved = turns + off * torch.ones(4, 16, 3)
        return float(paper.mesh_loss(RIGHT, ShapedPose(roma.rotvec_to_rotmat(moved), betas + shape), true))

    # what is left is that of the normals: edges are at right angles to the normals of their own triangles
    assert loss(0, 0) < 1e-4
    assert loss(0, 0) < loss(0.02, 0) < loss(0.1, 0)
    assert loss(0, 0) < loss(0, 0.2) < loss(0, 1.0)


def test_both_losses_are_measured():
    spent = paper.loss_seconds(batch=16, rounds=1)
    assert set(spent) == {"joints", "mesh"}
    assert min(spent.values()) > 0
