"""Metrics without ground truth, on motions whose numbers can be worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from ml.catalog import SERIES_METRICS
from ml.formats.prediction import PredictionArrays
from ml.hand.camera import default_intrinsics, project
from ml.keypoints.tracks import HandTrack, Keypoints
from ml.metrics.no_truth import agreement, bone_length_deviation, jitter, reprojection_error, series


def _hand(count: int) -> np.ndarray:
    joints = np.random.default_rng(0).normal(0, 0.05, (21, 3)).astype(np.float32)
    joints[:, 2] += 0.6
    return np.repeat(joints[None], count, axis=0)


def _prediction(joints: np.ndarray, frame: np.ndarray) -> PredictionArrays:
    count = len(frame)
    return PredictionArrays(
        frame=frame, side=np.ones(count, np.uint8), track=np.zeros(count, np.int32), score=np.ones(count, np.float32),
        joints=joints, intrinsics=default_intrinsics(640, 480), meta={"frame_count": 10},
    )  # fmt: skip


def test_a_rigid_hand_in_steady_motion_has_no_jitter():
    joints = _hand(8) + np.linspace(0, 0.1, 8)[:, None, None]
    assert np.nanmax(jitter(np.arange(8), joints)) < 1e-3


def test_one_joint_that_jumps_by_a_centimetre():
    joints = _hand(5)
    joints[2, 8, 0] += 0.01
    # second differences of 10, −20 and 10 mm of one joint in 21
    assert jitter(np.arange(5), joints)[1:4] == pytest.approx([10 / 21, 20 / 21, 10 / 21], abs=1e-4)
    assert np.isnan(jitter(np.arange(5), joints)[[0, 4]]).all()


def test_nothing_is_measured_across_a_gap():
    measured = jitter(np.array([0, 1, 2, 5, 6, 7]), _hand(6))
    assert np.isnan(measured).tolist() == [True, False, True, True, False, True]


def test_bones_that_keep_their_length():
    assert bone_length_deviation(_hand(4)).max() == 0
    joints = _hand(5)
    joints[4] *= 1.1
    assert bone_length_deviation(joints)[4] > 1


def test_reprojection_is_in_pixels():
    joints = _hand(3)
    intrinsics = default_intrinsics(640, 480)
    pixels = project(joints, intrinsics) + np.array([3.0, 4.0])
    assert reprojection_error(joints, pixels, intrinsics) == pytest.approx([5, 5, 5], abs=1e-4)


def test_series_are_null_in_frames_without_a_value():
    frame = np.array([2, 3, 4], np.int32)
    joints = _hand(3)
    pixels = project(joints, default_intrinsics(640, 480))
    track = HandTrack(0, "right", frame, pixels, joints, np.ones(3, np.float32))
    curves = series(_prediction(joints, frame), Keypoints((track,), 10, 30.0, 640, 480))
    hand = curves["hands"][0]
    assert (curves["frame_count"], hand["track"], hand["side"]) == (10, 0, "right")
    assert [i for i, v in enumerate(hand["values"]["reprojection"]) if v is not None] == [2, 3, 4]
    assert [i for i, v in enumerate(hand["values"]["jitter"]) if v is not None] == [3]


def test_agreement_ignores_where_the_hand_is():
    frame = np.arange(3, dtype=np.int32)
    here, there = _prediction(_hand(3), frame), _prediction(_hand(3) + 1.0, frame)
    assert agreement(here, there) == pytest.approx(0, abs=1e-3)
    assert np.isnan(agreement(here, _prediction(_hand(3), frame + 3)))


def test_the_catalogue_names_what_a_series_has():
    joints = _hand(4)
    made = series(_prediction(joints, np.arange(4)), Keypoints((), 10, 30.0, 640, 480))
    assert tuple(made["hands"][0]["values"]) == SERIES_METRICS


def test_bone_lengths_of_a_single_frame_have_no_variation():
    assert np.isnan(bone_length_deviation(_hand(1))).all()
    made = series(_prediction(_hand(1), np.arange(1)), Keypoints((), 1, 30.0, 640, 480))
    assert made["hands"][0]["values"]["bone_length"][0] is None
