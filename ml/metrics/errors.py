"""Errors of joints and vertices, their curves, and errors over time and of shape.

Distances are in the unit of the points given; names that end in `_mm` say so. Source of means, PCK and AUC: the `EvalUtil` of
hand3d (Zimmermann & Brox, ICCV 2017), which FreiHAND, HO3D and DexYCB all score with.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np

Rule = Literal["trapezoid", "left"]


@dataclass(frozen=True)
class Curve:
    """Thresholds of a PCK curve and the way its area is taken.

    Attributes:
        name: `0-50` and the like; part of the metric's name where a protocol has several.
        start_mm, stop_mm, steps: `linspace(start, stop, steps)`, both ends included.
        skip: thresholds left out at the beginning.
        rule: `trapezoid`, or `left`: a left Riemann sum (MMPose).
        strict: count distances < t; otherwise ≤ t.
    """

    name: str
    start_mm: float
    stop_mm: float
    steps: int
    skip: int = 0
    rule: Rule = "trapezoid"
    strict: bool = False

    def thresholds(self, unit_mm: float) -> np.ndarray:
        """Thresholds [steps − skip] in a unit of so many millimetres (1000: metres)."""
        return np.linspace(self.start_mm / unit_mm, self.stop_mm / unit_mm, self.steps)[self.skip :]

    def area(self, shares: np.ndarray) -> float:
        """Area under the shares [steps − skip] of this curve, divided by the range: 0 … 1."""
        return area_under_curve(self.thresholds(1.0), shares, rule=self.rule)


@cache
def areas_of_bins(curve: Curve) -> np.ndarray:
    """Area [T + 1] that one distance adds, by its bin: the mean of these over distances is the area under their curve."""
    count = curve.steps - curve.skip
    return np.array([curve.area((np.arange(count) >= first).astype(float)) for first in range(count + 1)])


def distances(truth: np.ndarray, prediction: np.ndarray) -> np.ndarray:
    """Euclidean distances [n, P] between points [n, P, 3], in float64."""
    apart = np.asarray(prediction, dtype=np.float64) - truth
    x, y, z = apart[..., 0], apart[..., 1], apart[..., 2]
    return np.asarray(np.sqrt(x * x + y * y + z * z))


def threshold_bins(values: np.ndarray, thresholds: np.ndarray, *, strict: bool = False) -> np.ndarray:
    """Index of the first threshold that each value is within; T where there is none, which is so for NaN too.

    Thresholds at equal distances are not searched: where a value must lie is computed, and set right by a step either way.
    """
    steps = np.diff(thresholds)
    if not len(steps) or np.ptp(steps) > 1e-6 * steps[0]:
        return np.searchsorted(thresholds, values, side="right" if strict else "left")
    last = len(thresholds)
    above = np.append(thresholds, np.inf)
    below = np.append(-np.inf, thresholds)
    # to the nearest, so that no rounding leads more than a step astray; `fmin` takes the number and not the NaN
    guess = np.fmin((values - thresholds[0]) * (len(steps) / (thresholds[-1] - thresholds[0])) + 0.5, last)
    bins: np.ndarray = np.maximum(guess, 0).astype(np.int64)
    bins += (values >= above[bins] if strict else values > above[bins]) & (bins < last)
    bins -= values < below[bins] if strict else values <= below[bins]
    return bins


def counts_of_bins(bins: np.ndarray, steps: int) -> np.ndarray:
    """How many of each point's bins [n, P] are within each of T = `steps` thresholds: [P, T], summable over frames."""
    points = bins.shape[1]
    flat = (bins + np.arange(points) * (steps + 1)).ravel()
    histogram = np.bincount(flat, minlength=points * (steps + 1)).reshape(points, steps + 1)
    return np.asarray(np.cumsum(histogram, axis=1)[:, :-1])


def shares_of_counts(counts: np.ndarray, total: np.ndarray) -> np.ndarray:
    """PCK [T] from counts [P, T] out of `total` [P]; points never seen are left out; NaN if all are."""
    if not (total > 0).any():
        return np.full(counts.shape[1], np.nan)
    return np.asarray((counts[total > 0] / total[total > 0, None]).mean(0))


def area_under_curve(thresholds: np.ndarray, shares: np.ndarray, *, rule: Rule = "trapezoid") -> float:
    """Area under shares [T] at thresholds [T], divided by their range."""
    steps = np.diff(thresholds)
    heights = 0.5 * (shares[1:] + shares[:-1]) if rule == "trapezoid" else shares[:-1]
    return float((heights * steps).sum() / (thresholds[-1] - thresholds[0]))


def second_differences(
    frame: np.ndarray, track: np.ndarray, joints: np.ndarray, *, root: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """a(t) = p(t+1) − 2 p(t) + p(t−1) of root-aligned joints, where a track has three frames in a row.

    Args:
        frame: int [N], ascending within a track.
        track: int [N], rows of one track next to each other.
        joints: [N, J, 3].
        root: the joint subtracted.

    Returns:
        The rows' indices t [M], and a [M, J, 3] in the unit of the joints per frame².
    """
    relative = np.asarray(joints, dtype=np.float64)
    relative = relative - relative[:, root : root + 1]
    frame = np.asarray(frame, dtype=np.int64)
    whole = (
        (frame[1:-1] - frame[:-2] == 1)
        & (frame[2:] - frame[1:-1] == 1)
        & (track[:-2] == track[1:-1])
        & (track[1:-1] == track[2:])
    )
    rows = np.flatnonzero(whole) + 1
    return rows, relative[rows + 1] - 2 * relative[rows] + relative[rows - 1]


def acceleration_errors(
    frame: np.ndarray, track: np.ndarray, truth: np.ndarray, prediction: np.ndarray, *, root: int = 0
) -> np.ndarray:
    """RA-ACC of each row [N]: mean over joints of ‖a_pred − a_true‖, unit/frame²; NaN where a neighbour is missing.

    Args:
        frame: of the truth's rows [N], ordered as `second_differences` wants them.
        track: likewise.
        truth: [N, J, 3].
        prediction: [N, J, 3], NaN in rows that were not found.
        root: the joint subtracted from both.
    """
    result = np.full(len(frame), np.nan)
    if len(frame) >= 3:
        rows, expected = second_differences(frame, track, truth, root=root)
        _, found = second_differences(frame, track, prediction, root=root)
        result[rows] = distances(expected, found).mean(-1)
    return result


def shape_error(truth: np.ndarray, prediction: np.ndarray) -> float:
    """MSE_mano = mean (β̂ − β)² over shapes [n, 10] (Kong et al., ECCV 2022)."""
    return float(np.square(np.asarray(prediction, dtype=np.float64) - truth).mean())
