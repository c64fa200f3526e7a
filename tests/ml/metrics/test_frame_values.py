"""The file of values by frame: written, read (also as older scorers wrote it), and compared by the rule for missing hands."""

from __future__ import annotations

import io

import numpy as np
import pytest

from ml.metrics.frame_values import compare_frames, read_frame_values, write_frame_values
from ml.metrics.missing_hand_rule import MissingHandRule

ROWS = 24
FOUND = np.arange(ROWS) % 4 > 0
PENALISED = MissingHandRule(penalises=True, penalty_mm=50.0)


def written(tmp_path, errors: np.ndarray, **more):
    path = tmp_path / "frames.npz"
    arrays = {
        "found": FOUND,
        "sequence": np.repeat(np.arange(8), 3),
        "frame": np.arange(ROWS) * 2,
        "clusters": np.repeat(np.arange(8), 3),
        "metrics": {"mpjpe": np.where(FOUND, errors, np.nan)},
        "zero_errors": {"mpjpe": np.where(FOUND, 0.0, np.arange(ROWS) * 10.0)},
        "contributions": {},
    }
    write_frame_values(path, **{**arrays, **more})
    with path.open("rb") as stream:
        return read_frame_values(stream)


def test_what_is_written_is_read(tmp_path):
    found = written(tmp_path, np.full(ROWS, 7.0))
    assert list(found.metrics) == ["mpjpe"]
    assert found.found.tolist() == FOUND.tolist()
    assert found.frame.tolist() == list(range(0, 48, 2))
    assert found.clusters().tolist() == np.repeat(np.arange(8), 3).tolist()
    assert written(tmp_path, np.full(ROWS, 7.0), clusters=None).clusters() is None


def test_a_missing_hand_costs_the_penalty_or_the_all_zeros_error(tmp_path):
    found = written(tmp_path, np.full(ROWS, 7.0))
    expected = np.where(FOUND, 7.0, np.maximum(50.0, np.arange(ROWS) * 10.0))
    assert found.ranked("mpjpe", PENALISED).tolist() == expected.tolist()
    kept = found.ranked("mpjpe", MissingHandRule(penalises=False))
    assert np.isnan(kept[~FOUND]).all()
    assert kept[FOUND].tolist() == [7.0] * int(FOUND.sum())


def test_contributions_replace_frame_values_where_they_are_given(tmp_path):
    found = written(tmp_path, np.full(ROWS, 7.0), contributions={"mpjpe": np.full(ROWS, 3.0)})
    assert found.ranked("mpjpe", PENALISED)[FOUND].tolist() == [3.0] * int(FOUND.sum())


def test_files_of_older_scorers_are_read(tmp_path):
    stream = io.BytesIO()
    values = np.where(FOUND, 7.0, np.nan)
    sequence = np.repeat(np.arange(8), 3)
    np.savez(stream, found=FOUND, sequence=sequence, mpjpe=values, nothing_mpjpe=np.full(ROWS, 90.0), even_mpjpe=values + 1)
    stream.seek(0)
    old = read_frame_values(stream)
    assert (list(old.metrics), old.frame) == (["mpjpe"], None)
    assert set(old.ranked("mpjpe", PENALISED).tolist()) == {8.0, 90.0}
    assert old.clusters().tolist() == sequence.tolist()


def test_two_files_are_compared_on_selected_rows_by_cluster(tmp_path):
    a, b = written(tmp_path, np.full(ROWS, 7.0)), written(tmp_path, np.full(ROWS, 9.0) + np.arange(ROWS) % 3)
    rows = np.arange(ROWS) < 21
    found = compare_frames(a, b, "mpjpe", rows, penalises=False, penalty_mm=0.0)
    assert (found.clusters, found.shared, found.obstacle) == (7, int(FOUND[:21].sum()), "")
    assert found.high < 0
    with pytest.raises(KeyError):
        compare_frames(a, b, "shape_mse", rows, penalises=False, penalty_mm=0.0)
