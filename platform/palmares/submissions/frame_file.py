"""The values of single frames of a score: the one place where the web reads them, and the only science it imports."""

from __future__ import annotations

from django.core.files.storage import default_storage

from ml.metrics.frame_values import Difference, FrameValues, compare_frames, read_frame_values
from palmares.benchmarks.board_rows import rows_of
from palmares.benchmarks.models import Benchmark, Board
from palmares.submissions.models import FRAMES_FILE, Score


def frame_values(score: Score) -> FrameValues:
    """The values of each row of the truth."""
    with default_storage.open(f"{score.folder}/{FRAMES_FILE}", "rb") as stream:
        return read_frame_values(stream)


def compare_scores(a: Score, b: Score, board: Board, metric: str) -> Difference:
    """A minus B on a board, by the rule for missing hands of their revision.

    Raises:
        KeyError: one of them has no values by frame of this metric.
    """
    first, second = frame_values(a), frame_values(b)
    revision = a.revision
    return compare_frames(
        first,
        second,
        metric,
        rows_of(board, revision.truth, len(first.found)),
        penalises=revision.missing == Benchmark.Missing.PENALISED,
        penalty_mm=revision.penalty_mm,
    )
