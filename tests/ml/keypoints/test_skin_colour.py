"""Colours in CIELAB, along the bones only."""

from __future__ import annotations

import numpy as np
import pytest

from ml.keypoints.skin_colour import colour_along_bones, to_lab


@pytest.mark.parametrize(
    ("rgb", "lab"),
    [
        ((255, 255, 255), (100, 0, 0)),
        ((0, 0, 0), (0, 0, 0)),
        ((255, 0, 0), (53.24, 80.09, 67.20)),
        ((0, 0, 255), (32.30, 79.19, -107.86)),
        ((119, 119, 119), (50.03, 0, 0)),
    ],
)
def test_known_colours(rgb, lab):
    np.testing.assert_allclose(to_lab(np.array([rgb], np.uint8))[0], lab, atol=0.15)


def test_the_colour_is_that_of_the_hand_and_not_of_the_background():
    image = np.full((100, 100, 3), (0, 0, 255), np.uint8)
    image[:, 40:60] = (200, 150, 120)
    joints = np.stack([np.linspace(45, 55, 21), np.linspace(5, 95, 21)], 1).astype(np.float32)
    np.testing.assert_allclose(colour_along_bones(image, joints), to_lab(np.array([[200, 150, 120]], np.uint8))[0], atol=1e-3)


def test_joints_outside_the_image_are_no_error():
    image = np.full((20, 20, 3), 90, np.uint8)
    joints = np.random.default_rng(0).uniform(-1000, 1000, (21, 2)).astype(np.float32)
    assert np.isfinite(colour_along_bones(image, joints)).all()
