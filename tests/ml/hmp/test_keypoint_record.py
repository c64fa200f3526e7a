"""The record of the keypoints that a motion fit used."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch

from ml.formats.prediction import PredictionArrays
from ml.hmp.keypoint_record import SegmentKeypoints, keypoint_record
from ml.hmp.segments import segments_of
from ml.keypoints.tracks import HandTrack


def track(frames: list[int], shifts: dict[int, float] | None = None) -> HandTrack:
    """A right hand of 100 px that is elsewhere (px) from some frames on."""
    shape = np.random.default_rng(0).uniform(0, 100, (21, 2))
    moved = [sum(shift for start, shift in (shifts or {}).items() if frame >= start) for frame in frames]
    pixels = (shape + np.array(moved)[:, None, None]).astype(np.float32)
    world = np.zeros((len(frames), 21, 3), np.float32)
    return HandTrack(3, "right", np.array(frames, np.int32), pixels, world, np.ones(len(frames), np.float32))


def record(of: HandTrack, *, projected: Sequence[int] = (), wrong: Sequence[int] = (), alpha: float = 1.0) -> dict:
    """The record of a track whose rows in frames `projected` are projected joints."""
    parts = []
    for segment in segments_of(of, 30.0):
        is_in = [torch.as_tensor(np.isin(segment.frames, list(frames))) for frames in (projected, wrong)]
        parts.append(SegmentKeypoints(segment, alpha * torch.ones(len(segment.frames), 21), *is_in))
    return keypoint_record(of, parts, 30.0)


def test_every_frame_has_a_source_and_a_confidence():
    found = record(track([5, 6, 7, 10, 11]), projected=[7, 10], alpha=0.5)
    assert (found["track"], found["side"], found["first"]) == (3, "right", 5)
    assert (found["sources"], found["confidence"]) == ("ddpmmpd", "4440044")
    assert (found["failures"], found["jumps"]) == ([], [])


def test_long_gaps_that_split_a_motion_are_recorded_as_missing():
    found = record(track([0, 1, 100, 101]))
    assert found["sources"] == "dd" + "m" * 98 + "dd"
    assert found["confidence"] == "99" + "0" * 98 + "99"


def test_frames_in_which_the_detector_failed_and_boxes_that_jump_are_listed():
    found = record(track(list(range(8)), {5: 400.0}), wrong=[2])
    assert (found["failures"], found["jumps"]) == ([2], [5])


def test_an_hour_of_two_hands_fits_into_a_prediction(tmp_path):
    frames = list(range(0, 216_000, 2))
    records = [record(replace(track(frames), track=number)) for number in (0, 1)]
    number = np.zeros(1, np.int32)
    rows = PredictionArrays(number, number, number, np.ones(1), np.zeros((1, 21, 3)), meta={"keypoints": records})
    rows.save(tmp_path / "prediction.npz")
    assert PredictionArrays.load(tmp_path / "prediction.npz").meta["keypoints"] == records
    assert len(json.dumps(records)) < 900_000
