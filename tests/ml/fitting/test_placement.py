"""Hands are placed where they are seen, and never at or behind the camera, however wrong their pose is."""

from __future__ import annotations

import numpy as np
import pytest
import roma
import torch

from ml.fitting.kinematics import Kinematics
from ml.fitting.placement import MAX_DIAMETER_RATIO, MIN_DEPTH, is_plausible, solve_translation, weak_perspective_translation
from ml.hand.camera import default_intrinsics, project
from ml.hand.joint_limits import sample_angles
from ml.hand.model import load_hand_model
from ml.hand.skeleton import SIDES

COUNT = 200
INTRINSICS = torch.as_tensor(default_intrinsics(640, 480))


def hands(seed: int, side: str = "right") -> torch.Tensor:
    """Joints [COUNT, 21, 3] about the model's origin, in everyday poses turned any way."""
    kinematics = Kinematics(load_hand_model("open", side))
    angles = torch.as_tensor(sample_angles(np.random.default_rng(seed), COUNT))[:, 1:].reshape(COUNT, 45).float()
    root = roma.rotvec_to_rotmat(torch.randn(COUNT, 3, generator=torch.Generator().manual_seed(seed)))
    return kinematics.joints(angles, root, torch.zeros(3), torch.zeros(1, 10))


@pytest.mark.parametrize("side", SIDES)
def test_a_hand_that_fits_is_placed_exactly(side):
    joints = hands(1, side)
    translation = torch.tensor([[0.05, -0.04, 0.6]]).expand(COUNT, 3)
    pixels = project(joints + translation[:, None], INTRINSICS)
    assert torch.allclose(solve_translation(joints, pixels, INTRINSICS), translation, atol=2e-4)


def test_one_outlier_joint_hardly_moves_the_hand():
    joints = hands(1)
    translation = torch.tensor([[0.05, -0.04, 0.6]]).expand(COUNT, 3)
    pixels = project(joints + translation[:, None], INTRINSICS)
    pixels[:, 8] += 150
    assert (solve_translation(joints, pixels, INTRINSICS, rounds=8) - translation).norm(dim=-1).median() < 0.01


@pytest.mark.parametrize("depth", [0.25, 0.6, 2.0])
def test_a_wrong_pose_is_still_placed_at_the_detected_position_and_size(depth):
    """Least squares alone puts more than half of such hands behind the camera."""
    seen, posed = hands(1), hands(2)
    pixels = project(seen + torch.tensor([0.05, -0.04, depth]), INTRINSICS)
    translation = solve_translation(posed, pixels, INTRINSICS)
    placed = posed + translation[:, None]
    assert (placed[..., 2] >= MIN_DEPTH - 1e-6).all()
    projected = project(placed, INTRINSICS)
    assert (is_plausible(placed, pixels, projected)).float().mean() > 0.95
    size = (pixels.amax(1) - pixels.amin(1)).amax(-1)
    seen_diameter, diameter = (torch.cdist(p, p).flatten(1).amax(1) for p in (pixels, projected))
    assert (diameter <= (MAX_DIAMETER_RATIO + 0.05) * seen_diameter).all()
    assert ((projected.mean(1) - pixels.mean(1)).norm(dim=-1) < size).all()


def test_hands_behind_the_camera_or_of_the_wrong_size_are_not_plausible():
    joints = hands(1) + torch.tensor([0.0, 0.0, 0.6])
    pixels = project(joints, INTRINSICS)
    assert is_plausible(joints, pixels, pixels).all()
    behind = joints - torch.tensor([0.0, 0.0, 1.2])
    assert not is_plausible(behind, pixels, project(behind, INTRINSICS)).any()
    near = joints - torch.tensor([0.0, 0.0, 0.4])
    assert not is_plausible(near, pixels, project(near, INTRINSICS))[:20].any()


def test_the_weak_perspective_depth_follows_from_the_size_in_the_image():
    joints = hands(3)
    pixels = project(joints + torch.tensor([0.0, 0.0, 0.5]), INTRINSICS)
    placed = weak_perspective_translation(joints, pixels, INTRINSICS)
    assert (placed[:, 2] - 0.5).abs().quantile(0.97) < 0.02
