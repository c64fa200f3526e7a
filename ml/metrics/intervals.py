"""95% intervals of means over clusters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.stats import bootstrap

from ml.metrics.statistics import LEVEL, ClusterSums, Obstacle, t_interval

BOOTSTRAP_FROM: Final = 100
"""Clusters from which the bootstrap covers as often as the t interval, and misses less unevenly where errors are skewed.
Below, it covers too seldom: 83% instead of 95% for 6 clusters, 92% for 20 and for 50."""
SAMPLES: Final = 2000


@dataclass(frozen=True)
class Interval:
    """A mean with its 95% interval.

    Attributes:
        mean: NaN where there is no value.
        low, high: None where there is an obstacle.
        clusters: that values come from.
        obstacle: why there is no interval; else empty.
    """

    mean: float
    low: float | None
    high: float | None
    clusters: int
    obstacle: Obstacle


def mean_interval(sums: ClusterSums, *, seed: int = 0) -> Interval:
    """Interval of a mean over clusters: by t below `BOOTSTRAP_FROM` clusters, else bias-corrected and accelerated bootstrap.

    Source: Efron, Better bootstrap confidence intervals, JASA 1987; whole clusters are drawn.

    Args:
        sums: of the clusters.
        seed: of the drawing.
    """
    if sums.obstacle:
        return Interval(sums.mean, None, None, len(sums.sums), sums.obstacle)
    low, high = t_interval(sums)
    varies = np.ptp(sums.sums / sums.counts) > 0
    if len(sums.sums) >= BOOTSTRAP_FROM and varies:
        found = bootstrap(
            (sums.sums, sums.counts),
            _ratio,
            paired=True,
            vectorized=True,
            n_resamples=SAMPLES,
            batch=SAMPLES // 10,
            confidence_level=LEVEL,
            method="BCa",
            rng=np.random.default_rng(seed),
        ).confidence_interval
        if np.isfinite(found).all():
            low, high = float(found.low), float(found.high)
    return Interval(sums.mean, low, high, len(sums.sums), "")


def _ratio(sums: np.ndarray, counts: np.ndarray, axis: int) -> np.ndarray:
    return np.asarray(sums.sum(axis) / counts.sum(axis))
