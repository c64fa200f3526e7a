"""A score in parts: by sequence, and as histograms of errors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from ml.catalog import is_distance
from ml.metrics.scoring import Scores

HISTOGRAM_MM: Final = np.linspace(0, 100, 51)
"""Edges of the bins of the histogram of errors by frame; what lies beyond counts in the last bin."""


def sequence_index(names: Sequence[str] | None, order: Sequence[str], count: int) -> np.ndarray:
    """Index of each row's sequence, int32 [count]; all 0 where the truth is one piece.

    Args:
        names: the sequence of each row, at least `count` of them; None where the truth names none.
        order: names of the sequences, each once.
        count: rows that are scored.
    """
    if names is None:
        return np.zeros(count, np.int32)
    index = {name: number for number, name in enumerate(order)}
    return np.array([index[str(name)] for name in names[:count]], np.int32)


def by_sequence(scores: Scores, sequence: np.ndarray, count: int, rows: np.ndarray) -> list[dict[str, Any] | None]:
    """Means of each metric by sequence, of some rows alone.

    Args:
        scores: of all rows.
        sequence: index of each row's sequence [N].
        count: sequences that there are.
        rows: bool [N].

    Returns:
        For each sequence `{"rows", "coverage", "figures": {metric: mean | None}}`; None where it has none of the rows.
    """
    table: list[dict[str, Any] | None] = []
    for number in range(count):
        own = rows & (sequence == number)
        if not own.any():
            table.append(None)
            continue
        means = {name: _finite_mean(values[own]) for name, values in scores.per_frame.items()}
        table.append({"rows": int(own.sum()), "coverage": float(scores.found[own].mean()), "figures": means})
    return table


def error_histograms(scores: Scores, rows: np.ndarray) -> dict[str, list[float]]:
    """How many of some rows (bool [N]) lie in each bin of each mean distance; `edges_mm` are the bins' edges."""
    found: dict[str, list[float]] = {"edges_mm": HISTOGRAM_MM.tolist()}
    for name, values in scores.per_frame.items():
        if is_distance(name):
            errors = np.clip(values[rows & np.isfinite(values)], 0, HISTOGRAM_MM[-1])
            found[name] = np.histogram(errors, HISTOGRAM_MM)[0].tolist()
    return found


def _finite_mean(values: np.ndarray) -> float | None:
    finite = values[np.isfinite(values)]
    return float(finite.mean()) if len(finite) else None
