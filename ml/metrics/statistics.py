"""How sure a mean is: bootstrap intervals over frames or sequences, and paired differences of two submissions.

Source: Efron & Tibshirani, *An Introduction to the Bootstrap*, 1993 (percentile intervals). Frames of one video are
correlated, so where there are sequences whole sequences are drawn; drawing frames would give intervals that are too narrow.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

SAMPLES: Final = 2000
_DRAWN: Final = 1 << 22
"""Indices drawn at a time: bounds the memory."""


@dataclass(frozen=True)
class Interval:
    """A mean with its percentile interval.

    Attributes:
        mean: of the values that are finite; NaN if none is.
        low, high: ends of the interval; equal to the mean where there is one unit to draw.
        units: frames or sequences that were drawn from.
    """

    mean: float
    low: float
    high: float
    units: int


@dataclass(frozen=True)
class Difference:
    """Mean of A minus mean of B over the frames that both have.

    Attributes:
        mean, low, high: of the difference.
        p: two-sided: twice the smaller share of bootstrap differences on one side of 0, at least 1 / (samples + 1).
        units: frames or sequences that were drawn from.
        shared: frames that both have.
    """

    mean: float
    low: float
    high: float
    p: float
    units: int
    shared: int


def bootstrap_interval(
    values: np.ndarray, sequences: np.ndarray | None = None, *, level: float = 0.95, samples: int = SAMPLES, seed: int = 0
) -> Interval:
    """Interval of the mean of per-frame values [N]; NaN is left out.

    Args:
        values: one a frame.
        sequences: the sequence of each frame [N], any labels; frames are drawn one by one where it is not given.
        level: of the interval.
        samples: bootstrap samples.
        seed: of the drawing.
    """
    sums, counts = _units(np.asarray(values, dtype=np.float64), sequences)
    if not len(sums):
        return Interval(math.nan, math.nan, math.nan, 0)
    means = _resampled(sums, counts, samples, seed)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(sums.sum() / counts.sum()), float(low), float(high), len(sums))


def paired_difference(
    a: np.ndarray,
    b: np.ndarray,
    sequences: np.ndarray | None = None,
    *,
    level: float = 0.95,
    samples: int = SAMPLES,
    seed: int = 0,
) -> Difference:
    """Paired bootstrap of two submissions' per-frame values [N] on the same frames; frames that one lacks are left out."""
    apart = np.asarray(a, dtype=np.float64) - np.asarray(b, dtype=np.float64)
    shared = int(np.isfinite(apart).sum())
    sums, counts = _units(apart, sequences)
    if not len(sums):
        return Difference(math.nan, math.nan, math.nan, math.nan, 0, 0)
    means = _resampled(sums, counts, samples, seed)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    side = min((means <= 0).sum(), (means >= 0).sum())
    p = min(max(2 * float(side) / samples, 1 / (samples + 1)), 1.0)
    return Difference(float(sums.sum() / counts.sum()), float(low), float(high), p, len(sums), shared)


def _units(values: np.ndarray, sequences: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Sum and number of the finite values of each unit that is drawn."""
    there = np.isfinite(values)
    if sequences is None:
        return values[there], np.ones(int(there.sum()))
    _, label = np.unique(np.asarray(sequences)[there], return_inverse=True)
    return np.bincount(label, weights=values[there]), np.bincount(label).astype(np.float64)


def _resampled(sums: np.ndarray, counts: np.ndarray, samples: int, seed: int) -> np.ndarray:
    """Means [samples] of units drawn with replacement."""
    generator = np.random.default_rng(seed)
    means = np.empty(samples)
    step = max(_DRAWN // len(sums), 1)
    for first in range(0, samples, step):
        drawn = generator.integers(0, len(sums), (min(step, samples - first), len(sums)))
        means[first : first + step] = sums[drawn].sum(1) / counts[drawn].sum(1)
    return means
