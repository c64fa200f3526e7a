"""Subsets of a truth: which rows a `subsets.json` means."""

from __future__ import annotations

import json
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.formats import truth_subsets
from ml.formats.faults import FormatError
from ml.formats.truth_subsets import read_subsets

NOTHING = np.array([], str)


@given(st.sets(st.integers(0, 40), min_size=1))
def test_row_ranges_cover_exactly_the_listed_rows(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("subsets") / "subsets.json"
    path.write_text(json.dumps({"some": sorted(rows, key=lambda row: -row)}))
    ranges = read_subsets(path, NOTHING, 41)["some"]
    assert [row for first, last in ranges for row in range(first, last + 1)] == sorted(rows)
    assert all(one[1] + 1 < other[0] for one, other in pairwise(ranges)), "neighbours are one range"


def test_subsets_may_list_sequences_by_name(tmp_path):
    path = tmp_path / "subsets.json"
    path.write_text(json.dumps({"both": ["b", "a"], "b": ["b"]}))
    assert read_subsets(path, np.array(["a", "b", "b", "a", "c"]), 5) == {"both": [(0, 3)], "b": [(1, 2)]}


def test_a_subset_with_too_many_ranges_or_a_too_large_file_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "subsets.json"
    path.write_text(json.dumps({"even": [*range(0, 20, 2)]}))
    monkeypatch.setattr(truth_subsets, "MAX_RANGES", 9)
    with pytest.raises(FormatError, match="scattered over 10 runs of rows; at most 9"):
        read_subsets(path, NOTHING, 20)
    path.write_bytes(b" " * ((16 << 20) + 1))
    with pytest.raises(FormatError, match="larger than 16 MB"):
        read_subsets(path, NOTHING, 20)
