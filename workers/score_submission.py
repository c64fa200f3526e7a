"""Scoring submissions: rows are read, `ml.metrics` scores them, and the results are written back under a revision."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from django.db import transaction

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
from ml.metrics.protocol import PROTOCOLS, Protocol
from ml.metrics.report import SCORER_VERSION, Report, build_report, joints_of_rows, scorer_sha256
from ml.metrics.scoring import Scores, score_pair
from ml.progress import ProgressCallback
from palmares.benchmarks import ranking_rules
from palmares.benchmarks.board_rows import rows_of
from palmares.benchmarks.models import Benchmark, Board, Revision, Truth
from palmares.benchmarks.services import shown_revision, start_revision
from palmares.media_storage import delete_stored_files
from palmares.queue.exceptions import WorkFailedError
from palmares.queue.models import Status
from palmares.submissions.models import FRAMES_FILE, ClusterMeans, MetricValue, Score, Submission
from palmares.submissions.rank_comparison import request_comparison
from palmares.submissions.services import local_files, truth_path
from workers.storage import fetch, keep_only, store_folder

_TWO_CORES_FROM: Final = 4000
"""Rows for which a second process pays."""


@dataclass(frozen=True)
class Scored:
    """A submission that has been scored and filed; its values on boards by the rule of a revision for missing hands."""

    coverage: float
    report: Report
    board_values: Callable[[Revision], list[tuple[Board, list[BoardValue], ClusterTable]]]
    folder: str


class Scoring:
    """The work of a submission."""

    def folder(self, item: Submission) -> str:
        return f"{item.storage_prefix}/scores-{item.lease}"

    def perform(self, item: Submission, scratch: Path, report: ProgressCallback) -> Callable[[], None]:
        """Score against the submission's truth."""
        scored = score_submission(item, item.truth, self.folder(item), scratch, report)
        return lambda: _publish_where_shown(item, scored)

    def discard(self, item: Submission) -> None:
        if not Score.objects.filter(folder=self.folder(item)).exists():
            delete_stored_files(self.folder(item))

    def cleanup(self, item: Submission) -> None:
        """Only what a score names is kept; of a deleted submission nothing."""
        if Submission.objects.not_deleted().filter(pk=item.pk).exists():
            folders = Score.objects.filter(submission=item.pk).values_list("folder", flat=True)
            keep_only(item.storage_prefix, *(folder.rsplit("/", 1)[-1] for folder in folders))
        else:
            delete_stored_files(item.storage_prefix)


class ScoringAgain:
    """The work of a revision: every submission of its benchmark, by today's recipe and scorer."""

    def folder(self, item: Revision) -> str:
        return f"benchmarks/{item.benchmark_id}/revisions/{item.lease}"

    def perform(self, item: Revision, scratch: Path, report: ProgressCallback) -> Callable[[], None]:
        """Score them one after the other. One that the truth does not fit any more stays without a score here."""
        found = list(Submission.objects.not_deleted().filter(benchmark=item.benchmark, status=Status.SUCCEEDED))
        done: list[tuple[Submission, Scored]] = []
        for index, submission in enumerate(found):
            part = _part(report, index / len(found), (index + 1) / len(found), f"Submission {index + 1} of {len(found)}: ")
            folder = f"{submission.storage_prefix}/scores-{item.lease}"
            own = scratch / str(index)
            own.mkdir()
            try:
                done.append((submission, score_submission(submission, item.truth, folder, own, part)))
            except WorkFailedError as error:
                part(str(error)[:60], 1.0)
        return lambda: _publish_all(item, done)

    def discard(self, item: Revision) -> None:
        for pk in Submission.objects.filter(benchmark=item.benchmark_id).values_list("pk", flat=True):
            folder = f"{Submission(pk=pk).storage_prefix}/scores-{item.lease}"
            if not Score.objects.filter(folder=folder).exists():
                delete_stored_files(folder)

    def cleanup(self, item: Revision) -> None:
        """Nothing but scores was made, and those are named."""


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

    def values(revision: Revision) -> list[tuple[Board, list[BoardValue], ClusterTable]]:
        rule = MissingHandRule(revision.missing == Benchmark.Missing.PENALISED, revision.penalty_mm)
        return [
            (board, board_values(rule, scored, result.metrics, rows), cluster_table(rule, scored, rows))
            for board, rows in boards
        ]

    return Scored(float(scores.found.mean()), result, values, folder)


