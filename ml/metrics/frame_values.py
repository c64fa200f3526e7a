"""The values of each row of a scored submission, in a file: written by the worker, compared by the web.

An `.npz` of arrays [N], one entry a row of the truth:

======================  =======  ==================================================================================
`found`                 bool     whether the hand was predicted
`sequence`              int32    index of the row's sequence
`frame` (optional)      int32    index of the frame in its own clip
`cluster` (optional)    int32    number of its cluster; absent where each row is a unit of its own
METRIC                  float32  each metric that is a mean of frames, mm or a share; NaN where there is none
`zero_METRIC`           float32  error of an all-zeros prediction where a hand is missing (`ml.metrics.missing_hands`)
`contribution_METRIC`   float32  where joints are annotated unevenly (`ml.metrics.frame_contributions`)
======================  =======  ==================================================================================
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np

from ml.metrics.missing_hand_rule import MissingHandRule
from ml.metrics.statistics import Difference, paired_difference

__all__ = ["Difference", "FrameValues", "compare_frames", "read_frame_values", "write_frame_values"]

_ZERO, _CONTRIBUTION = "zero_", "contribution_"
_BEFORE = {_ZERO: "nothing_", _CONTRIBUTION: "even_"}
"""How scorers before version 4 named them; scores under old revisions are kept."""


@dataclass(frozen=True)
class FrameValues:
    """The arrays of such a file by name."""

    arrays: Mapping[str, np.ndarray]

    @property
    def found(self) -> np.ndarray:
        """Whether each hand was predicted, bool [N]."""
        return self.arrays["found"]

    @property
    def sequence(self) -> np.ndarray:
        """Index of each row's sequence [N]."""
        return self.arrays["sequence"]

    @property
    def frame(self) -> np.ndarray | None:
        """Index of each row's frame in its own clip [N]; None where the file does not say."""
        return self.arrays.get("frame")

    @property
    def metrics(self) -> dict[str, np.ndarray]:
        """Values [N] by metric."""
        others = ("found", "sequence", "frame", "cluster")
        inner = (_ZERO, _CONTRIBUTION, *_BEFORE.values())
        return {name: array for name, array in self.arrays.items() if name not in others and not name.startswith(inner)}

    def ranked(self, metric: str, rule: MissingHandRule) -> np.ndarray:
        """Values [N] of a metric as they are ranked, float64.

        Raises:
            KeyError: the file does not have the metric.
        """
        values = self._inner(_CONTRIBUTION, metric, self.arrays[metric]).astype(np.float64)
        return rule.ranked_values(metric, values, self.found, self._inner(_ZERO, metric, np.zeros(1)))

    def clusters(self) -> np.ndarray | None:
        """Number of each row's cluster [N]; None where each row is a unit of its own."""
        if "cluster" in self.arrays or "frame" in self.arrays:
            return self.arrays.get("cluster")
        return self.sequence if self.sequence.any() else None  # before version 4

    def _inner(self, prefix: str, metric: str, default: np.ndarray) -> np.ndarray:
        return self.arrays.get(prefix + metric, self.arrays.get(_BEFORE[prefix] + metric, default))


def write_frame_values(
    path: Path,
    *,
    found: np.ndarray,
    sequence: np.ndarray,
    frame: np.ndarray | None,
    clusters: np.ndarray | None,
    metrics: Mapping[str, np.ndarray],
    zero_errors: Mapping[str, np.ndarray],
    contributions: Mapping[str, np.ndarray],
) -> None:
    """Write the file; the arguments are the arrays of the table above."""
    arrays = {name: values.astype(np.float32) for name, values in metrics.items()}
    for prefix, group in ((_ZERO, zero_errors), (_CONTRIBUTION, contributions)):
        arrays |= {prefix + name: values.astype(np.float32) for name, values in group.items()}
    places = {"sequence": sequence, "frame": frame, "cluster": clusters}
    arrays |= {name: array.astype(np.int32) for name, array in places.items() if array is not None}
    np.savez_compressed(path, found=found, **arrays)  # type: ignore[arg-type]


def read_frame_values(stream: IO[bytes]) -> FrameValues:
    """Read the file, which is ours."""
    with np.load(stream, allow_pickle=False) as arrays:
        return FrameValues(dict(arrays))


def compare_frames(
    a: FrameValues, b: FrameValues, metric: str, rows: np.ndarray, *, penalises: bool, penalty_mm: float
) -> Difference:
    """A minus B on some rows of the same truth.

    Args:
        a: values of the one.
        b: of the other.
        metric: name, `ml.catalog.METRICS`.
        rows: bool [N].
        penalises: whether missing hands count with a penalty; otherwise frames that one lacks are left out.
        penalty_mm: of a missing hand.

    Raises:
        KeyError: one of them does not have the metric.
    """
    rule = MissingHandRule(penalises, penalty_mm)
    clusters = a.clusters()
    labels = None if clusters is None else clusters[rows]
    return paired_difference(a.ranked(metric, rule)[rows], b.ranked(metric, rule)[rows], labels)
