"""When the submissions of a revision are compared with each other again, and which of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.db.models.signals import post_save
from django.dispatch import receiver

from palmares.benchmarks.models import Benchmark, Revision
from palmares.benchmarks.revisions import shown_revision
from palmares.queue import services as queue
from palmares.queue.models import FINAL_STATUSES, Status
from palmares.submissions.models import RankComparison, Submission


@transaction.atomic
def request_comparison(*, revision: Revision) -> None:
    """Have the submissions of a revision compared once this is committed; many requests are answered by one comparison."""
    row, is_new = RankComparison.objects.get_or_create(revision=revision)
    row = RankComparison.objects.select_for_update(of=("self",)).get(pk=row.pk)
    if is_new or row.is_final:
        queue.enqueue(item=row)
    elif row.status == Status.RUNNING:
        RankComparison.objects.filter(pk=row.pk).update(is_outdated=True)


@transaction.atomic
def request_outdated_again(comparisons: QuerySet[RankComparison]) -> None:
    """Queue those that were overtaken while a worker was at them."""
    for row in comparisons.filter(is_outdated=True, status__in=FINAL_STATUSES).select_for_update(of=("self",)):
        row.is_outdated = False
        queue.enqueue(item=row)


def request_comparisons_with(submission: Submission) -> None:
    """Have every revision compared again in which a submission has a score."""
    for revision in Revision.objects.filter(scores__submission=submission):
        request_comparison(revision=revision)


def compared_submissions(benchmark: Benchmark) -> QuerySet[Submission]:
    """Those that everyone who sees the benchmark may see: the public ones; all of them where only its team sees it."""
    found = Submission.objects.not_deleted().filter(benchmark=benchmark)
    return found if benchmark.visibility == Benchmark.Visibility.TEAM else found.filter(is_public=True)


@receiver(post_save, sender=Benchmark)
def _compare_what_others_see(instance: Benchmark, update_fields: Iterable[str] | None = None, **_: Any) -> None:
    revision = shown_revision(instance) if {"visibility", "primary_metric"} & set(update_fields or ()) else None
    if revision is not None:
        request_comparison(revision=revision)
