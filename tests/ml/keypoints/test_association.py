"""Association of detections made up by rule: crossing, leaving and returning, duplicates, two left hands."""

from __future__ import annotations

import numpy as np
import pytest

from ml.keypoints.association import associate, by_side
from ml.keypoints.tracklet import Detection, hand_distance, hand_size

RNG = np.random.default_rng(5)
HAND = RNG.uniform(-40, 40, (21, 2)).astype(np.float32)
OTHER = RNG.uniform(-40, 40, (21, 2)).astype(np.float32)
WORLD = RNG.uniform(-0.05, 0.05, (21, 3)).astype(np.float32)
OTHER_WORLD = RNG.uniform(-0.05, 0.05, (21, 3)).astype(np.float32)


def left(x: float, y: float = 200, *, right: float = 0.05, noise: int | None = None) -> Detection:
    shake = 0 if noise is None else np.random.default_rng(noise).normal(0, 1.5, (21, 2))
    return Detection((HAND + np.array([x, y]) + shake).astype(np.float32), WORLD, right)


def right(x: float, y: float = 200, *, noise: int | None = None, side: float = 0.95) -> Detection:
    shake = 0 if noise is None else np.random.default_rng(noise).normal(0, 1.5, (21, 2))
    return Detection((OTHER + np.array([x, y]) + shake).astype(np.float32), OTHER_WORLD, side)


def centre_path(track):
    return track.joints_2d[:, :, 0].mean(axis=1)


def test_one_hand_is_one_track():
    (track,) = associate([[left(100 + 2 * k, noise=k)] for k in range(60)], 30)
    assert (track.track, track.side) == (0, "left")
    assert np.array_equal(track.frames, np.arange(60))
    assert track.joints_2d.shape == (60, 21, 2)
    assert track.world.shape == (60, 21, 3)
    assert track.score == pytest.approx(0.95)


def test_nothing_found():
    assert associate([[]] * 30, 30) == ()
    assert associate([], 30) == ()


@pytest.mark.parametrize("sides", [0.95, 0.05])
def test_crossing_hands_do_not_swap(sides):
    """Also where the detector calls both of them left, as two people's hands may be; the order in a frame is by chance."""
    order = np.random.default_rng(1).integers(0, 2, 120)
    found = [
        [left(80 + 4 * k, noise=k), right(560 - 4 * k, noise=500 + k, side=sides)][:: 1 if order[k] else -1] for k in range(120)
    ]
    tracks = associate(found, 30)
    assert len(tracks) == 2
    for track in tracks:
        assert len(track.frames) == 120
        step = np.diff(centre_path(track))
        assert (np.sign(step) == np.sign(step[0])).all()


def test_crossing_with_one_hidden_for_a_while():
    found = []
    for k in range(120):
        hands = [left(80 + 4 * k, noise=k)]
        if not 50 <= k < 70:
            hands.append(right(560 - 4 * k, noise=500 + k))
        found.append(hands)
    first, second = associate(found, 30)
    assert (first.side, len(first.frames)) == ("left", 120)
    assert (second.side, len(second.frames)) == ("right", 100)
    assert not set(range(50, 70)) & set(second.frames.tolist())


def test_a_hand_that_leaves_and_returns_elsewhere_is_the_same_with_a_gap():
    found = [
        [right(500, noise=900 + k)] + ([left(100, noise=k)] if k < 30 else [left(300, noise=k)] if k >= 90 else [])
        for k in range(120)
    ]
    tracks = {t.side: t for t in associate(found, 30)}
    assert len(tracks["right"].frames) == 120
    assert np.array_equal(tracks["left"].frames, [*range(30), *range(90, 120)])


def test_a_hand_that_appears_where_another_left_is_a_new_track():
    found = [[left(100, noise=k)] for k in range(40)] + [[right(110, noise=k)] for k in range(40, 80)]
    assert [t.side for t in associate(found, 30)] == ["left", "right"]


def test_two_left_hands_are_two_tracks():
    tracks = associate([[left(100, noise=k), left(400, noise=200 + k)] for k in range(50)], 30)
    assert [(t.side, len(t.frames)) for t in tracks] == [("left", 50), ("left", 50)]


def test_side_is_settled_by_all_frames_together():
    found = [[left(100, right=0.9 if k % 10 == 0 else 0.1)] for k in range(50)]
    (track,) = associate(found, 30)
    assert track.side == "left"


def test_uncertain_votes_for_a_side_have_little_weight():
    found = [[left(100, right=0.55)] for _ in range(30)] + [[left(100, right=0.01)] for _ in range(10)]
    (track,) = associate(found, 30)
    assert track.side == "left"


def test_duplicates_of_one_hand_are_one_track():
    found = [[left(100, noise=k), left(104, noise=300 + k)] for k in range(40)]
    (track,) = associate(found, 30)
    assert len(track.frames) == 40


def test_a_duplicate_that_was_apart_at_first_is_merged():
    found = [[left(100, noise=k), left(100 + max(2, 60 - 6 * k), noise=300 + k)] for k in range(60)]
    assert len(associate(found, 30)) == 1


def test_short_false_detections_are_removed():
    found = [[left(100, noise=k)] + ([right(500)] if k in (20, 21) else []) for k in range(60)]
    (track,) = associate(found, 30)
    assert track.side == "left"


def test_a_short_clip_keeps_its_hands():
    assert len(associate([[left(100)]], 30)) == 1
    assert len(associate([[left(100), right(300)]] * 3, 30)) == 2


def test_gaps_in_a_track_are_not_filled():
    (track,) = associate([[] if 20 <= k < 25 else [left(100 + k)] for k in range(50)], 30)
    assert np.array_equal(track.frames, [*range(20), *range(25, 50)])


def test_independent_images_are_joined_by_side_only():
    found = [[left(100), right(300)], [right(100)], [], [left(400), left(100, right=0.4), right(10)]]
    tracks = by_side(found)
    assert [(t.side, t.frames.tolist()) for t in tracks] == [("left", [0, 3]), ("right", [0, 1, 3]), ("left", [3])]
    assert tracks[0].joints_2d[1] == pytest.approx(left(400).joints_2d)


def test_distance_counts_in_hand_sizes():
    size = hand_size(HAND)
    assert hand_distance(HAND, HAND + np.array([size, 0])) == pytest.approx(1)
    assert hand_distance(HAND, HAND * 2) == hand_distance(HAND * 2, HAND)
