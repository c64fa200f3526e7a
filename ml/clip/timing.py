"""From a table of timestamps, as cameras write them, to one constant rate."""

from __future__ import annotations

from fractions import Fraction
from typing import Final

import numpy as np

STANDARD_RATES: Final = tuple(
    Fraction(n, d)
    for n, d in (
        *((24000, 1001), (24, 1), (25, 1), (30000, 1001), (30, 1), (48, 1), (50, 1), (60000, 1001), (60, 1)),
        *((90, 1), (100, 1), (120000, 1001), (120, 1), (240, 1), (5, 1), (10, 1), (12, 1), (15, 1), (20, 1)),
    )
)
MAX_RATE: Final = Fraction(240)


def constant_rate(times: np.ndarray) -> tuple[Fraction, bool]:
    """The constant rate that suits a video, and whether each of its frames then keeps a place of its own.

    A rate fits when every frame lies within 0.45 of a frame of its own place on the grid; standard rates are tried
    before the measured mean, so that timestamps rounded to milliseconds still give 30 and not 30.0003. When none fits
    (variable frame rate) it is the most usual distance between frames, snapped to a standard rate within 2 %.

    Args:
        times: float64 [n], seconds, ascending, n ≥ 1.
    """
    steps = np.diff(times)
    steps = steps[steps > 0]
    if not len(steps):
        return Fraction(30), True
    mean = (len(times) - 1) / (times[-1] - times[0])
    near = sorted((r for r in STANDARD_RATES if abs(r / mean - 1) < 0.02), key=lambda r: abs(r - mean))
    measured = min(Fraction(mean).limit_denominator(1001), MAX_RATE)
    places = np.arange(len(times))
    for rate in (*near, measured):
        if rate > 0 and np.abs((times - times[0]) * float(rate) - places).max() < 0.45:
            return rate, True
    usual = 1 / float(np.median(steps))
    snapped = min(STANDARD_RATES, key=lambda r: abs(r / usual - 1))
    if abs(snapped / usual - 1) < 0.02:
        return snapped, False
    return max(Fraction(1), min(Fraction(usual).limit_denominator(1001), MAX_RATE)), False


def grid_length(times: np.ndarray, rate: Fraction) -> int:
    """Frames that a video with these timestamps [n] (s) has at a constant rate."""
    return round(float(times[-1] - times[0]) * float(rate)) + 1


def nearest_sources(times: np.ndarray, rate: Fraction, count: int) -> np.ndarray:
    """For each of `count` frames at a constant rate, the index of the source frame nearest in time: int32 [count]."""
    grid = times[0] + np.arange(count) / float(rate)
    nearest: np.ndarray = np.searchsorted((times[:-1] + times[1:]) / 2, grid, side="right").astype(np.int32)
    return nearest
