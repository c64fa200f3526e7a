"""Bootstrap intervals and paired differences: what must hold of any figures, and cases by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.metrics.statistics import bootstrap_interval, paired_difference

figures = st.lists(st.floats(0, 100), min_size=1, max_size=60).map(np.array)


@given(figures, st.integers(0, 100))
@settings(max_examples=60)
def test_the_mean_is_within_its_interval_and_the_interval_within_the_figures(values, seed):
    found = bootstrap_interval(values, samples=200, seed=seed)
    assert found.mean == pytest.approx(values.mean())
    assert values.min() - 1e-9 <= found.low <= found.high <= values.max() + 1e-9
    if len(values) > 20:
        assert found.low - 1e-9 <= found.mean <= found.high + 1e-9


@given(figures)
@settings(max_examples=40)
def test_the_same_seed_gives_the_same_interval(values):
    assert bootstrap_interval(values, samples=100, seed=3) == bootstrap_interval(values, samples=100, seed=3)


@given(figures, st.integers(0, 100))
@settings(max_examples=60)
def test_a_difference_turns_round_with_its_two_sides(values, seed):
    other = np.random.default_rng(seed).normal(values)
    one, back = (paired_difference(a, b, samples=200, seed=1) for a, b in ((values, other), (other, values)))
    assert (one.mean, one.low, one.high) == pytest.approx((-back.mean, -back.high, -back.low))
    assert one.p == back.p
    assert 0 < one.p <= 1


@given(figures, st.floats(0.5, 20))
@settings(max_examples=40)
def test_a_constant_difference_is_certain(values, apart):
    found = paired_difference(values + apart, values, samples=200)
    assert (found.mean, found.low, found.high) == pytest.approx((apart, apart, apart))
    assert found.p == pytest.approx(1 / 201)


def test_by_hand():
    found = bootstrap_interval(np.array([1.0, 2.0, np.nan, 6.0]))
    assert (found.mean, found.units) == (3.0, 3)
    assert (found.low, found.high) == (1.0, 6.0)  # all three draws alike: (1/3)³ = 3.7 % on either side


def test_one_frame_has_no_width():
    found = bootstrap_interval(np.array([4.0]))
    assert (found.mean, found.low, found.high) == (4.0, 4.0, 4.0)


def test_nothing_is_not_a_number():
    assert np.isnan(bootstrap_interval(np.array([np.nan])).mean)
    assert np.isnan(paired_difference(np.array([1.0]), np.array([np.nan])).mean)


def test_whole_sequences_are_drawn_where_there_are_some():
    rng = np.random.default_rng(0)
    levels = np.repeat(rng.normal(10, 3, 8), 50)
    values = levels + rng.normal(0, 0.1, 400)
    by_frame, by_sequence = bootstrap_interval(values), bootstrap_interval(values, np.repeat(np.arange(8), 50))
    assert by_sequence.units == 8
    assert by_sequence.high - by_sequence.low > 3 * (by_frame.high - by_frame.low)


def test_frames_that_one_lacks_are_left_out():
    found = paired_difference(np.array([1.0, np.nan, 3.0]), np.array([0.0, 0.0, 1.0]))
    assert (found.shared, found.mean) == (2, 1.5)


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    hits = 0
    for seed in range(200):
        values = np.random.default_rng(seed).normal(5, 2, 80)
        found = bootstrap_interval(values, samples=400, seed=seed)
        hits += found.low <= 5 <= found.high
    assert 180 <= hits <= 198  # 95 % of 200 is 190, standard deviation 3
