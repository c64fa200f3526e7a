"""A measure by slices of the frames, each with its interval: numpy alone, so that the web may import it.

Frames of a video that follow each other resemble each other, so the unit of the intervals is a stretch of one second of a
track, and of images each image. Stretches of one clip are not wholly independent either: intervals say how a mean varies
within this clip, not over other clips and people.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from ml.metrics.statistics import Difference, Obstacle, cluster_sums, paired_difference, t_interval

_STRIDE: Final = 1 << 32


@dataclass(frozen=True)
class SliceValue:
    """Some of the rows.

    Attributes:
        keys: category of each attribute.
        hands: true hands [of N].
        found: of these, with a value.
        mean: over those; None where there are none.
        low, high: 95% interval; None where there is an obstacle.
        obstacle: why there is none; else empty.
        worst: indices of the rows with the worst values, the worst first.
        difference: to another run's values on the rows that both have; None where none was asked for.
    """

    keys: tuple[int, ...]
    hands: int
    found: int
    mean: float | None
    low: float | None
    high: float | None
    obstacle: Obstacle
    worst: tuple[int, ...]
    difference: Difference | None


def stretches(frame: np.ndarray, track: np.ndarray, *, seconds_frames: int) -> np.ndarray:
    """Label of each row's stretch of so many frames of its track, int64 [N]."""
    return track.astype(np.int64) * _STRIDE + frame.astype(np.int64) // max(1, seconds_frames)


def cells(
    values: np.ndarray,
    attributes: list[np.ndarray],
    labels: np.ndarray,
    *,
    higher_is_better: bool,
    other: np.ndarray | None = None,
    worst: int = 12,
) -> list[SliceValue]:
    """The cells that have rows, by category of the first attribute, then of the second.

    Args:
        values: float [N], NaN where there is none.
        attributes: category of each row by one or two attributes, int [N]; rows of −1 are left out.
        labels: of the rows' stretches [N].
        higher_is_better: which values are the worst.
        other: values of another run [N], to be compared.
        worst: rows listed in a cell, at most.
    """
    keys = np.stack(attributes, 1)
    known = (keys >= 0).all(1)
    found = []
    for key in np.unique(keys[known], axis=0):
        rows = np.flatnonzero((keys == key).all(1))
        own = values[rows]
        sums = cluster_sums(own, labels[rows])
        low, high = t_interval(sums) if not sums.obstacle else (None, None)
        finite = np.isfinite(own)
        order = np.argsort(own[finite] if higher_is_better else -own[finite], kind="stable")[:worst]
        difference = None if other is None else paired_difference(own, other[rows], labels[rows])
        found.append(
            SliceValue(
                keys=tuple(int(k) for k in key),
                hands=len(rows),
                found=int(finite.sum()),
                mean=sums.mean if finite.any() else None,
                low=low,
                high=high,
                obstacle=sums.obstacle,
                worst=tuple(int(row) for row in rows[finite][order]),
                difference=difference,
            )
        )
    return found
