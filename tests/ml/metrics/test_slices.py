"""Attributes of hands whose answer is known, and means by slice with intervals and worst frames."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ml.catalog import RUN_SLICES
from ml.hand.camera import project
from ml.keypoints.tracks import HandTrack, Keypoints
from ml.metrics.frame_attributes import UNKNOWN, frame_attributes
from ml.metrics.slices import cells, stretches
from ml.metrics.statistics import MIN_CLUSTERS
from tests.attachments import CLIP
from tests.predictions import hands

N = 12
FINGERS = (0.03, 0.01, -0.01, -0.03)
PLACE = np.array([0, 0.05, 0.5])


def hand(*, straight: tuple[bool, ...] = (True,) * 4, thumb: tuple[float, float, float] = (0.06, 0.02, 0.0)) -> np.ndarray:
    """A right hand seen on its palm: wrist at the origin, fingers up (y negative); those that are not straight are curled."""
    joints = np.zeros((21, 3))
    joints[1:5] = np.linspace(0.25, 1, 4)[:, None] * thumb
    for number, (x, is_straight) in enumerate(zip(FINGERS, straight, strict=True)):
        base = np.array([x, -0.09, 0.0])
        steps = [0.0, 0.03, 0.06, 0.09] if is_straight else [0.0, 0.03, 0.03, 0.0]
        depth = [0.0, 0.0, 0.0, 0.0] if is_straight else [0.0, 0.0, -0.03, -0.03]
        for k in range(4):
            joints[5 + 4 * number + k] = np.array([0, -steps[k], depth[k]]) + base
    return joints


def attributes(shape: np.ndarray, /, *, keypoints: Keypoints | None = None, is_video: bool = True, **changes: object):
    """Names of the categories of one hand that stays where it is, half a metre away."""
    still = np.broadcast_to(PLACE + shape, (N, 21, 3)).copy()
    truth = replace(hands(N), joints=still, intrinsics=CLIP.camera, meta={"fps": 30.0, "width": 640, "height": 480})
    truth = replace(truth, **{name: change(getattr(truth, name)) for name, change in changes.items()})  # type: ignore[operator]
    found = frame_attributes(truth, keypoints, is_video=is_video)
    return {name: RUN_SLICES[name][codes[5]] if codes[5] != UNKNOWN else None for name, codes in found.items()}


@pytest.mark.parametrize(
    ("joints", "pose"),
    [
        (hand(), "flat"),
        (hand(straight=(False,) * 4), "fist"),
        (hand(straight=(True, False, False, False)), "point"),
        (hand(straight=(True, True, False, False)), "point"),
        (hand(straight=(False, True, True, True)), "other"),
        (hand(thumb=(0.03, -0.17, 0.0)), "pinch"),
    ],
)
def test_pose(joints, pose):
    assert attributes(joints)["pose"] == pose


TURNS = {
    "palm": np.eye(3), "back": np.diag([-1.0, 1, -1]), "side": np.array([[0, 0, 1.0], [0, 1, 0], [-1, 0, 0]]),
    "tips": np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]]),
}  # fmt: skip


@pytest.mark.parametrize(("view", "turn"), TURNS.items())
def test_viewpoint(view, turn):
    seen = attributes(hand() @ turn.T)["viewpoint"]
    mirrored = attributes((hand() @ turn.T) * [-1, 1, 1], side=lambda side: side * 0)["viewpoint"]
    expected = {seen, mirrored}
    assert len(expected) == 1
    assert seen == view


@pytest.mark.parametrize(("step_m", "speed"), [(0.0, "still"), (0.003, "slow"), (0.02, "fast")])
def test_speed(step_m, speed):
    def moving(joints):
        return joints + np.arange(N)[:, None, None] * [step_m, 0, 0]

    assert attributes(hand(), joints=moving)["speed"] == speed
    assert attributes(hand(), joints=moving, is_video=False)["speed"] is None


def test_speed_is_not_known_where_a_neighbour_is_missing():
    assert attributes(hand(), frame=lambda frame: 2 * frame)["speed"] is None


@pytest.mark.parametrize(("depth", "size"), [(1.5, "small"), (0.3, "medium"), (-0.1, "large")])
def test_size(depth, size):
    assert attributes(hand(), joints=lambda joints: np.array([0, 0, depth]) + joints)["size"] == size


def test_border():
    assert attributes(hand())["border"] == "inside"
    assert attributes(hand(), joints=lambda joints: np.array([0.3, 0, 0]) + joints)["border"] == "cut"


@pytest.mark.parametrize(("seen", "name"), [(21, "visible"), (12, "partly hidden"), (5, "mostly hidden")])
def test_occlusion_by_the_truths_visibility(seen, name):
    visible = np.zeros((N, 21), np.uint8)
    visible[:, :seen] = 1
    assert attributes(hand(), visible=lambda _: visible)["occlusion"] == name


@pytest.mark.parametrize(("score", "beside_px", "name"), [
    (0.95, 3, "visible"), (0.6, 3, "partly hidden"), (0.3, 3, "mostly hidden"), (0.95, 300, "mostly hidden"),
])  # fmt: skip
def test_occlusion_by_the_confidence_of_detections(score, beside_px, name):
    pixels = np.array([beside_px, 0]) + project(PLACE + hand(), CLIP.camera)
    track = HandTrack(
        track=0, side="right", frames=np.arange(N, dtype=np.int32), joints_2d=np.tile(pixels, (N, 1, 1)).astype(np.float32),
        world=np.zeros((N, 21, 3), np.float32), score=np.full(N, score, np.float32),
    )  # fmt: skip
    assert attributes(hand(), keypoints=Keypoints((track,), N, 30.0, 640, 480))["occlusion"] == name
    assert attributes(hand())["occlusion"] is None


def test_means_counts_and_worst_frames_of_two_attributes_crossed():
    generator = np.random.default_rng(0)
    count = 1200
    first, second = generator.integers(-1, 2, count), generator.integers(0, 3, count)
    values = generator.normal(10 + 5 * second, 1.0)
    values[::7] = np.nan
    frame = np.arange(count)
    labels = stretches(frame, np.zeros(count, int), seconds_frames=30)
    found = cells(values, [first, second], labels, higher_is_better=False, worst=3)
    assert [cell.keys for cell in found] == [(a, b) for a in range(2) for b in range(3)]
    for cell in found:
        own = (first == cell.keys[0]) & (second == cell.keys[1])
        there = own & np.isfinite(values)
        assert (cell.hands, cell.found) == (own.sum(), there.sum())
        assert cell.mean == pytest.approx(values[there].mean())
        assert cell.low < cell.mean < cell.high < cell.low + 1
        assert list(cell.worst) == list(np.argsort(-np.where(there, values, -np.inf))[:3])
    best_last = cells(values, [second], labels, higher_is_better=True, worst=1)[0]
    assert values[best_last.worst[0]] == np.nanmin(values[second == 0])


def test_few_independent_segments_give_no_interval():
    frame = np.arange(30 * (MIN_CLUSTERS - 1))
    labels = stretches(frame, np.zeros(len(frame), int), seconds_frames=30)
    (cell,) = cells(np.ones(len(frame)), [np.zeros(len(frame), int)], labels, higher_is_better=False)
    assert (cell.low, cell.obstacle) == (None, "few")


def test_two_runs_are_compared_on_the_hands_that_both_found():
    generator = np.random.default_rng(1)
    a = generator.normal(10, 1, 600)
    b = a + generator.normal(2, 0.5, 600)
    b[:100] = np.nan
    labels = stretches(np.arange(600), np.zeros(600, int), seconds_frames=30)
    (cell,) = cells(a, [np.zeros(600, int)], labels, higher_is_better=False, other=b)
    assert cell.difference.shared == 500
    assert cell.difference.low < -2 < cell.difference.high < 0
    assert cell.difference.p < 0.001
