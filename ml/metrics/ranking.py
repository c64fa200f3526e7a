"""Which ranks of a board the data support: tests of all pairs, rank intervals, the group tied for the top, and stability.

*Test-then-rank*: every pair of submissions is compared by the paired test of `ml.metrics.statistics`, with Holm's adjustment
over all pairs of the board: the probability that any pair of equal ones is called different is at most 5%. A submission's rank
is at best 1 + the number of those that are significantly better, and at worst the number of those that are not significantly
worse, itself included (Al Mohamad, Goeman, van Zwet, Simultaneous confidence intervals for ranks with application to ranking
institutions, Biometrics 2022). Other sources: Holm, A simple sequentially rejective multiple test procedure, 1979;
significance maps: Wiesenfarth et al., Methods and open-source toolkit for analyzing and visualizing challenge results, 2021.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.special import stdtrit

from ml.metrics.statistics import LEVEL, ClusterSums, Obstacle, p_of_totals

MAP_ROWS: Final = 15
"""Submissions of the significance map: the first ones of the board."""
SPLITS: Final = 500
"""Random divisions of the clusters into two halves."""
POWER: Final = 0.8
_ALPHA: Final = 1 - LEVEL


@dataclass(frozen=True)
class RankStatistics:
    """What is known of the order of M submissions on a board, by one metric. Best first.

    Attributes:
        order: int [M], the submissions' positions in the input, best first; everything below is in this order.
        rank_low, rank_high: int [M], the best and the worst rank that the tests leave open.
        p: adjusted p of each pair among the first `MAP_ROWS` [K, K], 1 on the diagonal.
        first_share: float [M], in which share of half data sets each submission is the first.
        resolvable: smallest difference that a paired test of two of the first submissions finds with a power of 80%; None for
            one submission.
        clusters: that values come from.
    """

    order: np.ndarray
    rank_low: np.ndarray
    rank_high: np.ndarray
    p: np.ndarray
    first_share: np.ndarray
    resolvable: float | None
    clusters: int


def obstacle(counts: np.ndarray) -> Obstacle:
    """Why a board whose clusters have so many values [C] can have no rank statistics; empty where it can."""
    return ClusterSums(np.zeros(len(counts)), counts).obstacle


def rank_statistics(sums: np.ndarray, counts: np.ndarray, *, lower_is_better: bool, seed: int = 0) -> RankStatistics:
    """Compare M submissions, all of them on the same frames.

    Args:
        sums: of each submission's values in each cluster [M, C].
        counts: values in each cluster [C].
        lower_is_better: the direction of the metric.
        seed: of the random halves.

    Raises:
        ValueError: there is an `obstacle`, or no submission.
    """
    if not len(sums) or obstacle(counts):
        raise ValueError("ranks need submissions, and clusters that carry a test")
    signed = np.asarray(sums, np.float64) * (1.0 if lower_is_better else -1.0)
    order = np.argsort(signed.sum(1), kind="stable")
    signed = signed[order]
    adjusted = _adjusted(signed)
    worse = np.triu(adjusted <= _ALPHA, 1)  # row i is significantly better than column j
    shown = min(len(signed), MAP_ROWS)
    return RankStatistics(
        order=order,
        rank_low=1 + worse.sum(0),
        rank_high=len(signed) - worse.sum(1),
        p=adjusted[:shown, :shown],
        first_share=_first_shares(signed, counts, seed),
        resolvable=_resolvable(signed[:shown], counts),
        clusters=len(counts),
    )


def _adjusted(sums: np.ndarray) -> np.ndarray:
    """Holm-adjusted p of all pairs [M, M], symmetric, from sums over clusters [M, C]."""
    count, clusters = sums.shape
    first, second = np.triu_indices(count, 1)
    sums = sums - sums.mean(0)  # differences stay, and are not lost in rounding
    totals = sums.sum(1)
    products = sums @ sums.T
    norms = np.diag(products)
    squares = np.maximum(norms[first] + norms[second] - 2 * products[first, second], 0.0)
    p = p_of_totals(totals[first] - totals[second], squares, clusters)
    order = np.argsort(p)
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    p[order] = np.minimum(stepped, 1.0)
    adjusted = np.ones((count, count))
    adjusted[first, second] = adjusted[second, first] = p
    return adjusted


def _first_shares(sums: np.ndarray, counts: np.ndarray, seed: int) -> np.ndarray:
    """In which share of `2 · SPLITS` halves of the clusters each submission is the first [M]; ties count in equal parts."""
    generator = np.random.default_rng(seed)
    clusters = len(counts)
    half = np.zeros((clusters, SPLITS))
    for column in range(SPLITS):
        half[generator.permutation(clusters)[: clusters // 2], column] = 1.0
    halves = np.concatenate([half, 1.0 - half], axis=1)
    means = (sums @ halves) / (counts @ halves)
    is_first = means == means.min(0)
    return np.asarray((is_first / is_first.sum(0)).mean(1))


def _resolvable(sums: np.ndarray, counts: np.ndarray) -> float | None:
    """Median over pairs [K, C] of the difference that the test finds with the power wanted, in the metric's unit."""
    count, clusters = sums.shape
    if count < 2:
        return None
    first, second = np.triu_indices(count, 1)
    differences = sums[first] - sums[second]
    residuals = differences - np.outer(differences.sum(1) / counts.sum(), counts)
    errors = np.sqrt(np.square(residuals).sum(1) * clusters / (clusters - 1)) / counts.sum()
    quantiles = stdtrit(clusters - 1, [1 - _ALPHA / 2, POWER])
    return float(quantiles.sum() * np.median(errors))
