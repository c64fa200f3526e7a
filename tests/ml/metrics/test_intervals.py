"""Intervals of means over clusters cover the true mean about as often as they say."""

from __future__ import annotations

import numpy as np
import pytest

from ml.metrics.intervals import BOOTSTRAP_FROM, mean_interval
from ml.metrics.statistics import ClusterSums, cluster_sums


@pytest.mark.parametrize("clusters", [6, 12, 20, BOOTSTRAP_FROM, 200])
def test_the_true_mean_is_covered(clusters):
    """Errors by sequence are skewed: log-normal with σ = 0.3, mean 10."""
    rng = np.random.default_rng(clusters)
    trials, hits = 300, 0
    for trial in range(trials):
        counts = np.maximum((60 * np.exp(0.3 * rng.normal(size=clusters))).astype(int), 2).astype(float)
        means = 10 * np.exp(0.3 * rng.normal(size=clusters) - 0.3**2 / 2)
        found = mean_interval(ClusterSums(means * counts, counts), seed=trial)
        hits += found.low is None or found.low <= 10 <= found.high
    assert hits / trials >= 0.95 - 4 * np.sqrt(0.05 * 0.95 / trials)


def test_no_interval_of_few_clusters_or_of_nothing():
    few = mean_interval(cluster_sums(np.array([1.0, 2.0, 6.0, np.nan])))
    assert (few.mean, few.low, few.high, few.clusters, few.obstacle) == (3.0, None, None, 3, "few")
    nothing = mean_interval(cluster_sums(np.array([np.nan])))
    assert np.isnan(nothing.mean)
    assert (nothing.low, nothing.clusters) == (None, 0)


def test_the_same_value_everywhere_has_no_width():
    found = mean_interval(cluster_sums(np.full(100, 4.0)))
    assert (found.mean, found.low, found.high) == (4.0, pytest.approx(4.0), pytest.approx(4.0))


def test_skewed_errors_of_many_clusters_have_a_skewed_interval_and_the_same_one_each_time():
    values = np.exp(np.random.default_rng(0).normal(size=200))
    one, again = (mean_interval(cluster_sums(values)) for _ in range(2))
    assert one == again
    assert one.high - one.mean > one.mean - one.low
