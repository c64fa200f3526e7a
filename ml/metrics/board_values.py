"""What leaderboards sort: each metric of a score on a subset of the rows, with its interval and the rule for missing hands."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from ml.metrics.missing_hand_rule import MissingHandRule
from ml.metrics.scoring import Scores
from ml.metrics.statistics import bootstrap_interval


@dataclass(frozen=True)
class ScoredRows:
    """What is known of each row of a truth.

    Attributes:
        scores: of all rows.
        zero_errors: of `ml.metrics.missing_hands.zero_prediction_errors`, mm [N].
        sequence: index of each row's sequence [N].
        contributions: of some rows (bool [N]) the contributions of `ml.metrics.frame_contributions`, where joints are annotated
            unevenly; nothing elsewhere.
    """

    scores: Scores
    zero_errors: Mapping[str, np.ndarray]
    sequence: np.ndarray
    contributions: Callable[[np.ndarray], Mapping[str, np.ndarray]]


@dataclass(frozen=True)
class BoardValue:
    """A metric on a board: the value that is ranked, its interval, the coverage, and whether it takes part in the ranking."""

    metric: str
    value: float
    low: float
    high: float
    coverage: float
    is_ranked: bool


def board_values(
    rule: MissingHandRule, scored: ScoredRows, metrics: Mapping[str, float | None], rows: np.ndarray
) -> list[BoardValue]:
    """Every metric on one board; whole sequences are drawn for the interval where there are several.

    Args:
        rule: for missing hands.
        scored: all rows.
        metrics: of the report on all rows.
        rows: of the board, bool [N].
    """
    found = []
    scores = scored.scores
    coverage = float(scores.found[rows].mean())
    sequence = scored.sequence[rows]
    labels = sequence if len(np.unique(sequence)) > 1 else None
    contributions = scored.contributions(rows)
    for metric, value in metrics.items():
        is_ranked = rule.is_ranked(metric, coverage)
        if metric in scores.per_frame:
            values = contributions.get(metric, scores.per_frame[metric][rows])
            zero_errors = scored.zero_errors[metric][rows] if metric in scored.zero_errors else 0.0
            interval = bootstrap_interval(rule.ranked_values(metric, values, scores.found[rows], zero_errors), labels)
            if interval.units:
                mean = value if rows.all() and coverage == 1.0 and value is not None else interval.mean
                found.append(BoardValue(metric, mean, interval.low, interval.high, coverage, is_ranked))
        elif value is not None and rows.all():
            found.append(BoardValue(metric, value, value, value, coverage, is_ranked))
    return found
