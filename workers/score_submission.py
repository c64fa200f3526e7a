"""The values of a submission against a truth: its files are read, and `ml.metrics` scores them."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np

from ml.formats.faults import FormatError
from ml.formats.truth_subsets import row_labels
from ml.metrics.board_values import BoardValue, ClusterTable, ScoredRows, board_values, cluster_table
from ml.metrics.breakdown import by_sequence, error_histograms, sequence_index
from ml.metrics.frame_contributions import frame_contributions
from ml.metrics.frame_values import write_frame_values
from ml.metrics.missing_hand_rule import MissingHandRule
from ml.metrics.missing_hands import zero_prediction_errors
from ml.metrics.pairing import open_pair
from ml.metrics.process_pool import ProcessPool
from ml.metrics.protocol import PROTOCOLS
from ml.metrics.report import Report, build_report, joints_of_rows
from ml.metrics.scoring import Scores, score_pair
from ml.progress import ProgressCallback
from palmares.benchmarks import ranking_rules
from palmares.benchmarks.board_rows import rows_of
from palmares.benchmarks.models import Benchmark, Board, Revision, Truth
from palmares.queue.exceptions import WorkFailedError
from palmares.submissions.models import FRAMES_FILE, Submission
from palmares.submissions.services import local_files, truth_path
from workers.storage import fetch, store_folder

_TWO_CORES_FROM: Final = 4000
"""Rows for which a second process pays."""


@dataclass(frozen=True)
class Scored:
    """A submission that has been scored and filed; its values on boards by the rule of a revision for missing hands."""

    coverage: float
    report: Report
    board_values: Callable[[Revision], list[tuple[Board, list[BoardValue], ClusterTable]]]
    folder: str


def score_submission(item: Submission, truth: Truth, folder: str, scratch: Path, report: ProgressCallback) -> Scored:
    """Score one submission and store its values by frame under `folder`.

    Raises:
        WorkFailedError: its file cannot be scored against this truth.
    """
    protocol = PROTOCOLS[item.benchmark.protocol]
    report("Reading the prediction", 0.0)
    with ExitStack() as stack:
        truth_file = truth_path(stack.enter_context(local_files(truth.folder)))
        prediction = _prediction(item, truth, scratch)
        try:
            pair = stack.enter_context(open_pair(protocol, truth_file, prediction, name=item.name))
            pool = stack.enter_context(ProcessPool(None if pair.count > _TWO_CORES_FROM else 1))
            scores = score_pair(protocol, pair, pool=pool, progress=lambda stage, done: report(stage, 0.9 * done))
        except FormatError as error:
            raise WorkFailedError(f"{str(error).rstrip('.')}.") from error
        result = build_report(protocol, pair, scores)
        sequence = sequence_index(pair.truth.columns.get("sequence"), [entry["name"] for entry in truth.sequences], pair.count)
        boards = _boards(item.benchmark, scores, truth)
        subsets = {
            board.slug: {**joints_of_rows(protocol, pair, scores, rows), **_parts(scores, sequence, truth, rows)}
            for board, rows in boards
            if board.tag
        }
        zero_errors = zero_prediction_errors(protocol, pair, scores)
        is_uneven = pair.truth.seen is not None
        frame = np.asarray(pair.truth.columns.get("frame", range(pair.count)))[: pair.count]
    report("Computing the intervals", 0.9)
    all_rows = np.ones(pair.count, bool)
    if not ranking_rules.is_disclosed(item.benchmark, int(scores.found.sum()), pair.count, is_subset=False):
        result, boards = _withheld(result), []
    else:
        result.content.update(official=list(result.official), **_parts(scores, sequence, truth, all_rows), boards=subsets)

    def contributions(rows: np.ndarray) -> dict[str, np.ndarray]:
        return frame_contributions(protocol, scores, rows) if is_uneven else {}

    scored = ScoredRows(scores, zero_errors, _clusters(truth, sequence), contributions)
    target = scratch / "made"
    target.mkdir()
    write_frame_values(
        target / FRAMES_FILE,
        found=scores.found,
        sequence=sequence,
        frame=frame,
        clusters=scored.clusters,
        metrics=scores.per_frame,
        zero_errors=zero_errors,
        contributions=contributions(all_rows),
    )
    store_folder(target, folder)
    return Scored(
        float(scores.found.mean()), result, partial(_values_under, scored=scored, report=result, boards=boards), folder
    )


def _values_under(
    revision: Revision, *, scored: ScoredRows, report: Report, boards: list[tuple[Board, np.ndarray]]
) -> list[tuple[Board, list[BoardValue], ClusterTable]]:
    """Values on boards by the revision's rule for missing hands."""
    rule = MissingHandRule(revision.missing == Benchmark.Missing.PENALISED, revision.penalty_mm)
    return [
        (board, board_values(rule, scored, report.metrics, rows), cluster_table(rule, scored, rows)) for board, rows in boards
    ]


def _prediction(item: Submission, truth: Truth, scratch: Path) -> Path:
    """The file that was sent; or one made of the runs, each named after the sequence that its upload shows."""
    if item.source:
        return fetch(item.source, scratch)
    runs = {str(run.upload_id): run for run in item.runs.select_related("prediction")}
    named = {entry["upload"]: entry["name"] for entry in truth.sequences}
    path = scratch / "prediction.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for upload, run in runs.items():
            if run.prediction is not None and upload in named:
                archive.write(fetch(f"{run.prediction.folder}/prediction.npz", scratch), f"{named[upload]}.npz")
        if not archive.namelist():
            raise WorkFailedError("None of the runs of this submission has succeeded.")
    return path


def _clusters(truth: Truth, sequence: np.ndarray) -> np.ndarray | None:
    """Number of each row's cluster: of those that the truth names, else its sequence; None where it is frames alone."""
    if truth.clusters:
        return row_labels(truth.clusters["ranges"], len(sequence))
    return sequence if truth.sequences else None


def _boards(benchmark: Benchmark, scores: Scores, truth: Truth) -> list[tuple[Board, np.ndarray]]:
    """The boards that have something to show, and their rows, bool [N]."""
    found = []
    for board in benchmark.boards.all():
        rows = rows_of(board, truth, len(scores.found))
        if ranking_rules.is_disclosed(benchmark, int(scores.found[rows].sum()), int(rows.sum()), is_subset=bool(board.tag)):
            found.append((board, rows))
    return found


def _withheld(report: Report) -> Report:
    """A report of so few hands that its values would be those of single frames: coverage and versions alone."""
    kept = ("official_units", "protocol", "truth", "prediction", "scorer", "coverage", "missing_policy", "counts")
    content = {name: report.content[name] for name in kept}
    content["flags"] = {"notes": [ranking_rules.WITHHELD]}
    return Report(dict.fromkeys(report.official), {}, content)


def _parts(scores: Scores, sequence: np.ndarray, truth: Truth, rows: np.ndarray) -> dict[str, Any]:
    """Of some rows, bool [N]: means by sequence, and histograms of errors."""
    means = by_sequence(scores, sequence, len(truth.sequences), rows)
    table = [{**entry, **part} for entry, part in zip(truth.sequences, means, strict=True) if part]
    return {"by_sequence": table, "histogram": error_histograms(scores, rows)}
