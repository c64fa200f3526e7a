"""Crops: positions, orientation, mirrored hands, hands at the edge of the image, large hands."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ml.hand.camera import default_intrinsics
from ml.identity.crops import CROP_PX, RIM_PX, crop_of
from ml.identity.observation import MARGIN, observe

WIDTH, HEIGHT = 640, 480


def joints_about(x: float, y: float, half: float = 60.0) -> np.ndarray:
    """21 places in a square box about a point, of a hand that points up."""
    rng = np.random.default_rng(0)
    inside = rng.uniform(-half, half, (21, 2))
    inside[0], inside[1], inside[2] = (0.0, half), (-half, -half), (half, 0.0)
    inside[[5, 9, 13, 17]] = [(-9.0, 0.0), (-3.0, 0.0), (3.0, 0.0), (9.0, 0.0)]
    inside -= inside.mean(0) * [1.0, 0.0]  # its camera looks at the middle of the joints
    return (inside + np.array([x, y])).astype(np.float32)


def spot(x: float, y: float, radius: int = 6) -> np.ndarray:
    """A white spot on black."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    lit = (columns - x) ** 2 + (rows - y) ** 2 <= radius**2
    return np.repeat(lit[..., None], 3, -1).astype(np.uint8) * 255


def centre_of(crop: np.ndarray) -> np.ndarray:
    """Of what is lit, in px of the crop."""
    weight = crop[0].astype(float)
    rows, columns = np.mgrid[:CROP_PX, :CROP_PX]
    return np.array([(columns * weight).sum(), (rows * weight).sum()]) / weight.sum()


@pytest.mark.parametrize("joint", [0, 4, 8, 17])
@pytest.mark.parametrize("turn", [0.0, 1.0, -2.5])
@pytest.mark.parametrize("mirrored", [False, True])
def test_a_spot_drawn_on_a_joint_appears_in_the_crop_at_the_observed_landmark(joint, turn, mirrored):
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    joints = ((joints_about(0, 0) @ rotation.T) + [330, 220]).astype(np.float32)
    intrinsics = default_intrinsics(WIDTH, HEIGHT).astype(np.float32)
    crop = crop_of(spot(*joints[joint]), joints, intrinsics, mirrored=mirrored)
    k, side = torch.as_tensor(intrinsics), torch.tensor([mirrored])
    seen = observe(torch.as_tensor(joints)[None], torch.randn(1, 21, 3), k, side)
    expected = (seen.landmarks[0, joint].numpy() + 1) / 2 * CROP_PX - 0.5
    np.testing.assert_allclose(centre_of(crop), expected, atol=0.8)


def test_the_joints_box_fills_the_crop_but_for_its_margin():
    seen = observe(
        torch.as_tensor(joints_about(320, 240))[None], torch.randn(1, 21, 3),
        torch.as_tensor(default_intrinsics(WIDTH, HEIGHT), dtype=torch.float32), torch.tensor([False]),
    )  # fmt: skip
    assert float(seen.landmarks.abs().max()) == pytest.approx(1 / MARGIN, abs=1e-4)


def test_a_crop_with_a_rim_contains_the_same_crop_in_its_middle():
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    picture = np.stack([127 + 120 * np.sin(columns / a + rows / b) for a, b in ((23, 31), (17, -29), (41, 19))], -1)
    given = picture.astype(np.uint8), joints_about(300, 230), default_intrinsics(WIDTH, HEIGHT)
    wide = crop_of(*given, mirrored=False, rim=RIM_PX)
    assert wide.shape == (3, CROP_PX + 2 * RIM_PX, CROP_PX + 2 * RIM_PX)
    inner = wide[:, RIM_PX:-RIM_PX, RIM_PX:-RIM_PX].astype(int)
    assert np.abs(inner - crop_of(*given, mirrored=False)).max() <= 1


def test_a_left_hand_is_a_mirrored_right_one():
    intrinsics = default_intrinsics(WIDTH, HEIGHT)
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    waves = [127 + 120 * np.sin(columns / a + rows / b) for a, b in ((23, 31), (17, -29), (41, 19))]
    picture = np.stack(waves, -1).astype(np.uint8)
    joints = joints_about(250, 200)
    flipped = joints * [-1, 1] + [2 * intrinsics[0, 2], 0]
    # pixel x of the picture lies at 2·cx − x in the mirrored one
    mirror = picture[:, np.clip(np.round(2 * intrinsics[0, 2] - np.arange(WIDTH)).astype(int), 0, WIDTH - 1)]
    one = crop_of(picture, joints, intrinsics, mirrored=True)
    other = crop_of(mirror, flipped.astype(np.float32), intrinsics, mirrored=False)
    assert np.abs(one.astype(int) - other.astype(int)).mean() < 3.0
    assert np.abs(one.astype(int) - other[..., ::-1].astype(int)).mean() > 30


def test_what_lies_outside_the_picture_is_black():
    white = np.full((HEIGHT, WIDTH, 3), 255, np.uint8)
    crop = crop_of(white, joints_about(0, 240), default_intrinsics(WIDTH, HEIGHT), mirrored=False)
    assert crop[:, 48, 2].max() == 0
    assert crop[:, 48, -3].min() == 255
    nowhere = crop_of(white, joints_about(-3000, 240), default_intrinsics(WIDTH, HEIGHT), mirrored=False)
    assert nowhere.max() == 0


def test_a_large_hand_is_averaged_when_scaled_down_and_not_subsampled():
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    board = np.repeat(((rows + columns) % 2 * 255)[..., None], 3, -1).astype(np.uint8)
    crop = crop_of(board, joints_about(320, 240, half=170.0), default_intrinsics(WIDTH, HEIGHT), mirrored=False)
    inner = crop[0, 8:-8, 8:-8].astype(float)
    assert abs(inner.mean() - 127.5) < 6
    assert inner.std() < 70
