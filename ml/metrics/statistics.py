"""Tests and intervals for means over frames that come in clusters: paired, and none where the data cannot carry one.

Frames of one video resemble each other, so the unit is the cluster (a sequence or a subject), never the frame. Both the test
and the interval use the sums over clusters: their t statistic with C − 1 degrees of freedom. Where two methods are equal,
cluster sums of their differences are symmetric about 0, and this test rejects too seldom rather than too often, however
unequal the clusters are (Benjamini, Is the t test really conservative when the parent distribution is long-tailed?, JASA
1983); a percentile bootstrap over few clusters rejects far too often. The interval holds the values that the test does not
reject (Fieller, Some problems in interval estimation, JRSS B 1954). Below `MIN_CLUSTERS` there is neither.

numpy and scipy.special alone, so that the web may import it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from scipy.special import stdtr, stdtrit

MIN_CLUSTERS: Final = 6
"""Fewest clusters for which a test or an interval is given."""
MAX_CLUSTERS: Final = 200
"""Most clusters kept: more are joined with their neighbours, which costs next to no power."""
LEVEL: Final = 0.95
"""Of all intervals."""

Obstacle = Literal["", "few", "unequal", "no frames"]
"""Why there is no interval and no test: too few clusters, clusters too unequal in size, no value at all; else empty."""


@dataclass(frozen=True)
class ClusterSums:
    """Values summed over clusters.

    Attributes:
        sums, counts: of the finite values of each cluster that has any, float64 [C].
    """

    sums: np.ndarray
    counts: np.ndarray

    @property
    def mean(self) -> float:
        """Over all values; NaN if there are none."""
        return float(self.sums.sum() / self.counts.sum()) if len(self.sums) else math.nan

    @property
    def obstacle(self) -> Obstacle:
        """Why these clusters carry no test; empty where they do."""
        if not len(self.sums):
            return "no frames"
        if len(self.sums) < MIN_CLUSTERS:
            return "few"
        return "" if _quadratic(self)[0] > 0 else "unequal"


@dataclass(frozen=True)
class Difference:
    """Mean of A minus mean of B over the frames that both have.

    Attributes:
        mean: NaN where they share no frame.
        low, high: ends of the 95% interval; None where there is an obstacle.
        p: two-sided, of the hypothesis that both are equal; None where there is an obstacle.
        clusters: that the shared frames come from.
        shared: frames that both have.
        obstacle: why there is no verdict.
    """

    mean: float
    low: float | None
    high: float | None
    p: float | None
    clusters: int
    shared: int
    obstacle: Obstacle


def cluster_index(labels: np.ndarray | None, rows: int) -> np.ndarray:
    """Index of each row's cluster, int [rows], from 0 without gaps.

    Args:
        labels: of the rows [rows], equal for rows of one cluster. None where each row is a unit of its own.
        rows: how many.

    Returns:
        At most `MAX_CLUSTERS` clusters; where there are more, neighbours in the order of the labels (or rows) are joined.
    """
    index, count = (np.arange(rows), rows) if labels is None else _numbered(labels)
    return index if count <= MAX_CLUSTERS else index * MAX_CLUSTERS // count


def cluster_sums(values: np.ndarray, labels: np.ndarray | None = None) -> ClusterSums:
    """Sums of values [N] by cluster; values that are not finite are left out.

    Args:
        values: one a row.
        labels: of the clusters [N]; see `cluster_index`.
    """
    values = np.asarray(values, dtype=np.float64)
    finite = np.isfinite(values)
    index = cluster_index(None if labels is None else np.asarray(labels)[finite], int(finite.sum()))
    return ClusterSums(np.bincount(index, weights=values[finite]), np.bincount(index).astype(np.float64))


def paired_difference(a: np.ndarray, b: np.ndarray, labels: np.ndarray | None = None) -> Difference:
    """Compare two submissions' values [N] on the same frames; frames that one lacks are left out.

    Args:
        a: values of the one, NaN where there is none.
        b: of the other.
        labels: of the clusters [N]; see `cluster_index`.
    """
    differences = np.asarray(a, dtype=np.float64) - np.asarray(b, dtype=np.float64)
    shared = int(np.isfinite(differences).sum())
    sums = cluster_sums(differences, labels)
    if sums.obstacle:
        return Difference(sums.mean, None, None, None, len(sums.sums), shared, sums.obstacle)
    low, high = t_interval(sums)
    return Difference(sums.mean, low, high, float(t_test(sums.sums)), len(sums.sums), shared, "")


def t_test(sums: np.ndarray) -> np.ndarray:
    """Two-sided p [...] of cluster sums [..., C] of differences, under the hypothesis that these are symmetric about 0."""
    return p_of_totals(sums.sum(-1), np.square(sums).sum(-1), sums.shape[-1])


def p_of_totals(totals: np.ndarray, squares: np.ndarray, clusters: int) -> np.ndarray:
    """Two-sided p [...] from the totals of cluster sums [...] and the totals of their squares [...]."""
    variance = np.maximum(clusters * squares - np.square(totals), 0.0) / (clusters - 1)
    # equal to the last bit: no difference; a constant one: no doubt
    t = np.divide(np.abs(totals), np.sqrt(variance), out=np.where(totals == 0, 0.0, np.inf), where=variance > 0)
    return np.asarray(2 * stdtr(clusters - 1, -t))


def t_interval(sums: ClusterSums) -> tuple[float, float]:
    """95% interval of the mean: all θ for which the test does not reject that `sums − θ · counts` are symmetric about 0.

    Raises:
        ValueError: there is an obstacle.
    """
    a, b, c = _quadratic(sums)
    if len(sums.sums) < 2 or a <= 0:
        raise ValueError("the clusters are too few or too unequal for an interval")
    middle, half = -b / (2 * a), math.sqrt(max(b * b - 4 * a * c, 0.0)) / (2 * a)
    return middle - half, middle + half


def _quadratic(sums: ClusterSums) -> tuple[float, float, float]:
    """Coefficients of the inequality a·θ² + b·θ + c ≤ 0 that the interval solves; a ≤ 0 where it is unbounded."""
    clusters = len(sums.sums)
    factor = float(stdtrit(clusters - 1, (1 + LEVEL) / 2)) ** 2 * clusters / (clusters - 1)
    share = 1 + factor / clusters
    total, count = sums.sums.sum(), sums.counts.sum()
    return (
        float(share * count * count - factor * (sums.counts @ sums.counts)),
        float(-2 * (share * total * count - factor * (sums.sums @ sums.counts))),
        float(share * total * total - factor * (sums.sums @ sums.sums)),
    )


def _numbered(labels: np.ndarray) -> tuple[np.ndarray, int]:
    found, index = np.unique(np.asarray(labels), return_inverse=True)
    return index, len(found)
