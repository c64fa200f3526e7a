"""Any timestamps become a constant rate."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.clip.timing import constant_rate, grid_length, nearest_sources


@given(st.sampled_from([24, 25, 30, 50, 60, 30000 / 1001, 23.7, 14.21]), st.integers(2, 4000))
@settings(max_examples=40, derandomize=True, deadline=None)
def test_even_timestamps_keep_every_frame(fps, count):
    times = np.round(7 + np.arange(count) / fps, 3)
    rate, one_to_one = constant_rate(times)
    assert one_to_one
    assert float(rate) == pytest.approx(fps, rel=0.02)
    assert np.array_equal(nearest_sources(times, rate, count), np.arange(count))


@given(st.lists(st.floats(0.002, 0.5), min_size=1, max_size=200))
@settings(max_examples=40, derandomize=True, deadline=None)
def test_any_timestamps_fall_on_a_grid(steps):
    times = np.cumsum([0.0, *steps])
    rate, _ = constant_rate(times)
    count = grid_length(times, rate)
    sources = nearest_sources(times, rate, count)
    assert 1 <= rate <= 240
    assert sources[0] == 0
    assert (np.diff(sources) >= 0).all()
    assert sources.max() < len(times)
    grid = np.arange(count) / float(rate)
    assert (np.abs(times[sources] - grid) <= np.abs(times[None] - grid[:, None]).min(axis=1) + 1e-9).all()
