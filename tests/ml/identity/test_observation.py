"""Network inputs do not depend on camera roll, position in the image or side of the hand."""

from __future__ import annotations

import pytest
import roma
import torch
from torch import Tensor

from ml.hand.model import load_hand_model
from ml.identity.observation import INPUTS, mirror_rotations, observe, roll_inputs, sides

INTRINSICS = torch.tensor([[500.0, 0, 320], [0, 500.0, 240], [0, 0, 1]])
RIGHT = sides("right", 4)


def hands(seed: int = 0) -> tuple[Tensor, Tensor]:
    """Rotations [4, 16, 3, 3] and joints [4, 21, 3] of right hands half a metre away."""
    generator = torch.Generator().manual_seed(seed)
    rotations = roma.rotvec_to_rotmat(0.4 * torch.randn(4, 16, 3, generator=generator))
    place = torch.tensor([0.1, -0.05, 0.5]) + 0.02 * torch.randn(4, 3, generator=generator)
    return rotations, load_hand_model("open", "right").joints(rotations, torch.zeros(1, 10), place)


def project(joints: Tensor) -> Tensor:
    return joints[..., :2] / joints[..., 2:] * 500 + torch.tensor([320.0, 240.0])


def test_transforming_rotations_to_the_observation_and_back_is_the_identity():
    rotations, joints = hands()
    for mirrored in (RIGHT, ~RIGHT, torch.tensor([True, False, True, False])):
        seen = observe(project(joints), joints, INTRINSICS, mirrored)
        assert seen.inputs.shape == (4, INPUTS)
        torch.testing.assert_close(seen.to_camera(seen.from_camera(rotations)), rotations, atol=1e-5, rtol=0)


def test_inputs_do_not_depend_on_size_and_distance():
    _, joints = hands()
    near, far = (observe(project(s * joints), s * joints, INTRINSICS, RIGHT).inputs for s in (1.0, 2.5))
    torch.testing.assert_close(near, far, atol=1e-4, rtol=0)


def test_a_left_hand_looks_like_its_mirror_image():
    _, joints = hands()
    mirrored = joints * torch.tensor([-1.0, 1, 1])
    centre = INTRINSICS.clone()
    right = observe(project(joints), joints, centre, RIGHT)
    left = observe(project(mirrored), mirrored, centre, ~RIGHT)
    torch.testing.assert_close(right.inputs, left.inputs, atol=1e-4, rtol=0)


def test_mirroring_twice_changes_nothing():
    rotations, _ = hands()
    torch.testing.assert_close(mirror_rotations(mirror_rotations(rotations)), rotations)


ANGLES = torch.tensor([0.3, -1.0, 2.0, 3.1])


def rolled_hands() -> tuple[Tensor, Tensor, Tensor]:
    """Rotations and joints of hands straight ahead, and of the same ones with the camera held askew."""
    rotations, joints = hands()
    joints = joints - joints.mean(1, keepdim=True) + torch.tensor([0.0, 0, 0.5])
    zero = torch.zeros(4)
    roll = roma.rotvec_to_rotmat(torch.stack([zero, zero, ANGLES], 1))
    return rotations, joints, roll


def test_inputs_do_not_depend_on_camera_roll_and_the_hand_points_up():
    rotations, joints, roll = rolled_hands()
    straight = observe(project(joints), joints, INTRINSICS, RIGHT)
    askew = observe(project(joints @ roll.mT), joints @ roll.mT, INTRINSICS, RIGHT)
    torch.testing.assert_close(askew.inputs, straight.inputs, atol=2e-2, rtol=0)
    true = askew.from_camera(torch.cat([(roll @ rotations[:, 0])[:, None], rotations[:, 1:]], 1))
    assert float(roma.rotmat_geodesic_distance(true[:, 0], straight.from_camera(rotations)[:, 0]).max()) < 0.02
    knuckles = straight.landmarks[:, [5, 9, 13, 17]].mean(1) - straight.landmarks[:, 0]
    assert (knuckles[:, 1] < 0).all()
    assert (knuckles[:, 0].abs() < 0.05).all()


def test_rolling_the_inputs_rolls_the_true_rotation_too():
    rotations, joints, roll = rolled_hands()
    seen = observe(project(joints), joints, INTRINSICS, RIGHT)
    inputs, truth = roll_inputs(seen.inputs, seen.from_camera(rotations), ANGLES)
    flat, before = inputs[:, :42].view(4, 21, 2), seen.inputs[:, :42].view(4, 21, 2)
    torch.testing.assert_close(flat, before @ roll[:, :2, :2].mT)
    torch.testing.assert_close(inputs[:, 105:], seen.inputs[:, 105:])
    torch.testing.assert_close(truth[:, 0], roll @ seen.from_camera(rotations)[:, 0])
    torch.testing.assert_close(truth[:, 1:], rotations[:, 1:])


@pytest.mark.parametrize("mirrored", [False, True])
def test_transforming_points_to_the_crop_and_back_is_the_identity(mirrored):
    _, joints = hands()
    seen = observe(project(joints), joints, INTRINSICS, torch.full((4,), mirrored))
    torch.testing.assert_close(seen.in_crop(joints), seen.landmarks, atol=1e-4, rtol=0)
    sight = seen.centre[:, None] + seen.half[:, None, None] * seen.landmarks
    rays = seen.points_to_camera(torch.cat([sight, torch.ones_like(sight[..., :1])], -1))
    torch.testing.assert_close(project(rays), project(joints), atol=1e-2, rtol=0)


@pytest.mark.parametrize("shift", [-0.15, 0.2])
def test_inputs_do_not_depend_on_where_in_the_image_the_hand_is(shift):
    """A hand rotated together with its line of sight gives the same inputs."""
    _, joints = hands()
    joints = joints - joints.mean(1, keepdim=True) + torch.tensor([0.0, 0, 0.5])
    turn = roma.rotvec_to_rotmat(torch.tensor([0.0, shift, 0]))
    aside = joints @ turn.mT
    ahead, edge = (observe(project(j), j, INTRINSICS, RIGHT).inputs for j in (joints, aside))
    torch.testing.assert_close(ahead, edge, atol=2e-2, rtol=0)
