"""What `ml.training.hmp_tables` measures of a prediction whose faults are known."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from ml.clip import Clip
from ml.formats.prediction import PredictionArrays
from ml.keypoints.tracks import HandTrack, Keypoints
from ml.methods.interface import Request
from ml.metrics.smoothness import smoothness, smoothness_of
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
    found = hmp_tables._summary([(errors, np.ones(FRAMES, bool))])
    assert found["true_share"] == pytest.approx(0.6, abs=0.03)
    assert found["lag_frames"] == pytest.approx(1.4, abs=0.2)


def test_lag_and_kept_amplitude_equal_those_stored_with_scores_also_with_gaps(clip):
    frames = np.delete(np.arange(FRAMES), slice(30, 37))
    found = arrays(motion(late=2))
    errors = hmp_tables._errors(found, clip, frames)
    rows, truth = found.rows(frames), clip.truth.rows(frames)
    stored = smoothness(rows.frame, rows.track, truth.joints, rows.joints)
    assert stored is not None
    assert stored.lag == 2
    summed = smoothness_of(errors.correlations)
    assert summed is not None
    assert summed.amplitude == pytest.approx(stored.amplitude, rel=1e-5)
    assert summed.lag == stored.lag


def test_the_lag_of_several_clips_is_that_of_all_their_velocities(clip):
    """A clip that moves a lot counts more than one that hardly moves, whose correlations are noise."""
    every = np.arange(FRAMES)
    lively = hmp_tables._errors(arrays(motion(late=1)), clip, every)
    resting = hmp_tables.TestClip(clip.request, arrays(0.5 + 0.001 * (motion() - 0.5)), clip.visible)
    noise = np.random.default_rng(1).normal(0, 1e-5, (FRAMES, 21, 3))
    other = hmp_tables._errors(arrays(motion(late=9, gain=0.001) + noise), resting, every)
    parts = [(errors, np.ones(FRAMES, bool)) for errors in (lively, other, other)]
    assert hmp_tables._summary(parts)["lag_frames"] == pytest.approx(1, abs=0.1)


def test_intervals_hold_the_ratio_and_the_lag(clip):
    every, chosen = np.arange(FRAMES), np.ones(FRAMES, bool)

    def moved(joints: np.ndarray, rng: np.random.Generator, noise: float) -> tuple[hmp_tables._Errors, np.ndarray]:
        return hmp_tables._errors(arrays(joints + rng.normal(0, noise, joints.shape)), clip, every), chosen

    rng = np.random.default_rng(2)
    rows = {
        "stage2_blend": [moved(motion(late=1), rng, 0.001) for _ in range(4)],
        "per_frame": [moved(motion(), rng, 0.004) for _ in range(4)],
    }
    found = hmp_tables.intervals(rows)
    ratio = hmp_tables._summary(rows["stage2_blend"])["ra_acc"] / hmp_tables._summary(rows["per_frame"])["ra_acc"]
    assert found["ra_acc"][0] <= ratio <= found["ra_acc"][1] < 0.5
    assert found["lag_frames"] == pytest.approx([1, 1], abs=0.1)


def test_a_still_hand_has_no_lag_and_no_kept_amplitude(clip):
    still = hmp_tables.TestClip(clip.request, arrays(np.repeat(motion()[:1], FRAMES, 0)), clip.visible)
    errors = hmp_tables._errors(arrays(motion()), still, np.arange(FRAMES))
    assert smoothness_of(errors.correlations) is None
    assert np.isnan(errors.amplitude)


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
