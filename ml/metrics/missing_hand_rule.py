"""How missing hands count in a ranking."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ml.catalog import METRICS, is_distance


def is_share(metric: str) -> bool:
    """Whether a metric is a share that counts what is missing as missed."""
    return METRICS[metric.partition("@")[0]].unit == "1" and not metric.startswith("shape")


@dataclass(frozen=True)
class MissingHandRule:
    """What a missing hand does to a rank.

    Attributes:
        penalises: whether it counts with an error in its place; otherwise incomplete submissions are not ranked.
        penalty_mm: that error, mm.
    """

    penalises: bool
    penalty_mm: float = 0.0

    def ranked_values(self, metric: str, values: np.ndarray, found: np.ndarray, zero_errors: np.ndarray | float) -> np.ndarray:
        """Per-frame values [N] as they are ranked.

        A missing hand costs at least what an all-zeros prediction scores there, so that a hand or two that were guessed well
        never stand before a complete submission.

        Args:
            metric: name, `ml.catalog.METRICS`.
            values: one a row [N]; NaN where there is none.
            found: bool [N], rows that were predicted.
            zero_errors: of `ml.metrics.missing_hands.zero_prediction_errors`, mm [N]; 0 where no hand is missing.
        """
        if self.penalises and is_distance(metric):
            return np.where(found, values, np.maximum(self.penalty_mm, zero_errors))
        return values

    def is_ranked(self, metric: str, coverage: float) -> bool:
        """Whether a value with this coverage takes part in the ranking: an incomplete one only where a missing hand costs."""
        return coverage == 1.0 or (self.penalises and (is_distance(metric) or is_share(metric)))
