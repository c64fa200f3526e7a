"""A limit of N frames means the truth's first N over all sequences, whatever their numbers, with all hands in them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ml.formats.prediction import PredictionArrays
from ml.metrics.pairing import open_pair
from ml.metrics.protocol import PROTOCOLS
from tests.predictions import hands, moved, npz, zipped


def numbered(first: int, step: int = 1, count: int = 8) -> PredictionArrays:
    clip = hands(count)
    return replace(clip, frame=(first + step * clip.frame).astype(np.int32))


def opened(folder, truth: bytes, prediction: bytes, limit: int):
    """Sequence, frame and side of the rows, whether they are answered, and how many rows answer nothing."""
    (folder / "truth.zip").write_bytes(truth)
    (folder / "pred.zip").write_bytes(prediction)
    with open_pair(PROTOCOLS["palmares"], folder / "truth.zip", folder / "pred.zip", limit=limit) as pair:
        columns = (pair.truth.columns[name] for name in ("sequence", "frame", "side"))
        return list(zip(*columns, strict=True))[: pair.count], pair.prediction.found[: pair.count].tolist(), pair.extra


@pytest.mark.parametrize(("first", "step"), [(0, 1), (100, 1), (0, 4), (999_000, 7)])
def test_a_limit_counts_frames_and_not_frame_numbers(first, step, tmp_path):
    clip = numbered(first, step)
    rows, found, extra = opened(tmp_path, npz(clip), npz(moved(clip, 4)), 5)
    assert [frame for _, frame, _ in rows] == [first + step * n for n in range(5)]
    assert (found, extra) == ([True] * 5, 0)


@pytest.mark.parametrize("limit", [1, 5, 8, 11, 16, 40])
def test_a_limit_counts_over_all_sequences(limit, tmp_path):
    clips = {"a": numbered(100), "b": numbered(0, 3)}
    rows, found, extra = opened(tmp_path, zipped(**clips), zipped(**clips), limit)
    every = [(name, int(frame), "right") for name, clip in clips.items() for frame in clip.frame]
    assert rows == every[:limit]
    assert (found, extra) == ([True] * len(rows), 0)


def test_a_limit_includes_every_hand_of_a_frame(tmp_path):
    right = numbered(10)
    left = replace(right, side=np.zeros(8, np.uint8), track=np.ones(8, np.int32))
    names = ("frame", "side", "track", "score", "joints")
    both = PredictionArrays(**{name: np.concatenate([getattr(right, name), getattr(left, name)]) for name in names})
    rows, _, _ = opened(tmp_path, npz(both), npz(both), 3)
    assert sorted((frame, side) for _, frame, side in rows) == [(10 + n, side) for n in range(3) for side in ("left", "right")]


def test_predictions_without_truth_before_the_last_frame_count_as_extra(tmp_path):
    truth = numbered(0, 4)
    rows, found, extra = opened(tmp_path, npz(truth), npz(numbered(0, 1, 32)), 2)
    assert ([frame for _, frame, _ in rows], found, extra) == ([0, 4], [True, True], 3)
