"""Which scorings there are: one for each submission and each revision that it belongs to.

Callers hold the lock on the benchmark (`palmares.benchmarks.revisions`), so that no submission and no revision is missed.
"""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.dispatch import receiver

from palmares.api.problems import ConflictError
from palmares.benchmarks.models import Revision
from palmares.benchmarks.revisions import (
    current_truth,
    lock_benchmark,
    revision_cancelled,
    revision_started,
    scored_under,
    start_revision,
)
from palmares.queue import services as queue
from palmares.queue.models import Status
from palmares.submissions.models import Scoring, Submission
from palmares.teams.models import Role, User
from palmares.teams.services import require_role


def score_under_all(submission: Submission) -> None:
    """Queue the scorings of a new submission, or those of an older one that failed or were cancelled."""
    revisions = list(scored_under(submission.benchmark))
    if not revisions and (truth := current_truth(submission.benchmark)) is not None:
        revisions = [start_revision(benchmark=submission.benchmark, truth=truth)]
    there = {scoring.revision_id: scoring for scoring in submission.scorings.filter(revision__in=revisions)}
    for revision in revisions:
        scoring = there.get(revision.pk) or Scoring(submission=submission, revision=revision)
        if scoring.revision_id not in there or scoring.status in (Status.FAILED, Status.CANCELLED):
            queue.enqueue(item=scoring)


def cancel_scorings(submission: Submission) -> None:
    """Stop all scorings of a submission that have not ended."""
    queue.cancel_all(items=submission.scorings.all())


@transaction.atomic
def retry_failed_scorings(*, revision: Revision, by: User) -> int:
    """Queue the scorings under a revision that failed again; owners of the benchmark's team only.

    Returns:
        How many.

    Raises:
        ConflictError: the revision takes no scores any more, or none of its scorings failed.
    """
    require_role(user=by, team=revision.benchmark.team, role=Role.OWNER)
    lock_benchmark(revision.benchmark_id)
    revision.refresh_from_db()
    if revision.status in (Status.CANCELLED, Status.FAILED):
        raise ConflictError(f"This revision is {revision.status}; nothing is scored under it any more.")
    failed = list(Scoring.objects.filter(revision=revision, status=Status.FAILED, submission__deleted_at=None))
    if not failed:
        raise ConflictError("No submission failed under this revision.")
    for scoring in failed:
        queue.enqueue(item=scoring)
    return len(failed)


@receiver(revision_started)
def _score_all(revision: Revision, **_: Any) -> None:
    """A scoring for every submission that was scored under an earlier revision, or waits for that."""
    submissions = Submission.objects.not_deleted().taking_quota().filter(benchmark=revision.benchmark_id)
    queue.enqueue_new(
        items=[Scoring(submission=submission, revision=revision) for submission in submissions.order_by("created_at")]
    )


@receiver(revision_cancelled)
def _cancel_all(revision: Revision, **_: Any) -> None:
    queue.cancel_all(items=Scoring.objects.filter(revision=revision))
