"""Gaps filled on the shortest arc."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from ml.priors.slerp import fill_gaps


def turning(frames: int) -> tuple[np.ndarray, np.ndarray]:
    """Two joints that turn at constant speed about axes of their own, and a hand that moves on a line."""
    angle = np.linspace(0, 1.2, frames)
    joints = [Rotation.from_rotvec(angle[:, None] * axis).as_matrix() for axis in np.eye(3)[:2]]
    return np.stack(joints, 1), np.stack([angle, 2 * angle, -angle], 1)


def test_constant_turning_is_restored_and_known_frames_stay():
    rotations, translation = turning(30)
    known = np.ones(30, bool)
    known[10:22] = False
    holed = np.where(known[:, None, None, None], rotations, np.nan)
    filled, moved = fill_gaps(holed, np.where(known[:, None], translation, np.nan), known)
    np.testing.assert_allclose(filled, rotations, atol=1e-9)
    np.testing.assert_allclose(moved, translation, atol=1e-9)
    np.testing.assert_array_equal(filled[known], rotations[known])


def test_frames_before_and_after_the_known_ones_repeat_the_nearest():
    rotations, translation = turning(12)
    known = np.zeros(12, bool)
    known[[4, 7]] = True
    filled, moved = fill_gaps(rotations, translation, known)
    for frame, nearest in ((0, 4), (3, 4), (8, 7), (11, 7)):
        np.testing.assert_allclose(filled[frame], rotations[nearest], atol=1e-9)
        np.testing.assert_allclose(moved[frame], translation[nearest])


def test_a_single_known_frame_is_repeated_everywhere():
    rotations, translation = turning(5)
    filled, moved = fill_gaps(rotations, translation, np.arange(5) == 2)
    np.testing.assert_allclose(filled, rotations[[2] * 5], atol=1e-9)
    np.testing.assert_array_equal(moved, translation[[2] * 5])


def test_without_a_known_frame_it_says_so():
    with pytest.raises(ValueError, match="no frame of the clip is known"):
        fill_gaps(*turning(3), np.zeros(3, bool))
