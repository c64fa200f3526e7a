"""F-scores of meshes: is there a vertex of the other mesh within t?

Nearest neighbours are searched among all vertices, in float32, which settles nearly every vertex beyond doubt; the few whose
distance lies too close to a threshold to tell are measured again in float64. The answer is exact.

Source: Knapitsch et al., *Tanks and Temples*, 2017, as FreiHAND (Zimmermann et al., ICCV 2019) applies it to hands.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_EPSILON = 2.0**-24
"""Half a unit in the last place of float32."""
_STRIP = 160
"""Vertices whose distances are computed at a time: their products stay in the cache."""
_BLAS_PIECE = 1 << 18
"""Rows × columns × depth of one matrix product: what OpenBLAS still does on one thread."""
_EXACT_PIECE = 1 << 18
"""Distances measured again in float64 at a time: bounds the memory."""


def f_scores(truth: np.ndarray, prediction: np.ndarray, thresholds: Sequence[float]) -> np.ndarray:
    """F@t [n, T] of meshes [n, V, 3] against meshes [n, W, 3], both in one unit; V and W may differ.

    Precision = share of the truth's vertices with a predicted vertex closer than t, recall = share of the predicted vertices
    with one of the truth closer than t (strictly), F = their harmonic mean, 0 where both are 0.
    """
    precision, recall = precision_and_recall(truth, prediction, thresholds)
    total = precision + recall
    return np.asarray(np.divide(2 * precision * recall, total, out=np.zeros_like(total), where=total > 0))


def precision_and_recall(
    truth: np.ndarray, prediction: np.ndarray, thresholds: Sequence[float]
) -> tuple[np.ndarray, np.ndarray]:
    """Precision and recall [n, T] as `f_scores` defines them; zeros where a mesh has no vertex."""
    frames, limits = len(truth), np.asarray(thresholds, dtype=np.float64)
    if not truth.shape[1] or not prediction.shape[1]:
        return np.zeros((frames, len(limits))), np.zeros((frames, len(limits)))
    to_prediction, to_truth, doubt = _nearest(truth, prediction, float(limits.max()))
    return (
        _share_within(truth, prediction, to_prediction, doubt, limits),
        _share_within(prediction, truth, to_truth, doubt, limits),
    )


def _nearest(truth: np.ndarray, prediction: np.ndarray, limit: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Squared distances to the nearest vertex of the other mesh, float32 [n, V] and [n, W], and their largest error [n].

    Distances beyond `limit` may come out as infinity.

    |a − b|² = (−2a, |a|², 1) · (b, 1, |b|²) is one matrix product. About the truth's mean, with M = max|a| + max|b|, rounding
    the points costs at most 2εM², the squares 3εM² and the sum of five products 5εM²: 12εM² covers it.
    """
    # a rough middle will do: it keeps the numbers small
    centre = truth[:, :: max(truth.shape[1] // 64, 1)].mean(1, keepdims=True)
    a, b = ((points - centre).astype(np.float32) for points in (truth, prediction))
    spread = np.ptp(a[:, :: max(a.shape[1] // 64, 1)], axis=1)
    axis = spread.argmax(1)
    ours, theirs = _sorted(a, axis), _sorted(b, axis)
    reach = np.sqrt(ours.squared.max(1).astype(np.float64)) + np.sqrt(theirs.squared.max(1).astype(np.float64))
    margin = limit * (1 + 1e-6) + 8 * _EPSILON * (reach + limit)
    left = np.concatenate([-2 * ours.points, ours.squared[:, None], np.ones_like(ours.squared)[:, None]], 1)
    right = np.concatenate([theirs.points, np.ones_like(theirs.squared)[:, None], theirs.squared[:, None]], 1)
    rows, columns = np.full_like(ours.squared, np.inf), np.full_like(theirs.squared, np.inf)
    for frame in range(len(a)):  # one by one: a chunk's distances at once would leave the cache
        these = left[frame], ours.along[frame], rows[frame]
        _sweep(these, (right[frame], theirs.along[frame], columns[frame]), float(margin[frame]))
    return ours.unsorted(rows), theirs.unsorted(columns), 12 * _EPSILON * reach**2


@dataclass(frozen=True)
class _Sorted:
    """Meshes whose vertices are sorted along one axis of each frame.

    Attributes:
        places: int64 [n, V], where each sorted vertex stood, counted over all frames.
        points: float32 [n, 3, V].
        squared: float32 [n, V], of their lengths.
        along: float32 [n, V], ascending.
    """

    places: np.ndarray
    points: np.ndarray
    squared: np.ndarray
    along: np.ndarray

    def unsorted(self, values: np.ndarray) -> np.ndarray:
        """Values [n, V] of the sorted vertices, in the order in which the vertices came."""
        back = np.empty_like(values)
        back.reshape(-1)[self.places.reshape(-1)] = values.reshape(-1)
        return back


def _sorted(points: np.ndarray, axis: np.ndarray) -> _Sorted:
    """Vertices float32 [n, V, 3] by an axis [n] of each frame. Flat indices: `take_along_axis` is many times slower."""
    count, vertices, _ = points.shape
    frames = np.arange(count)
    order = _argsort(points[frames, :, axis])
    order += vertices * frames[:, None]
    x, y, z = planes = np.ascontiguousarray(points.reshape(-1, 3).take(order.reshape(-1), 0).T).reshape(3, count, vertices)
    return _Sorted(order, planes.transpose(1, 0, 2), x * x + y * y + z * z, planes[axis, frames])


def _argsort(values: np.ndarray) -> np.ndarray:
    """Order int64 [n, V] of float32 [n, V], row by row: place and index are sorted as one number, which is faster."""
    above = values - values.min(1, keepdims=True)
    # of floats that are not negative the bits are in the same order
    keys = above.view(np.uint32).astype(np.uint64) << np.uint64(32)
    keys |= np.arange(values.shape[1], dtype=np.uint64)
    keys.sort(axis=1)
    keys &= np.uint64(0xFFFFFFFF)
    order: np.ndarray = keys.view(np.int64)
    return order


_Side = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Factors of the product [5, V], places along the axis that they are sorted by, and the least product so far."""


def _sweep(truth: _Side, prediction: _Side, margin: float) -> None:
    """Lower the least products of rows and columns, over pairs no farther apart than a margin along the axis."""
    left, along, rows = truth
    right, others_along, columns = prediction
    # Of floats that are not negative the bits are in the same order, and the least of integers is found faster. A square that
    # rounding made negative is the least either way, and as near to 0 as any other such.
    rows, columns = rows.view(np.int32), columns.view(np.int32)
    starts = np.arange(0, len(along), _STRIP)
    aside = np.float32(margin)  # in the type of the places, or all of them would be converted
    lows = np.searchsorted(others_along, along[starts] - aside)
    ends = along[np.minimum(starts + _STRIP, len(along)) - 1]
    highs = np.searchsorted(others_along, ends + aside, side="right")
    width = _BLAS_PIECE // (5 * _STRIP)
    for first, low, high in zip(starts.tolist(), lows.tolist(), highs.tolist(), strict=True):
        strip, least = left[:, first : first + _STRIP].T, rows[first : first + _STRIP]
        for begin in range(low, high, width):
            end = min(begin + width, high)
            squared = (strip @ right[:, begin:end]).view(np.int32)
            np.minimum(least, np.minimum.reduce(squared, 1), out=least)
            reached = columns[begin:end]
            np.minimum(reached, np.minimum.reduce(squared, 0), out=reached)


def _share_within(
    mesh: np.ndarray, other: np.ndarray, squared: np.ndarray, doubt: np.ndarray, limits: np.ndarray
) -> np.ndarray:
    """Share [n, T] of the vertices of `mesh` with one of `other` closer than each limit."""
    shares = np.empty((len(mesh), len(limits)))
    by_axis = np.ascontiguousarray(other.transpose(0, 2, 1))
    for column, limit in enumerate(limits):
        sure = squared < (limit * limit - doubt)[:, None]
        unsure = ~sure & (squared <= (limit * limit + doubt)[:, None])
        hits = sure.sum(1)
        frames, vertices = np.nonzero(unsure)
        height = max(_EXACT_PIECE // other.shape[1], 1)
        for first in range(0, len(frames), height):
            some = frames[first : first + height]
            point = mesh[some, vertices[first : first + height], :, None]
            x, y, z = (point[:, axis] - by_axis[some, axis] for axis in range(3))
            close = np.sqrt((x * x + y * y + z * z).min(1)) < limit
            hits += np.bincount(some[close], minlength=len(mesh))
        shares[:, column] = hits / mesh.shape[1]
    return shares
