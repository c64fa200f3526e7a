"""The work of a `Scoring`: one submission under one revision; and new revisions where recipe or scorer have changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from uuid import UUID

from django.db import transaction

from ml.metrics.protocol import PROTOCOLS
from ml.metrics.report import SCORER_VERSION
from ml.progress import ProgressCallback
from palmares.benchmarks.models import Benchmark, Revision
from palmares.benchmarks.revisions import lock_benchmark, start_revision
from palmares.media_storage import delete_stored_files
from palmares.queue.exceptions import WorkerTooOldError
from palmares.queue.models import Status
from palmares.submissions.models import ClusterMeans, MetricValue, Score, Scoring, Submission
from palmares.submissions.rank_comparison import request_comparison
from workers.score_submission import Scored, score_submission


class ScoringWork:
    """Scores one submission against the truth of one revision."""

    def folder(self, item: Scoring) -> str:
        return f"{item.storage_prefix}/{item.lease}"

    def perform(self, item: Scoring, scratch: Path, report: ProgressCallback) -> Callable[[], None]:
        _check_version(item.revision)
        scored = score_submission(item.submission, item.revision.truth, self.folder(item), scratch, report)
        return lambda: publish(item, scored)

    def discard(self, item: Scoring) -> None:
        folder = self.folder(item)
        if not Submission.objects.filter(pk=item.submission_id).exists():  # deleted with its benchmark
            delete_stored_files(Submission(pk=item.submission_id).storage_prefix)
        elif not Score.objects.filter(folder=folder).exists():
            delete_stored_files(folder)

    def cleanup(self, item: Scoring) -> None:
        """Leftovers are removed with the row's end; what is left to do is to notice that this worker is a newer one."""
        for benchmark in Submission.objects.filter(pk=item.submission_id).values_list("benchmark_id", flat=True):
            keep_up(benchmark)


@transaction.atomic
def publish(item: Scoring, scored: Scored) -> None:
    """Write the score with its values; one that was there under this revision gives way."""
    revision = Revision.objects.select_for_update(no_key=True).get(pk=item.revision_id)
    _check_version(revision)
    if not revision.scores.exists():
        _set_version(revision)
    Score.objects.filter(submission=item.submission_id, revision=revision).delete()
    score = Score.objects.create(
        submission=item.submission,
        revision=revision,
        coverage=scored.coverage,
        report=scored.report.official,
        metrics=scored.report.metrics,
        content=scored.report.content,
        folder=scored.folder,
    )
    for board, values, table in scored.board_values(revision):
        MetricValue.objects.bulk_create(MetricValue(score=score, board=board, **asdict(value)) for value in values)
        if not table.metrics:
            continue
        means, counts = table.means.astype("<f4").tobytes(), table.counts.astype("<i4").tobytes()
        ClusterMeans.objects.create(score=score, board=board, metrics=table.metrics, means=means, counts=counts)
    request_comparison(revision=revision)


def versions(benchmark: Benchmark) -> tuple[int, int]:
    """Recipe and scorer that this code is; newer ones have larger numbers."""
    return int(PROTOCOLS[benchmark.protocol].version), int(SCORER_VERSION)


@transaction.atomic
def keep_up(benchmark_id: UUID) -> Revision | None:
    """Score a benchmark's submissions again, if this worker has a newer recipe or scorer than its newest revision.

    A revision that was cancelled counts: what an owner stopped is not started again. One whose truth cannot be read does not.

    Returns:
        The revision that was started.
    """
    if not Benchmark.objects.filter(pk=benchmark_id).exists():
        return None
    benchmark = lock_benchmark(benchmark_id)
    known = benchmark.revisions.exclude(truth__status__in=(Status.FAILED, Status.CANCELLED)).order_by("-number")
    newest = known.select_related("truth").first()
    recipe, scorer = versions(benchmark)
    if newest is None or recipe < newest.recipe_version or scorer < newest.scorer_version:
        return None
    if (recipe, scorer) == (newest.recipe_version, newest.scorer_version):
        return None
    if newest.scores.exists():
        return start_revision(benchmark=benchmark, truth=newest.truth, recipe_version=recipe, scorer_version=scorer)
    Revision.objects.select_for_update(no_key=True).get(pk=newest.pk)
    if not newest.scores.exists():  # still; another worker may have published the first score before the lock
        _set_version(newest)
    return None


def keep_all_up() -> list[Revision]:
    """`keep_up` for every benchmark; every worker that starts does this."""
    started = [keep_up(pk) for pk in Benchmark.objects.order_by("pk").values_list("pk", flat=True)]
    return [revision for revision in started if revision is not None]


def _check_version(revision: Revision) -> None:
    recipe, scorer = versions(revision.benchmark)
    if recipe < revision.recipe_version or scorer < revision.scorer_version:
        raise WorkerTooOldError(f"Waits for a worker with scorer {revision.scorer_version}, recipe {revision.recipe_version}")


def _set_version(revision: Revision) -> None:
    """Nothing was scored under it yet: from now on it is scored by this recipe and scorer, or newer ones."""
    recipe, scorer = versions(revision.benchmark)
    Revision.objects.filter(pk=revision.pk).update(recipe_version=recipe, scorer_version=scorer)
