"""Is A better than B? A paired bootstrap over the frames that both were asked for."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Final

import numpy as np
from django.core.cache import cache
from django.core.files.storage import default_storage

from ml.metrics.statistics import paired_difference
from palmares.api.problems import InvalidError, NotFoundError
from palmares.benchmarks import ranking_rules
from palmares.benchmarks.board_rows import rows_of
from palmares.benchmarks.models import Board, Revision
from palmares.submissions.models import FRAMES_FILE, MetricValue, Score, Submission

_KEPT_SECONDS: Final = 7 * 24 * 3600


def compare(*, a: Submission, b: Submission, board: Board, metric: str, revision: Revision) -> dict[str, Any]:
    """A minus B on a board: mean, 95 % interval, p, and a verdict in words.

    Raises:
        NotFoundError: one of them has no score under this revision.
        InvalidError: the metric has no figures by frame on both, or the board tells none of one of them.
    """
    scores = [_score(each, revision) for each in (a, b)]
    if not all(MetricValue.objects.filter(score=score, board=board).exists() for score in scores):
        raise InvalidError(f"The board “{board.name}” does not disclose the metrics of both submissions, nor their difference.")
    key = f"compare:{scores[0].pk}:{scores[1].pk}:{board.pk}:{metric}"
    found = cache.get(key)
    if found is None:
        values, sequences = zip(*(frame_values(score, board, metric) for score in scores), strict=True)
        difference = paired_difference(values[0], values[1], sequences[0] if _several(sequences[0]) else None)
        found = {name: None if value != value else value for name, value in asdict(difference).items()}  # noqa: PLR0124 - NaN
        cache.set(key, found, _KEPT_SECONDS)
    return {
        **found,
        "metric": metric,
        "unit": ranking_rules.unit(metric),
        "board": board.slug,
        "revision": revision.number,
        "a": str(a.pk),
        "b": str(b.pk),
        "verdict": verdict(a.method, b.method, metric, found),
    }


def verdict(a: str, b: str, metric: str, difference: dict[str, Any]) -> str:
    """“A is better than B by 0.80 mm, [0.31, 1.24]”, or that it cannot be told."""
    mean, low, high = difference["mean"], difference["low"], difference["high"]
    if mean is None:
        return f"{a} and {b} have no frame in common."
    digits = ranking_rules.ties_at(metric)
    unit = "" if ranking_rules.unit(metric) == "1" else f" {ranking_rules.unit(metric)}"
    if low <= 0 <= high:
        return f"{a} and {b} cannot be told apart: {mean:+.{digits}f}{unit}, [{low:.{digits}f}, {high:.{digits}f}]."
    a_wins = (mean < 0) == (ranking_rules.direction(metric) == "lower")
    first, second = (a, b) if a_wins else (b, a)
    ends = sorted((abs(low), abs(high)))
    return f"{first} is better than {second} by {abs(mean):.{digits}f}{unit}, [{ends[0]:.{digits}f}, {ends[1]:.{digits}f}]."


def frame_values(score: Score, board: Board, metric: str) -> tuple[np.ndarray, np.ndarray]:
    """Figures by frame [n] as they are ranked, and the index of each one's sequence [n], of a board's frames.

    Raises:
        InvalidError: the metric has none.
    """
    with default_storage.open(f"{score.folder}/{FRAMES_FILE}", "rb") as stream, np.load(stream, allow_pickle=False) as arrays:
        if metric not in arrays:
            raise InvalidError(
                f"{ranking_rules.title(metric)} is no mean of frames: differences are not tested.", field="metric"
            )
        values = arrays.get(f"even_{metric}", arrays[metric]).astype(np.float64)
        nothing = arrays.get(f"nothing_{metric}", 0.0)
        found, sequence = arrays["found"], arrays["sequence"]
    rows = rows_of(board, score.revision.truth, len(sequence))
    ranked = ranking_rules.ranked_values(score.revision, metric, values, found, nothing)
    return ranked[rows], sequence[rows]


def _score(submission: Submission, revision: Revision) -> Score:
    found = Score.objects.filter(submission=submission, revision=revision).select_related("revision__truth").first()
    if found is None:
        raise NotFoundError(f"“{submission.method}” has no score under revision {revision.number}.")
    return found


def _several(sequence: np.ndarray) -> bool:
    return bool(len(sequence)) and bool((sequence != sequence[0]).any())
