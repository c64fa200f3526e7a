"""Paired tests over clusters: equal methods are called different in 5% of trials at most, and never without enough clusters."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import lfilter

from ml.metrics.statistics import (
    MAX_CLUSTERS,
    MIN_CLUSTERS,
    cluster_index,
    cluster_sums,
    p_of_totals,
    paired_difference,
    t_interval,
    t_test,
)

values_of_frames = st.lists(st.floats(0, 100), min_size=6, max_size=60).map(np.array)


def correlated_errors(rng: np.random.Generator, clusters: int, methods: int = 2) -> tuple[np.ndarray, np.ndarray]:
    """Errors [methods, N] of methods that are equally good, and the sequence of each frame [N].

    Sequences are hard or easy for all methods, each method likes some sequences better than others, neighbouring frames
    resemble each other (a correlation of 0.9 from frame to frame), and lengths vary about threefold.
    """
    lengths = np.maximum((40 * np.exp(0.5 * rng.normal(size=clusters))).astype(int), 3)
    sequence = np.repeat(np.arange(clusters), lengths)
    level = 10 * np.exp(0.3 * rng.normal(size=clusters)) + 1.5 * rng.normal(size=(methods, clusters))
    noise = lfilter([np.sqrt(1 - 0.9**2)], [1, -0.9], rng.normal(size=(methods, clusters, 30 + lengths.max())))[..., 30:]
    inside = np.arange(lengths.max()) < lengths[:, None]
    return np.exp(0.2 * noise[:, inside]) * np.maximum(level[:, sequence], 1), sequence


@pytest.mark.parametrize("clusters", [1, 2, 3, 5])
def test_few_clusters_give_no_verdict(clusters):
    rng = np.random.default_rng(clusters)
    for _ in range(20):
        (a, b), sequence = correlated_errors(rng, clusters)
        found = paired_difference(a, b + 50, sequence)
        assert (found.p, found.low, found.high, found.obstacle, found.clusters) == (None, None, None, "few", clusters)
        assert found.mean == pytest.approx(float((a - b).mean()) - 50)


@pytest.mark.parametrize("clusters", [6, 8, 12, 20, 35, 50])
def test_equal_methods_are_called_different_in_5_percent_at_most(clusters):
    rng = np.random.default_rng(clusters)
    trials, called = 2000, 0
    for _ in range(trials):
        (a, b), sequence = correlated_errors(rng, clusters)
        found = paired_difference(a, b, sequence)
        called += found.p is not None and found.p < 0.05
    noise = np.sqrt(0.05 * 0.95 / trials)
    assert called / trials <= 0.05 + 3 * noise


@pytest.mark.parametrize(("clusters", "least"), [(6, 0.5), (12, 0.9), (30, 0.99)])
def test_a_real_difference_is_found(clusters, least):
    rng = np.random.default_rng(clusters)
    found = []
    for _ in range(100):
        (a, b), sequence = correlated_errors(rng, clusters)
        difference = paired_difference(a, b + 4, sequence)
        found.append(difference.p is not None and difference.p < 0.05 and difference.high is not None and difference.high < 0)
    assert np.mean(found) >= least


def test_the_p_value_has_no_lower_limit():
    rng = np.random.default_rng(0)
    smallest = [float(t_test(5 + 0.1 * rng.normal(size=clusters))) for clusters in (6, 12, 50)]
    assert smallest[0] < 1e-5
    assert smallest[1] < 1e-12
    assert smallest[2] < 1e-50


@given(values_of_frames, st.integers(0, 100))
@settings(max_examples=60)
def test_a_difference_changes_its_sign_with_the_order(values, seed):
    other = np.random.default_rng(seed).normal(values)
    one, back = paired_difference(values, other), paired_difference(other, values)
    assert one.mean == pytest.approx(-back.mean)
    assert (one.low, one.high) == (pytest.approx(-back.high), pytest.approx(-back.low))
    assert one.p == pytest.approx(back.p)


@given(values_of_frames, st.integers(0, 100))
@settings(max_examples=60)
def test_the_interval_excludes_0_exactly_where_the_test_rejects(values, seed):
    rng = np.random.default_rng(seed)
    labels = np.arange(len(values)) % 6 if seed % 2 else None
    found = paired_difference(values + rng.normal(0.5, 1, len(values)), values, labels)
    if found.obstacle:
        return
    assert found.low <= found.mean <= found.high
    assert (found.p < 0.05) == (not found.low <= 0 <= found.high)


def test_a_paired_difference_equals_the_hand_calculation():
    """Six equal clusters with differences 1 … 6: t = 3.5 / (√3.5 / √6) = 4.5826, p = 0.0059; t(5, 0.975) = 2.5706."""
    differences = np.arange(1.0, 7.0)
    found = paired_difference(differences, np.zeros(6))
    half = 2.570581836 * np.sqrt(3.5 / 6)
    assert (found.mean, found.clusters, found.shared) == (3.5, 6, 6)
    assert (found.low, found.high) == (pytest.approx(3.5 - half), pytest.approx(3.5 + half))
    assert found.p == pytest.approx(0.005934, abs=1e-5)


def test_the_same_values_are_no_difference_and_a_constant_one_is_certain():
    same, apart = (paired_difference(np.arange(9.0) + d, np.arange(9.0)) for d in (0, 2))
    assert (same.mean, same.low, same.high, same.p) == (0, 0, 0, 1)
    assert (apart.mean, apart.low, apart.high, apart.p) == (2, pytest.approx(2), pytest.approx(2), 0)


def test_frames_that_one_method_lacks_are_left_out():
    a, b = np.array([1.0, np.nan, 3.0, 3, 3, 3, 3]), np.array([0.0, 0.0, 1.0, 1, 1, 1, np.nan])
    found = paired_difference(a, b)
    assert (found.shared, found.mean, found.obstacle) == (5, 1.8, "few")
    nothing = paired_difference(np.array([1.0]), np.array([np.nan]))
    assert np.isnan(nothing.mean)
    assert (nothing.p, nothing.obstacle) == (None, "no frames")


def test_clusters_of_very_unequal_length_give_no_verdict():
    labels = np.repeat(np.arange(8), [1000, 2, 2, 2, 2, 2, 2, 2])
    found = paired_difference(np.arange(1014.0) % 7 + 3, np.zeros(1014), labels)
    assert (found.p, found.low, found.obstacle, found.clusters) == (None, None, "unequal", 8)
    with pytest.raises(ValueError, match="too unequal"):
        t_interval(cluster_sums(np.ones(1014), labels))


@given(st.integers(0, 1000), st.booleans())
@settings(max_examples=60)
def test_clusters_are_numbered_without_gaps_and_joined_in_order(rows, named):
    index = cluster_index(np.arange(rows) * 3 + 5 if named else None, rows)
    assert len(index) == rows
    assert (np.diff(index) >= 0).all()
    assert set(index.tolist()) == set(range(min(rows, MAX_CLUSTERS)))
    sizes = np.bincount(index) if rows else np.array([0])
    assert sizes.max() - sizes.min() <= 1


def test_whole_sequences_are_the_units_not_their_frames():
    rng = np.random.default_rng(0)
    levels = np.repeat(rng.normal(1, 3, 8), 50)
    values = levels + rng.normal(0, 0.1, 400)
    by_frame, by_sequence = (paired_difference(values, np.zeros(400), labels) for labels in (None, np.repeat(np.arange(8), 50)))
    assert by_sequence.clusters == 8
    assert by_sequence.high - by_sequence.low > 3 * (by_frame.high - by_frame.low)


def test_the_p_value_from_totals_equals_that_of_the_t_test():
    sums = np.random.default_rng(3).normal(size=(40, MIN_CLUSTERS))
    assert p_of_totals(sums.sum(1), np.square(sums).sum(1), MIN_CLUSTERS) == pytest.approx(t_test(sums))
