"""Activities of hands: what each looks like over time, and that older ones are drawn as ever."""

from __future__ import annotations

import numpy as np
import pytest

from ml.hand.joint_limits import LIMITS
from ml.synthetic.activities import DAILY_ACTIVITIES, daily_motion
from ml.synthetic.hand_motion import ACTIVITIES, Place, joint_motion, root_motion
from ml.synthetic.hand_shapes import FINGER_JOINTS, GESTURES, GRASPS, LETTERS, grasp, shape

TIMES = np.arange(360) / 30
OF_SEED_5 = {"reach": 247.2804, "grasp": 662.3365, "count": 631.2116, "type": 524.9145, "sign": 1340.5961}
"""Sum of all angles of three seconds of seed 5, as first released."""


@pytest.mark.parametrize("activity", ACTIVITIES)
def test_activities_of_the_benchmark_are_drawn_as_in_its_first_version(activity):
    angles = joint_motion(np.random.default_rng(5), activity, np.arange(90) / 30)
    assert angles.sum() == pytest.approx(OF_SEED_5[activity], abs=1e-4)


@pytest.mark.parametrize("activity", DAILY_ACTIVITIES)
def test_the_same_seed_moves_in_the_same_way_and_another_does_not(activity):
    first, again, other = (daily_motion(np.random.default_rng(seed), activity, TIMES) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > np.radians(5)


def flexion_speed(activity: str, seed: int) -> float:
    """Mean over time (rad/s) of the fastest joint."""
    angles = daily_motion(np.random.default_rng(seed), activity, TIMES)
    return float(np.abs(np.diff(angles[:, :, 1], axis=0)).mean(0).max() * 30)


def test_the_speed_of_an_activity_varies_with_the_seed():
    speeds = [flexion_speed("fist", seed) for seed in range(20)]
    assert max(speeds) > 4 * min(speeds)
    assert np.mean([flexion_speed("idle", seed) for seed in range(10)]) < 0.3 * np.mean(speeds)


def test_most_of_the_range_of_every_joint_is_used():
    seen = np.concatenate([daily_motion(np.random.default_rng(k), name, TIMES) for k in range(6) for name in DAILY_ACTIVITIES])
    low, high = np.quantile(seen, 0.001, axis=0), np.quantile(seen, 0.999, axis=0)
    flexion = (high - low)[1:, 1] / np.ptp(LIMITS[1:, 1], axis=-1)
    assert flexion.min() > 0.7


def test_typing_presses_one_finger_after_the_other():
    angles = daily_motion(np.random.default_rng(2), "press", TIMES)
    bases = angles[:, FINGER_JOINTS[1:, 0], 1]
    moved = bases - np.median(bases, axis=0)
    correlation = np.corrcoef(moved.T)
    assert np.abs(correlation[~np.eye(4, dtype=bool)]).mean() < 0.6


def test_shapes_are_distinct_and_nearly_within_the_limits():
    shapes = np.concatenate([LETTERS, GESTURES])
    assert (shapes >= LIMITS[..., 0] - np.radians(3)).all()
    assert (shapes <= LIMITS[..., 1] + np.radians(3)).all()
    np.testing.assert_array_equal(shape("vcccc0"), shape("vcccc0"))
    assert np.degrees(np.abs(shape("ooooo8") - shape("vcccc0")).max()) > 90


@pytest.mark.parametrize("kind", GRASPS)
def test_a_larger_object_opens_the_hand(kind):
    small, large = (grasp(kind, size, 0.5)[1:, 1].sum() for size in (0.0, 1.0))
    assert large < small


def test_a_waving_hand_turns_to_and_fro():
    place = Place(np.array([0, 0, 0.4]), np.full(3, 0.03), back=False, turn=0.3)
    turned = {}
    for activity in ("reach", "wave"):
        matrices, centre = root_motion(np.random.default_rng(4), place, TIMES, activity)
        assert matrices.shape == (360, 3, 3)
        assert np.abs(centre - place.centre).max() < 0.06
        cosine = (np.einsum("tij,tij->t", matrices[1:], matrices[:-1]) - 1) / 2
        turned[activity] = np.arccos(np.clip(cosine, -1, 1)).sum()
    assert turned["wave"] > 1.5 * turned["reach"]
