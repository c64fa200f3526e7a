"""Returning hands keep their track; short tracks that contradict longer ones are removed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ml.keypoints.association import associate
from ml.keypoints.tracklet import Detection

RNG = np.random.default_rng(5)
SHAPES = {name: RNG.uniform(-40, 40, (21, 2)).astype(np.float32) for name in ("left", "right", "other")}
WORLDS = {name: RNG.uniform(-0.05, 0.05, (21, 3)).astype(np.float32) for name in SHAPES}
SKIN, GLOVE = np.array([65.0, 15, 18], np.float32), np.array([40.0, -20, -25], np.float32)


def hand(name: str, x: float, frame: int, *, y: float = 200, right: float | None = None, colour=SKIN) -> Detection:
    shake = np.random.default_rng([frame, len(name), int(x)])
    joints = SHAPES[name] + np.array([x, y]) + shake.normal(0, 1.5, (21, 2))
    probability = (0.95 if name == "right" else 0.05) if right is None else right
    return Detection(joints.astype(np.float32), WORLDS[name], probability, colour + shake.normal(0, 1, 3).astype(np.float32))


def lost_for(frames: int, also=lambda k: []) -> list[list[Detection]]:
    """A right hand that stays; a left one that is lost after 100 frames and reappears elsewhere."""
    back = 100 + frames
    return [
        [hand("right", 500, k), *([hand("left", 100 if k < 100 else 300, k)] if k < 100 or k >= back else []), *also(k)]
        for k in range(back + 80)
    ]


def test_a_hand_lost_for_153_frames_keeps_its_track_and_a_false_one_of_21_frames_is_removed():
    def also(k):  # a second right hand on the table, and a flash of a left one
        false = [hand("other", 250, k, y=400, right=0.9)] if 150 <= k < 171 else []
        return false + ([hand("other", 50, k, y=60)] if 20 <= k < 27 else [])

    tracks = associate(lost_for(153, also), 30)
    assert sorted((t.side, len(t.frames)) for t in tracks) == [("left", 180), ("right", 333)]
    (left,) = [t for t in tracks if t.side == "left"]
    assert set(left.frames) == {*range(100), *range(253, 333)}


def test_a_returning_hand_briefly_detected_as_the_other_side_is_not_a_new_hand():
    def also(k):
        return [hand("left", 110, k, right=0.8)] if 125 <= k < 146 else []

    tracks = associate(lost_for(153, also), 30)
    assert sorted(t.side for t in tracks) == ["left", "right"]


def test_a_short_track_of_the_other_side_elsewhere_is_kept():
    found = [
        [*([hand("left", 100, k)] if not 100 <= k < 200 else []), *([hand("right", 500, k)] if 140 <= k < 165 else [])]
        for k in range(300)
    ]
    assert [(t.side, len(t.frames)) for t in associate(found, 30)] == [("left", 200), ("right", 25)]


def test_a_short_second_track_of_a_side_is_kept_if_two_of_that_side_are_often_seen():
    found = [
        [
            *([hand("left", 100, k)] if k < 200 else []),
            *([hand("other", 400, k)] if 50 <= k < 150 else []),
            *([hand("other", 250, k, y=500, colour=GLOVE)] if 170 <= k < 190 else []),
        ]
        for k in range(260)
    ]
    assert sorted(len(t.frames) for t in associate(found, 30)) == [20, 100, 200]


@pytest.mark.parametrize("returns", ["first", "second"])
def test_a_returning_hand_is_matched_to_the_lost_hand_of_the_same_colour(returns):
    colours = {"first": SKIN, "second": GLOVE}
    found = [
        [hand("left", 100, k, colour=SKIN), hand("left", 400, k, colour=GLOVE)]
        if k < 60
        else ([hand("left", 250, k, colour=colours[returns])] if k >= 150 else [])
        for k in range(220)
    ]
    tracks = associate(found, 30)
    assert len(tracks) == 2
    expected = 100 if returns == "first" else 400
    (continued,) = [t for t in tracks if len(t.frames) == 130]
    assert abs(continued.joints_2d[0].mean(axis=0)[0] - SHAPES["left"].mean(axis=0)[0] - expected) < 5


def test_an_ambiguous_returning_hand_is_not_matched():
    found = [
        [hand("left", 100, k), hand("left", 400, k)] if k < 60 else ([hand("left", 250, k)] if k >= 150 else [])
        for k in range(220)
    ]
    assert [len(t.frames) for t in associate(found, 30)] == [60, 60, 70]


def test_a_gloved_hand_is_not_matched_to_a_bare_one():
    found = [
        [hand("left", 100, k)] if k < 60 else ([hand("left", 110, k, colour=GLOVE)] if k >= 150 else []) for k in range(220)
    ]
    assert len(associate(found, 30)) == 2


def test_without_colours_side_and_place_decide():
    found = [[replace(d, colour=None) for d in hands] for hands in lost_for(153)]
    assert sorted((t.side, len(t.frames)) for t in associate(found, 30)) == [("left", 180), ("right", 333)]
