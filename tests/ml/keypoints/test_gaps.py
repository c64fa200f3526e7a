"""Filling gaps: where it searches, which detections it uses, and that it invents none."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ml.clip import open_clip
from ml.keypoints.gaps import CROP, fill_gaps
from ml.keypoints.tracklet import Detection, hand_size
from ml.keypoints.tracks import HandTrack

HAND = np.random.default_rng(5).uniform(-20, 20, (21, 2)).astype(np.float32)
FRAMES = 40


class BrightSpot:
    """Finds one hand where an image is bright, as a detector finds it where a hand is."""

    def __init__(self) -> None:
        self.sizes: list[tuple[int, ...]] = []

    def find(self, image: np.ndarray) -> list[Detection]:
        self.sizes.append(image.shape)
        rows, columns = np.nonzero(image[..., 0] > 128)
        if not len(rows):
            return []
        centre = np.array([columns.mean(), rows.mean()], np.float32)
        return [Detection(HAND + centre, np.zeros((21, 3), np.float32), 0.9)]


@pytest.fixture
def clip(tmp_path: Path):
    """Forty images with a bright square at (60 + 2 k, 80)."""
    for k in range(FRAMES):
        image = np.zeros((160, 200, 3), np.uint8)
        image[78:83, 58 + 2 * k : 63 + 2 * k] = 255
        Image.fromarray(image).save(tmp_path / f"{k}.png")
    return open_clip(tmp_path)


def track(frames: list[int], number: int = 0) -> HandTrack:
    joints = np.stack([HAND + np.array([60 + 2 * k, 80]) for k in frames]).astype(np.float32)
    rows = len(frames)
    return HandTrack(number, "right", np.array(frames, np.int32), joints, np.zeros((rows, 21, 3), "f4"), np.ones(rows, "f4"))


def test_a_hand_is_found_again_in_its_gap(clip):
    finder = BrightSpot()
    extra = fill_gaps(clip, [track([k for k in range(FRAMES) if not 15 <= k < 20])], lambda: nullcontext(finder))
    assert [frame for frame, _ in extra] == list(range(15, 20))
    for frame, hand in extra:
        assert hand.joints_2d == pytest.approx(HAND + np.array([60 + 2 * frame, 80]), abs=0.6)
    side = round(CROP * float(hand_size(HAND)))
    assert set(finder.sizes) == {(side, side, 3)}


def test_a_hand_is_searched_just_before_and_after_its_track(clip):
    extra = fill_gaps(clip, [track(list(range(8, 33)))], lambda: nullcontext(BrightSpot()))
    assert [frame for frame, _ in extra] == [3, 4, 5, 6, 7, 33, 34, 35, 36, 37]


def test_no_detector_is_opened_without_a_gap(clip):
    def never() -> nullcontext:
        raise AssertionError("there is no gap")

    assert fill_gaps(clip, [track(list(range(FRAMES)))], never) == []


def test_another_hand_is_not_taken_twice(clip):
    whole, gappy = track(list(range(FRAMES))), track([k for k in range(FRAMES) if k != 20], 1)
    assert fill_gaps(clip, [whole, gappy], lambda: nullcontext(BrightSpot())) == []


def test_a_detection_that_is_too_far_away_is_not_used(clip):
    gappy = track([k for k in range(FRAMES) if k != 20])
    away = replace(gappy, joints_2d=gappy.joints_2d + np.float32([0, 35]))
    assert fill_gaps(clip, [away], lambda: nullcontext(BrightSpot())) == []
