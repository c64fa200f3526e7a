"""Anatomical axes and ranges of motion."""

import numpy as np
import pytest
import roma
import torch

from ml.hand.anatomy import bone_frames
from ml.hand.joint_limits import LIMITS, angles_to_pose, joint_angles, sample_angles, sample_poses
from ml.hand.model import load_hand_model, mirror_pose
from ml.hand.skeleton import FINGERS, MANO_JOINTS, SIDES


def rest(side):
    return load_hand_model("open", side).rest_joints(torch.zeros(10))[0].double().numpy()


@pytest.mark.parametrize("side", SIDES)
def test_frames_are_right_handed_rotations(side):
    frames = bone_frames(rest(side), side)
    np.testing.assert_allclose(frames @ frames.transpose(0, 2, 1), np.broadcast_to(np.eye(3), (16, 3, 3)), atol=1e-9)
    np.testing.assert_allclose(np.linalg.det(frames), 1, atol=1e-9)


@pytest.mark.parametrize("side", SIDES)
def test_converting_angles_to_a_pose_and_back_is_the_identity(side):
    angles = sample_angles(np.random.default_rng(0), 100)
    pose = angles_to_pose(angles, rest(side), side)
    axes = torch.as_tensor(bone_frames(rest(side), side))
    np.testing.assert_allclose(joint_angles(roma.rotvec_to_rotmat(torch.as_tensor(pose)), axes), angles, atol=1e-7)


def test_the_same_angles_give_mirrored_poses_for_left_and_right():
    angles = sample_angles(np.random.default_rng(1), 20)
    right, left = (angles_to_pose(angles, rest(side), side) for side in ("right", "left"))
    np.testing.assert_allclose(left, mirror_pose(torch.as_tensor(right)), atol=1e-6)


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("finger", FINGERS)
def test_flexion_bends_towards_the_palm(side, finger):
    model = load_hand_model("open", side)
    angles = np.zeros((1, 16, 3))
    for part in (2, 3):
        angles[0, MANO_JOINTS.index(f"{finger}{part}"), 1] = 0.5
    pose = torch.as_tensor(angles_to_pose(angles, rest(side), side), dtype=torch.float32)
    joints = model.joints(pose, torch.zeros(10), torch.zeros(3))[0]
    flat = model.rest_joints(torch.zeros(10))[0]
    tip = 4 * FINGERS.index(finger) + 4
    palm = flat[[0, 5, 17]].mean(0) + torch.tensor([0.0, -0.03, 0.0])
    assert (joints[tip] - palm).norm() < (flat[tip] - palm).norm() - 0.004


def test_samples_stay_within_the_limits_and_use_them():
    angles = sample_angles(np.random.default_rng(2), 4000)
    assert (angles >= LIMITS[..., 0] - 1e-12).all()
    assert (angles <= LIMITS[..., 1] + 1e-12).all()
    for joint in (1, 2, 4, 14):
        used = np.ptp(angles[:, joint, 1]) / np.ptp(LIMITS[joint, 1])
        assert used > 0.8, MANO_JOINTS[joint]


def test_sampled_poses_repeat():
    a, b = (sample_poses(np.random.default_rng(5), 3, rest("right"), "right") for _ in range(2))
    np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(a[:, 0], 0)