@transaction.atomic
def _publish_where_shown(item: Submission, scored: Scored) -> None:
    """Under the newest revision; and under the one that boards show, while the newest waits to be looked at.

    That one's rule for missing hands is kept with it. Of another truth, recipe or scorer a submission has no score there.
    """
    newest, shown = revision_for(item.truth), shown_revision(item.benchmark)
    publish(item, newest, scored)
    if shown is not None and shown != newest and shown.truth_id == item.truth_id:
        now = versions(PROTOCOLS[item.benchmark.protocol])
        if not shown.scorer_version or _named(shown) == _named_as(now):
            publish(item, shown, scored)


@transaction.atomic
def publish(item: Submission, revision: Revision, scored: Scored) -> None:
    """Write a score with its values; one that was there under this revision gives way."""
    Score.objects.filter(submission=item, revision=revision).delete()
    score = Score.objects.create(
        submission=item,
        revision=revision,
        coverage=scored.coverage,
        report=scored.report.official,
        metrics=scored.report.metrics,
        content=scored.report.content,
        folder=scored.folder,
    )
    for board, values, table in scored.board_values(revision):
        MetricValue.objects.bulk_create(MetricValue(score=score, board=board, **asdict(value)) for value in values)
        means, counts = table.means.astype("<f4").tobytes(), table.counts.astype("<i4").tobytes()
        ClusterMeans.objects.create(score=score, board=board, metrics=table.metrics, means=means, counts=counts)
    request_comparison(revision=revision)


def versions(protocol: Protocol) -> dict[str, str]:
    """Of the recipe and the scorer that this code is."""
    return {
        "recipe_version": f"{protocol.version} ({protocol.sha256[:12]})",
        "scorer_version": f"{SCORER_VERSION} ({scorer_sha256()[:12]})",
    }


def revision_for(truth: Truth) -> Revision:
    """The newest revision of a truth by today's recipe and scorer; a new one, which scores everything, where they changed."""
    now = versions(PROTOCOLS[truth.benchmark.protocol])
    newest = truth.revisions.order_by("-number").first()
    if newest is not None and (not newest.scorer_version or _named(newest) == _named_as(now)):
        return newest
    return start_revision(benchmark=truth.benchmark, truth=truth)


@transaction.atomic
def notice_versions() -> list[Revision]:
    """Where recipe or scorer have changed since a benchmark was scored, score it again; what was begun.

    Benchmarks are locked, so that workers which start together begin a revision once.
    """
    begun = []
    list(Benchmark.objects.select_for_update().order_by("pk").values_list("pk"))
    for truth in Truth.objects.filter(status=Status.SUCCEEDED).select_related("benchmark"):
        newest = truth.benchmark.truths.filter(status=Status.SUCCEEDED).order_by("-version").first()
        last = truth.revisions.order_by("-number").first()
        now = versions(PROTOCOLS[truth.benchmark.protocol])
        if truth == newest and last is not None and last.scorer_version and _named(last) != _named_as(now):
            begun.append(start_revision(benchmark=truth.benchmark, truth=truth))
    return begun


def _named(revision: Revision) -> tuple[str, str]:
    """Versions without their hashes: a comment that changed is no reason to score again."""
    return revision.recipe_version.split(" ")[0], revision.scorer_version.split(" ")[0]


def _named_as(now: dict[str, str]) -> tuple[str, str]:
    return now["recipe_version"].split(" ")[0], now["scorer_version"].split(" ")[0]


def _publish_all(item: Revision, done: list[tuple[Submission, Scored]]) -> None:
    Revision.objects.filter(pk=item.pk).update(**versions(PROTOCOLS[item.benchmark.protocol]))
    for submission, scored in done:
        if Submission.objects.not_deleted().filter(pk=submission.pk).exists():
            publish(submission, item, scored)


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


def _part(report: ProgressCallback, start: float, end: float, prefix: str) -> ProgressCallback:
    return lambda stage, fraction: report(f"{prefix}{stage}"[:80], start + (end - start) * min(1.0, fraction))
