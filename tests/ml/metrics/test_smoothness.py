"""Lag and kept amplitude of motions whose answers are known."""

from __future__ import annotations

import numpy as np
import pytest

from ml.metrics.smoothness import MAX_LAG, smoothness, speed_ratio

FRAMES = 90


def motion(late: float = 0.0, gain: float = 1.0) -> np.ndarray:
    """Joints that sway about the wrist, each in its own rhythm, metres [90, 21, 3]."""
    t = np.arange(FRAMES)[:, None, None] - late
    joint, axis = np.arange(21)[None, :, None], np.arange(3)[None, None, :]
    sway = 0.02 * np.sin(2 * np.pi * t / (20 + joint) + axis)
    sway[:, 0] = 0
    return 0.5 + gain * sway


def of(truth: np.ndarray, prediction: np.ndarray):
    return smoothness(np.arange(len(truth)), np.zeros(len(truth), int), truth, prediction)


@pytest.mark.parametrize("late", [-4, 0, 3])
def test_the_lag_is_found(late):
    found = of(motion(), motion(late=late))
    assert found.lag == late
    assert found.amplitude == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("late", [-2.4, -0.3, 0.0, 0.25, 1.4, 3.0])
def test_the_lag_is_found_to_a_fraction_of_a_frame(late):
    found = of(motion(), motion(late=late))
    assert found.lag == round(late)
    assert found.precise_lag == pytest.approx(late, abs=0.05)


def test_a_lag_at_the_end_of_the_search_range_has_no_fraction():
    found = of(motion(), motion(late=MAX_LAG + 1.5))
    assert found.precise_lag == found.lag == MAX_LAG


def test_the_kept_amplitude_measures_smoothing_and_ignores_noise():
    noise = np.random.default_rng(0).normal(0, 0.002, (FRAMES, 21, 3))
    found = of(motion(), motion(gain=0.6) + noise)
    assert found.lag == 0
    assert found.amplitude == pytest.approx(0.6, abs=0.03)


def test_moving_the_whole_hand_changes_nothing():
    drift = np.linspace(0, 1, FRAMES)[:, None, None]
    assert of(motion(), motion(late=2) + drift).lag == 2


def test_gaps_and_several_tracks_are_left_out_of_the_differences():
    truth = np.concatenate([motion(), motion()])
    prediction = np.concatenate([motion(late=2), motion(late=2)])
    prediction[40:50] = np.nan
    frame, track = np.tile(np.arange(FRAMES), 2), np.repeat([0, 1], FRAMES)
    keep = frame != 20
    found = smoothness(frame[keep], track[keep], truth[keep], prediction[keep])
    assert found.lag == 2
    assert found.amplitude == pytest.approx(1, abs=0.01)


def test_without_motion_or_prediction_there_is_no_answer():
    still = np.full((FRAMES, 21, 3), 0.5)
    assert of(still, motion()) is None
    assert of(motion(), np.full((FRAMES, 21, 3), np.nan)) is None
    assert of(motion()[:1], motion()[:1]) is None


def test_the_speed_ratio_is_that_of_the_amplitudes_whatever_the_lag():
    assert speed_ratio(np.arange(FRAMES), motion(), motion(late=3, gain=0.7), 30.0) == pytest.approx(0.7, abs=0.02)


def test_the_speed_ratio_leaves_out_what_is_faster_than_5_hz():
    tremor = 0.004 * (-1.0) ** np.arange(FRAMES)[:, None, None]
    shaken = motion() + tremor * np.arange(21)[None, :, None]
    assert speed_ratio(np.arange(FRAMES), motion(), shaken, 30.0) == pytest.approx(1, abs=0.05)
    assert speed_ratio(np.arange(FRAMES), motion(), shaken, 10.0) > 1.5


def test_the_speed_ratio_takes_stretches_without_gaps():
    frames = np.delete(np.arange(FRAMES), slice(40, 43))
    truth = motion()[frames]
    assert speed_ratio(frames, truth, 1.2 * truth, 30.0) == pytest.approx(1.2)
    assert speed_ratio(np.arange(0, FRAMES, 2), motion()[::2], motion()[::2], 30.0) is None


def test_a_truth_at_rest_has_no_speed_ratio():
    assert speed_ratio(np.arange(FRAMES), 0 * motion(), motion(), 30.0) is None
