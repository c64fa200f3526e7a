"""Hands in boxes that people drew: found where the first look missed them, followed, and joined with what is known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ml.clip import Clip, open_clip
from ml.hand.camera import project
from ml.keypoints.detector import HandDetector, detect
from ml.keypoints.drawn_boxes import CONFIDENCE, DrawnBox, with_drawn_hands
from ml.keypoints.tracklet import hand_distance
from ml.keypoints.tracks import HandTrack, Keypoints
from ml.synthetic.clips import Look, make_clip
from ml.synthetic.subjects import make_subject

FRAMES = 8


def rendered(folder: Path, distance: float) -> tuple[Clip, np.ndarray]:
    """A moving right hand, and its joints [n, 21, 2] in pixels."""
    folder.mkdir()
    look = Look(distance=distance)
    made = make_clip(2, make_subject(2, "test", 2), seconds=FRAMES / 10, fps=10, look=look, hands=("right",))
    for index, image in enumerate(made.frames()):
        Image.fromarray(image).save(folder / f"{index:02d}.png")
    return open_clip(folder), project(made.truth.hands[0].joints, made.truth.intrinsics)


@pytest.fixture(scope="module")
def far(tmp_path_factory: pytest.TempPathFactory) -> tuple[Clip, np.ndarray]:
    """40 px of 640: the detector misses it in most frames."""
    return rendered(tmp_path_factory.mktemp("far") / "images", 6.0)


@pytest.fixture(scope="module")
def near(tmp_path_factory: pytest.TempPathFactory) -> tuple[Clip, np.ndarray, Keypoints]:
    """Found in every frame."""
    clip, truth = rendered(tmp_path_factory.mktemp("near") / "images", 1.0)
    keypoints = detect(clip)
    assert [(track.side, len(track.frames)) for track in keypoints.tracks] == [("right", FRAMES)]
    return clip, truth, keypoints


def box_around(joints: np.ndarray, frame: int, side: str = "right") -> DrawnBox:
    """As a person draws it: a little larger than the hand."""
    low, size = joints[frame].min(0), np.ptp(joints[frame], axis=0)
    return DrawnBox(frame, *(low - 0.1 * size), *(1.2 * size), side)


def drawn(clip: Clip, keypoints: Keypoints, *boxes: DrawnBox, static: bool = False) -> tuple[Keypoints, list[DrawnBox]]:
    finder = lambda: HandDetector(2, static=True, confidence=CONFIDENCE)  # noqa: E731
    return with_drawn_hands(clip, keypoints, boxes, finder, static=static)


def with_frames(keypoints: Keypoints, frames: list[int]) -> Keypoints:
    (track,) = keypoints.tracks
    kept = np.isin(track.frames, frames)
    rows = (getattr(track, name)[kept] for name in ("frames", "joints_2d", "world", "score"))
    return replace(keypoints, tracks=(HandTrack(track.track, track.side, *rows),))


def test_a_hand_that_the_detector_misses_is_found_in_its_box_and_followed(far):
    clip, truth = far
    keypoints = detect(clip)
    assert not any(4 in track.frames for track in keypoints.tracks)
    found, empty = drawn(clip, keypoints, box_around(truth, 4))
    (track,) = [track for track in found.tracks if 4 in track.frames]
    assert (track.side, empty) == ("right", [])
    assert len(track.frames) >= FRAMES - 1
    assert hand_distance(track.joints_2d, truth[track.frames]).max() < 0.1


def test_in_independent_images_only_the_image_of_the_box_gets_a_hand(far):
    clip, truth = far
    none = Keypoints((), clip.frame_count, clip.fps, clip.width, clip.height)
    found, _ = drawn(clip, none, box_around(truth, 4), static=True)
    assert [track.frames.tolist() for track in found.tracks] == [[4]]


def test_the_side_is_the_one_that_was_drawn(near):
    clip, truth, keypoints = near
    found, _ = drawn(clip, replace(keypoints, tracks=()), box_around(truth, 4, "left"), static=True)
    assert [track.side for track in found.tracks] == ["left"]


def test_a_followed_hand_becomes_a_part_of_the_track_that_it_meets(near):
    clip, truth, keypoints = near
    found, _ = drawn(clip, with_frames(keypoints, [0, 1, 2, 7]), box_around(truth, 4))
    (track,) = found.tracks
    assert (track.track, track.frames.tolist()) == (keypoints.tracks[0].track, list(range(FRAMES)))
    assert hand_distance(track.joints_2d, keypoints.tracks[0].joints_2d).max() < 0.1


def test_a_box_around_a_known_hand_and_one_outside_the_clip_change_nothing(near):
    clip, truth, keypoints = near
    found, empty = drawn(clip, keypoints, box_around(truth, 4), replace(box_around(truth, 4), frame=FRAMES))
    assert (found.tracks, empty) == (keypoints.tracks, [])


def test_a_box_without_a_detected_hand_is_reported(near):
    clip, _, keypoints = near
    nothing = DrawnBox(3, 2, 2, 30, 30, "left")
    found, empty = drawn(clip, keypoints, nothing)
    assert (found.tracks, empty) == (keypoints.tracks, [nothing])
