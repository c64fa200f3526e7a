"""Scoring all submissions of a benchmark again: start, publish and cancel revisions. Whoever acts is `by`.

A benchmark is locked while its revisions change or submissions are added, so that each submission is scored under each revision
it belongs to. Rows are locked in this order: benchmark, scorings, revision.
"""

from __future__ import annotations

from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import Max
from django.dispatch import Signal
from django.utils import timezone

from palmares.api.problems import ConflictError
from palmares.benchmarks.models import Benchmark, Revision, RevisionQuerySet, Truth
from palmares.queue.models import Status
from palmares.teams.models import Role, User
from palmares.teams.services import require_role

revision_started: Final = Signal()
"""Sent with a new `revision` in the transaction that makes it: its submissions are to be scored under it."""
revision_cancelled: Final = Signal()
"""Sent with a `revision` that takes no scores any more, before it is marked as cancelled."""


def lock_benchmark(pk: UUID | str) -> Benchmark:
    """The benchmark's row, locked until the transaction ends."""
    return Benchmark.objects.select_for_update(no_key=True).get(pk=pk)


def current_truth(benchmark: Benchmark) -> Truth | None:
    """The newest truth that was imported or is still being imported, and whose revision was not cancelled."""
    newest = benchmark.revisions.live().select_related("truth").order_by("-number").first()
    truths = benchmark.truths.exclude(status__in=(Status.FAILED, Status.CANCELLED)).order_by("-version")
    return newest.truth if newest else truths.first()


def imported_truth(benchmark: Benchmark) -> Truth | None:
    """The same, where it was imported; the one before it while it is being imported."""
    imported = benchmark.revisions.live().filter(truth__status=Status.SUCCEEDED).select_related("truth")
    newest = imported.order_by("-number").first()
    return newest.truth if newest else benchmark.truths.filter(status=Status.SUCCEEDED).order_by("-version").first()


def shown_revision(benchmark: Benchmark, number: int | None = None) -> Revision | None:
    """The newest published revision whose truth was imported, or the one of that number."""
    published = benchmark.revisions.live().filter(published_at__isnull=False, truth__status=Status.SUCCEEDED)
    published = published.select_related("truth").defer("truth__subsets")
    return (published if number is None else published.filter(number=number)).order_by("-number").first()


def scored_under(benchmark: Benchmark) -> RevisionQuerySet:
    """The revisions that a new submission is scored under: the shown one and the newer ones that may be shown later."""
    shown = shown_revision(benchmark)
    return benchmark.revisions.live().filter(number__gte=shown.number if shown else 0).order_by("number")


@transaction.atomic
def start_revision(*, benchmark: Benchmark, truth: Truth, recipe_version: int = 0, scorer_version: int = 0) -> Revision:
    """Score all submissions against a truth, by the benchmark's rule for missing hands.

    Args:
        benchmark: whose submissions.
        truth: of this benchmark.
        recipe_version: the oldest that may score; never older than those of earlier revisions.
        scorer_version: the same.
    """
    rule = lock_benchmark(benchmark.pk)
    last = benchmark.revisions.aggregate(number=Max("number"), recipe=Max("recipe_version"), scorer=Max("scorer_version"))
    revision = Revision.objects.create(
        benchmark=benchmark,
        truth=truth,
        number=1 + (last["number"] or 0),
        missing=rule.missing,
        penalty_mm=rule.penalty_mm,
        recipe_version=max(recipe_version, last["recipe"] or 0),
        scorer_version=max(scorer_version, last["scorer"] or 0),
    )
    revision_started.send(sender=Revision, revision=revision)
    if truth.status == Status.SUCCEEDED:
        truth_is_ready(truth=truth)
    return revision


@transaction.atomic
def truth_is_ready(*, truth: Truth) -> None:
    """What follows from a truth that can be scored against now.

    Its revision takes the place of older ones that were not published. It is published at once where the boards are empty;
    otherwise an owner looks at the new ranks first.
    """
    benchmark = lock_benchmark(truth.benchmark_id)
    ready = benchmark.revisions.live().filter(truth=truth).order_by("-number").first()
    shown = shown_revision(benchmark)
    if ready is None or (shown and shown.number >= ready.number):
        return
    if shown is None or not shown.scores.exists():  # type: ignore[attr-defined]  # of `submissions`
        Revision.objects.filter(pk=ready.pk, published_at=None).update(published_at=timezone.now())
    for older in benchmark.revisions.live().filter(published_at=None, number__lt=ready.number):
        _cancel(older)


@transaction.atomic
def score_again(*, benchmark: Benchmark, by: User) -> Revision:
    """Score all submissions against the newest truth; owners of the benchmark's team only.

    Raises:
        ConflictError: there is no truth, or such work is under way.
    """
    require_role(user=by, team=benchmark.team, role=Role.OWNER)
    lock_benchmark(benchmark.pk)
    truth = current_truth(benchmark)
    if truth is None:
        raise ConflictError("This benchmark has no ground truth yet.")
    waiting = benchmark.revisions.live().filter(published_at=None).select_related("truth")
    if any(not revision.is_final for revision in waiting):
        raise ConflictError("Its submissions are already being re-scored.")
    return start_revision(benchmark=benchmark, truth=truth)


@transaction.atomic
def publish_revision(*, revision: Revision, by: User) -> None:
    """Let the boards show a revision; owners of the benchmark's team only.

    Raises:
        ConflictError: not all its submissions have been scored, or none of them could be.
    """
    require_role(user=by, team=revision.benchmark.team, role=Role.OWNER)
    lock_benchmark(revision.benchmark_id)
    revision.refresh_from_db()
    if revision.status != Status.SUCCEEDED:
        raise ConflictError(f"This revision is {revision.status}; it can be published when all submissions are scored.")
    found = revision.scoring_progress
    if found.total and not found.scored:
        raise ConflictError("No submission could be scored under this revision; the boards would be empty.")
    Revision.objects.filter(pk=revision.pk, published_at=None).update(published_at=timezone.now())


@transaction.atomic
def cancel_revision(*, revision: Revision, by: User) -> None:
    """Stop scoring under a revision that was not published; owners of the benchmark's team only.

    Raises:
        ConflictError: it was published, or is over.
    """
    require_role(user=by, team=revision.benchmark.team, role=Role.OWNER)
    lock_benchmark(revision.benchmark_id)
    revision.refresh_from_db()
    if revision.published_at is not None:
        raise ConflictError("This revision is published; only one that is not can be cancelled.")
    if revision.status in (Status.CANCELLED, Status.FAILED):
        raise ConflictError(f"This is already {revision.status}; there is nothing to cancel.")
    _cancel(revision)


def _cancel(revision: Revision) -> None:
    revision_cancelled.send(sender=Revision, revision=revision)
    Revision.objects.filter(pk=revision.pk).update(cancelled_at=timezone.now())
