"""Joints behind the own hand, outside the image, or that detector and image network do not know."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from ml.fitting.kinematics import Kinematics
from ml.fitting.prior import pose_prior
from ml.fitting.solver import Parameters, Problem
from ml.hand.camera import project
from ml.hand.model import load_hand_model
from ml.methods.seen_joints import ERROR_OF_DOUBT, UNKNOWN, doubt, hidden_by_hand, joint_certainty

INTRINSICS = torch.tensor([[600.0, 0, 320], [0, 600, 240], [0, 0, 1]])
SIZE = (640, 480)
TIPS = [8, 12, 16, 20]


@pytest.fixture(scope="module")
def kinematics():
    return Kinematics(load_hand_model("open", "right"))


def bent_by(flexion: float) -> torch.Tensor:
    """Angles [1, 45] with all joints but the thumb's bent."""
    angles = torch.zeros(5, 3, 3)
    angles[:4, :, 1] = flexion
    return angles.view(1, 45)


def posed(kinematics: Kinematics, flexion: float, *, palm_to_camera: bool = False) -> Parameters:
    """A hand with its fingers up, half a metre from the camera."""

    def joints(angles: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = kinematics.joints(angles, torch.eye(3)[None], torch.zeros(3), torch.zeros(1, 10))[0]
        return found

    flat, hand = joints(bent_by(0.0)), joints(bent_by(flexion))
    up = torch.nn.functional.normalize(flat[9] - flat[0], dim=0)
    palm = torch.nn.functional.normalize(torch.linalg.cross(up, flat[5] - flat[17]), dim=0)
    palm = palm * torch.sign(((joints(bent_by(0.6)) - flat)[TIPS] @ palm).mean())  # fingers bend towards the palm
    forward = -palm if palm_to_camera else palm
    root = torch.stack([torch.linalg.cross(-up, forward), -up, forward])
    place = torch.tensor([[0.0, 0.0, 0.5]]) - (root @ hand.mean(0))[None]
    return Parameters(bent_by(flexion), root[None], place, torch.zeros(1, 10))


@pytest.mark.parametrize(("palm_to_camera", "hidden"), [(False, True), (True, False)])
def test_fingertips_of_a_fist_are_hidden_from_behind(kinematics, palm_to_camera, hidden):
    fist = posed(kinematics, 1.0, palm_to_camera=palm_to_camera)
    assert bool(hidden_by_hand(kinematics, fist, INTRINSICS)[0, TIPS].all()) is hidden
    assert bool(hidden_by_hand(kinematics, fist, INTRINSICS)[0, TIPS].any()) is hidden


@pytest.mark.parametrize("palm_to_camera", [False, True])
def test_nothing_of_a_flat_hand_is_hidden(kinematics, palm_to_camera):
    assert not hidden_by_hand(kinematics, posed(kinematics, 0.0, palm_to_camera=palm_to_camera), INTRINSICS).any()


def test_no_frames_are_fine(kinematics):
    none = posed(kinematics, 0.0).rows(torch.zeros(0, dtype=torch.long))
    assert hidden_by_hand(kinematics, none, INTRINSICS).shape == (0, 21)


def problem_of(kinematics: Kinematics, hand: Parameters) -> Problem:
    pixels = project(kinematics.joints(hand.angles, hand.root, hand.translation, hand.betas), INTRINSICS)
    return Problem(kinematics, pose_prior(), pixels, INTRINSICS, torch.full((1, 21), 2.0), shape_known=True)


def test_doubted_joints_count_as_not_seen_and_are_as_uncertain_as_the_doubt(kinematics):
    hand = posed(kinematics, 0.0)
    problem = problem_of(kinematics, hand)
    box = float((problem.pixels.amax(1) - problem.pixels.amin(1)).max())
    doubts = torch.zeros(1, 21)
    doubts[0, 8], doubts[0, 12] = 1.1 * UNKNOWN * box, 0.9 * UNKNOWN * box
    plain, seen = joint_certainty(problem, hand, None, SIZE)
    assert seen.all()
    std, seen = joint_certainty(problem, hand, doubts, SIZE)
    assert torch.nonzero(~seen[0]).flatten().tolist() == [8]
    depth = kinematics.joints(hand.angles, hand.root, hand.translation, hand.betas)[..., 2]
    aside = ERROR_OF_DOUBT * doubts * depth / INTRINSICS[0, 0]
    torch.testing.assert_close(std, (plain.square() + aside.square()).sqrt())


def test_joints_outside_the_image_are_not_seen(kinematics):
    hand = posed(kinematics, 0.0)
    pixels = problem_of(kinematics, hand).pixels[0, :, 0]
    right = (SIZE[0] - float(pixels.median())) * 0.5 / float(INTRINSICS[0, 0])  # half of the hand is cut off
    hand = replace(hand, translation=hand.translation + torch.tensor([right, 0.0, 0.0]))
    problem = problem_of(kinematics, hand)
    beyond = problem.pixels[0, :, 0] > SIZE[0]
    assert 0 < beyond.sum() < 21
    _, seen = joint_certainty(problem, hand, None, SIZE)
    assert torch.equal(~seen[0], beyond)


def test_doubt_grows_with_the_networks_own_and_with_the_distance_of_the_two():
    here = torch.zeros(1, 3, 2)
    there = torch.tensor([[[0.0, 0.0], [0.0, 0.0], [6.0, 8.0]]])
    found = doubt(torch.tensor([[1.0, 3.0, 0.0]]), here, there)
    torch.testing.assert_close(found, torch.tensor([[1.0, 3.0, 5.0]]))
