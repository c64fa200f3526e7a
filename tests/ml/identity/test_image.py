"""Crops: what lies where, mirrored hands, hands at the edge; and the network that looks at them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ml.hand.camera import default_intrinsics
from ml.identity.image import CROP_PX, MARGIN, ImageBackbone, crop_of
from ml.identity.networks import Baseline

WIDTH, HEIGHT = 640, 480


def joints_about(x: float, y: float, half: float = 60.0) -> np.ndarray:
    """21 places in a square box about a point."""
    rng = np.random.default_rng(0)
    inside = rng.uniform(-half, half, (21, 2))
    inside[0], inside[1] = (-half, -half), (half, half)
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


@pytest.mark.parametrize(("dx", "dy"), [(0, 0), (50, 0), (0, -50), (-40, 30)])
def test_a_spot_lies_where_the_joints_box_says(dx, dy):
    intrinsics = default_intrinsics(WIDTH, HEIGHT)
    crop = crop_of(spot(320 + dx, 240 + dy), joints_about(320, 240), intrinsics, mirrored=False)
    side = 120 * MARGIN
    expected = (np.array([dx, dy]) / side + 0.5) * CROP_PX - 0.5
    np.testing.assert_allclose(centre_of(crop), expected, atol=0.8)


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
    assert crop[:, 32, 2].max() == 0
    assert crop[:, 32, -3].min() == 255
    nowhere = crop_of(white, joints_about(-3000, 240), default_intrinsics(WIDTH, HEIGHT), mirrored=False)
    assert nowhere.max() == 0


def test_a_large_hand_is_averaged_not_skipped_through():
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    board = np.repeat(((rows + columns) % 2 * 255)[..., None], 3, -1).astype(np.uint8)
    crop = crop_of(board, joints_about(320, 240, half=170.0), default_intrinsics(WIDTH, HEIGHT), mirrored=False)
    inner = crop[0, 8:-8, 8:-8].astype(float)
    assert abs(inner.mean() - 127.5) < 6
    assert inner.std() < 70


def test_the_network_answers_alike_alone_and_in_company():
    torch.manual_seed(0)
    model = Baseline(ImageBackbone()).eval()
    crops = torch.randint(0, 256, (300, 3, CROP_PX, CROP_PX), dtype=torch.uint8)
    with torch.no_grad():
        rotations, betas, features = model(crops)
        alone = model(crops[7:8])
    assert (rotations.shape, betas.shape, features.shape) == ((300, 16, 3, 3), (300, 10), (300, 256))
    torch.testing.assert_close(alone[1], betas[7:8], atol=1e-4, rtol=1e-3)


def test_it_is_small():
    assert sum(p.numel() for p in ImageBackbone().parameters()) < 1_500_000
