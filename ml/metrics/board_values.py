"""What leaderboards sort: each metric of a score on a subset of the rows, with its interval and the rule for missing hands."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from ml.metrics.intervals import mean_interval
from ml.metrics.missing_hand_rule import MissingHandRule
from ml.metrics.scoring import Scores
from ml.metrics.statistics import ClusterSums, cluster_index, cluster_sums


@dataclass(frozen=True)
class ScoredRows:
    """What is known of each row of a truth.

    Attributes:
        scores: of all rows.
        zero_errors: of `ml.metrics.missing_hands.zero_prediction_errors`, mm [N].
        clusters: number of each row's cluster [N]; None where each row is a unit of its own.
        contributions: of some rows (bool [N]) the contributions of `ml.metrics.frame_contributions`, where joints are annotated
            unevenly; nothing elsewhere.
    """

    scores: Scores
    zero_errors: Mapping[str, np.ndarray]
    clusters: np.ndarray | None
    contributions: Callable[[np.ndarray], Mapping[str, np.ndarray]]


@dataclass(frozen=True)
class BoardValue:
    """A metric on a board.

    Attributes:
        metric: name, `ml.catalog.METRICS`.
        value: what is ranked, with the rule for missing hands in it.
        low, high: 95% interval; None where the metric is no mean of frames, or the clusters carry none.
        detected: mean over the hands that were predicted, where some are missing; else None.
        coverage: share of the board's hands that were predicted.
        is_ranked: whether the rule lets it be ranked.
    """

    metric: str
    value: float
    low: float | None
    high: float | None
    detected: float | None
    coverage: float
    is_ranked: bool


@dataclass(frozen=True)
class ClusterTable:
    """Means of some metrics, as they are ranked, by cluster: what comparisons of whole boards need.

    Attributes:
        metrics: K names.
        means: float64 [K, C]; 0 in a cluster without values.
        counts: int64 [K, C], values in each cluster.
    """

    metrics: tuple[str, ...]
    means: np.ndarray
    counts: np.ndarray


def board_values(
    rule: MissingHandRule, scored: ScoredRows, metrics: Mapping[str, float | None], rows: np.ndarray
) -> list[BoardValue]:
    """Every metric on one board.

    Args:
        rule: for missing hands.
        scored: all rows.
        metrics: of the report on all rows.
        rows: of the board, bool [N].
    """
    found = []
    is_found = scored.scores.found[rows]
    coverage = float(is_found.mean())
    labels = None if scored.clusters is None else scored.clusters[rows]
    detected_values = _values(scored, rows)
    for metric, value in metrics.items():
        is_ranked = rule.is_ranked(metric, coverage)
        if metric in detected_values:
            values = detected_values[metric]
            interval = mean_interval(cluster_sums(_ranked(rule, scored, metric, values, rows), labels))
            if interval.clusters:
                mean = value if rows.all() and coverage == 1.0 and value is not None else interval.mean
                detected = None if coverage == 1.0 else _finite_mean(values[is_found])
                found.append(BoardValue(metric, mean, interval.low, interval.high, detected, coverage, is_ranked))
        elif value is not None and rows.all():
            found.append(BoardValue(metric, value, None, None, None, coverage, is_ranked))
    return found


def cluster_table(rule: MissingHandRule, scored: ScoredRows, rows: np.ndarray) -> ClusterTable:
    """Means by cluster of the metrics that are means of frames and ranked on a board.

    Args:
        rule: for missing hands.
        scored: all rows.
        rows: of the board, bool [N].
    """
    coverage = float(scored.scores.found[rows].mean())
    index = cluster_index(None if scored.clusters is None else scored.clusters[rows], int(rows.sum()))
    names, sums = [], []
    for metric, values in _values(scored, rows).items():
        if rule.is_ranked(metric, coverage):
            names.append(metric)
            sums.append(_by_index(_ranked(rule, scored, metric, values, rows), index))
    if not names:
        return ClusterTable((), np.zeros((0, 0)), np.zeros((0, 0), np.int64))
    counts = np.array([s.counts for s in sums])
    means = np.array([s.sums for s in sums]).reshape(counts.shape) / np.maximum(counts, 1)
    return ClusterTable(tuple(names), means, counts.astype(np.int64))


def _values(scored: ScoredRows, rows: np.ndarray) -> dict[str, np.ndarray]:
    """Values of some rows by metric: their contributions where joints are annotated unevenly."""
    contributions = scored.contributions(rows)
    return {metric: contributions.get(metric, values[rows]) for metric, values in scored.scores.per_frame.items()}


def _ranked(rule: MissingHandRule, scored: ScoredRows, metric: str, values: np.ndarray, rows: np.ndarray) -> np.ndarray:
    zero_errors = scored.zero_errors[metric][rows] if metric in scored.zero_errors else 0.0
    return rule.ranked_values(metric, values, scored.scores.found[rows], zero_errors)


def _by_index(values: np.ndarray, index: np.ndarray) -> ClusterSums:
    finite = np.isfinite(values)
    count = int(index.max(initial=-1)) + 1
    sums = np.bincount(index[finite], weights=values[finite], minlength=count)
    return ClusterSums(sums, np.bincount(index[finite], minlength=count).astype(np.float64))


def _finite_mean(values: np.ndarray) -> float | None:
    finite = values[np.isfinite(values)]
    return float(finite.mean()) if len(finite) else None
