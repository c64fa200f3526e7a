"""What `ml.training.hmp_tables` measures of a prediction whose faults are known."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from ml.clip import Clip
from ml.formats.prediction import PredictionArrays
from ml.keypoints.tracks import HandTrack, Keypoints
from ml.methods.interface import Request
from ml.metrics.smoothness import smoothness
from ml.training import hmp_tables

FRAMES = 90


def motion(late: float = 0.0, gain: float = 1.0) -> np.ndarray:
    """Joints that sway about the wrist, metres [90, 21, 3]."""
    t = np.arange(FRAMES)[:, None, None] - late
    joint, axis = np.arange(21)[None, :, None], np.arange(3)[None, None, :]
    sway = 0.02 * np.sin(2 * np.pi * t / (20 + joint) + axis)
    sway[:, 0] = 0
    return np.asarray(0.5 + gain * sway)


def arrays(joints: np.ndarray) -> PredictionArrays:
    return PredictionArrays(
        frame=np.arange(FRAMES, dtype=np.int32),
        track=np.zeros(FRAMES, np.int32),
        side=np.zeros(FRAMES, np.int8),
        score=np.ones(FRAMES, np.float32),
        joints=joints.astype(np.float32),
        intrinsics=np.array([[500, 0, 320], [0, 500, 240], [0, 0, 1]], np.float32),
    )


@pytest.fixture
def clip(tmp_path) -> hmp_tables.TestClip:
    video = Clip(tmp_path, "video", fps=30.0, frame_count=FRAMES, width=640, height=480)
    request = Request(video, Keypoints((), FRAMES, 30.0, 640, 480), np.eye(3))
    return hmp_tables.TestClip(request, arrays(motion()), np.ones((FRAMES, 21), bool))


def test_the_kept_amplitude_ignores_noise_and_the_lag_has_subframe_precision(clip):
    noise = np.random.default_rng(0).normal(0, 0.002, (FRAMES, 21, 3))
    errors = hmp_tables._errors(arrays(motion(late=1.4, gain=0.6) + noise), clip, np.arange(FRAMES))
    assert errors.true_share == pytest.approx(0.6, abs=0.03)
    assert errors.lag == pytest.approx(1.4, abs=0.2)


def test_lag_and_kept_amplitude_equal_those_stored_with_scores_also_with_gaps(clip):
    frames = np.delete(np.arange(FRAMES), slice(30, 37))
    found = arrays(motion(late=2))
    errors = hmp_tables._errors(found, clip, frames)
    rows, truth = found.rows(frames), clip.truth.rows(frames)
    stored = smoothness(rows.frame, rows.track, truth.joints, rows.joints)
    assert stored is not None
    assert stored.lag == 2
    assert errors.true_share == pytest.approx(stored.amplitude, rel=1e-5)
    assert round(errors.lag) == stored.lag


def test_a_still_hand_has_no_lag_and_no_kept_amplitude(clip):
    still = hmp_tables.TestClip(clip.request, arrays(np.repeat(motion()[:1], FRAMES, 0)), clip.visible)
    errors = hmp_tables._errors(arrays(motion()), still, np.arange(FRAMES))
    assert np.isnan([errors.lag, errors.amplitude, errors.true_share]).all()


def test_the_fastest_tenth_is_where_the_true_joints_move_most():
    joints = motion()
    joints[40:50] += 0.05 * np.arange(10)[:, None, None]
    chosen = hmp_tables.fastest_frames(joints)
    assert chosen.sum() == FRAMES // 10
    assert set(np.flatnonzero(chosen)) <= set(range(39, 51))
    assert not hmp_tables.fastest_frames(joints[:2]).any()


def test_errors_without_keypoints_are_those_inside_and_outside_the_removed_frames(clip, monkeypatch):
    """A row that is right where it has keypoints and 4 mm off at one joint in the gap."""
    frames = np.arange(FRAMES, dtype=np.int32)
    track = HandTrack(0, "right", frames, np.zeros((FRAMES, 21, 2)), np.zeros((FRAMES, 21, 3)), np.ones(FRAMES))
    asked = []

    def row(request: Request) -> PredictionArrays:
        (kept,) = request.keypoints.tracks
        asked.append(kept.frames)
        joints = motion()
        joints[np.setdiff1d(frames, kept.frames), 8, 0] += 0.004
        return arrays(joints)

    request = dataclasses.replace(clip.request, keypoints=Keypoints((track,), FRAMES, 30.0, 640, 480))
    monkeypatch.setattr(hmp_tables, "ROWS", dict.fromkeys(hmp_tables.GAP_ROWS, row))
    found = hmp_tables.without_keypoints(dataclasses.replace(clip, request=request))
    first, end = hmp_tables.REMOVED
    assert np.array_equal(asked[0], np.delete(frames, slice(first, end)))
    for inside, outside in found.values():
        assert len(inside) == end - first
        assert len(outside) == FRAMES - len(inside)
        assert inside.min() > 0.1
        assert outside.max() < 0.01
