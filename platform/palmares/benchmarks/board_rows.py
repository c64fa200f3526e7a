"""Which rows of a benchmark's ground truth a board shows."""

from __future__ import annotations

import numpy as np

from palmares.benchmarks.models import Board, Truth


def rows_of(board: Board, truth: Truth, count: int) -> np.ndarray:
    """Mask of the rows that belong to a board: bool [count], where `count` is the number of rows of the truth."""
    rows = np.full(count, not board.tag)
    for first, last in truth.subsets.get(board.tag, ()):
        rows[first : last + 1] = True
    return rows
