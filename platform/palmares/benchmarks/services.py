"""What people do with benchmarks: make them, give them a truth, publish what was scored again. Whoever acts is `by`."""

from __future__ import annotations

from pathlib import PurePath
from secrets import token_hex
from typing import Any
from uuid import uuid4

from django.core.files.base import File
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import Max

from ml.catalog import METRICS, PROTOCOLS
from palmares.api.problems import InvalidError
from palmares.benchmarks.models import Benchmark, Board, Truth
from palmares.benchmarks.revisions import current_truth, lock_benchmark, score_again, start_revision
from palmares.media_storage import delete_stored_files
from palmares.queue import services as queue
from palmares.queue.models import Status
from palmares.teams.models import Role, Team, User
from palmares.teams.services import require_role
from palmares.teams.storage_quota import require_storage, reserve_storage
from palmares.uploads.services import check_size, clean_name

TRUTH_ENDINGS = (".zip", ".npz", ".json", ".txt")


@transaction.atomic
def create_benchmark(*, team: Team, by: User, slug: str, name: str, protocol: str, **facts: Any) -> Benchmark:
    """A new benchmark with one board of everything; owners of the team only.

    Raises:
        InvalidError: no such protocol or metric, or a benchmark that `by` sees has the slug; it gets a suffix where it clashes
            with another one.
    """
    require_role(user=by, team=team, role=Role.OWNER)
    if protocol not in PROTOCOLS:
        raise InvalidError(f"There is no protocol {protocol!r}; there are {', '.join(PROTOCOLS)}.", field="protocol")
    if Benchmark.objects.visible_to(by).filter(slug=slug).exists():
        raise InvalidError(f"The slug “{slug}” is taken.", field="slug")
    if Benchmark.objects.filter(slug=slug).exists():  # one that `by` is not to know of
        slug = f"{slug[:53]}-{token_hex(3)}"
    _check_metric(facts.get("primary_metric", "pa_mpjpe"))
    made = Benchmark.objects.create(team=team, created_by=by, slug=slug, name=name, protocol=protocol, **facts)
    Board.objects.create(benchmark=made, slug="all", name="All")
    return made


@transaction.atomic
def update_benchmark(*, benchmark: Benchmark, by: User, **facts: Any) -> Benchmark:
    """Change what a benchmark says of itself and its rules; owners of its team only. Its protocol stays.

    What missing hands cost is in every figure: with another rule everything is scored again.

    Raises:
        InvalidError: no such metric.
        ConflictError: the rule changes while everything is being scored again by the last one.
    """
    require_role(user=by, team=benchmark.team, role=Role.OWNER)
    _check_metric(facts.get("primary_metric", benchmark.primary_metric))
    before = lock_benchmark(benchmark.pk)
    for field, value in facts.items():
        setattr(benchmark, field, value)
    benchmark.save(update_fields=[*facts])
    is_other_rule = (before.missing, before.penalty_mm) != (benchmark.missing, benchmark.penalty_mm)
    if is_other_rule and current_truth(benchmark) is not None:
        score_again(benchmark=benchmark, by=by)
    return benchmark


@transaction.atomic
def delete_benchmark(*, benchmark: Benchmark, by: User) -> None:
    """Remove a benchmark with truth, submissions and scores; owners of its team only."""
    require_role(user=by, team=benchmark.team, role=Role.OWNER)
    for revision in benchmark.revisions.order_by("pk"):
        # a worker locks its scoring before it stores values: either they are there to be deleted, or it finds no scoring
        list(revision.scorings.select_for_update().order_by("pk").values_list("pk"))
    benchmark.delete()


def add_board(*, benchmark: Benchmark, by: User, slug: str, name: str, tag: str) -> Board:
    """One more ranking, of a subset of the truth; figures appear when the submissions are scored again.

    Raises:
        InvalidError: the slug is taken, or the truth has no such subset.
    """
    require_role(user=by, team=benchmark.team, role=Role.OWNER)
    if benchmark.boards.filter(slug=slug).exists():
        raise InvalidError(f"There is a board “{slug}” already.", field="slug")
    truth = current_truth(benchmark)
    if tag and truth is not None and truth.status == Status.SUCCEEDED and tag not in truth.subsets:
        there = f"there are {', '.join(truth.subsets)}" if truth.subsets else "it has none: its archive has no `subsets.json`"
        raise InvalidError(f"The ground truth has no subset “{tag}”; {there}.", field="tag")
    return Board.objects.create(benchmark=benchmark, slug=slug, name=name, tag=tag, position=benchmark.boards.count())


def add_truth(*, benchmark: Benchmark, by: User, file: File) -> Truth:
    """Take in a new version of the truth and queue its import; owners of the benchmark's team only.

    Raises:
        InvalidError, TooLargeError, StorageQuotaError: nothing is stored.
    """
    require_role(user=by, team=benchmark.team, role=Role.OWNER)
    name = clean_name(str(file.name))
    size = int(file.size or 0)
    check_size(name=name, size=size)
    ending = PurePath(name).suffix.lower()
    if ending not in TRUTH_ENDINGS:
        raise InvalidError(
            f"“{name}” ends in {ending or 'nothing'}; ground truth is one of {', '.join(TRUTH_ENDINGS)}.", field="file"
        )
    require_storage(team=benchmark.team, name=name, size=size)
    truth = Truth(id=uuid4(), benchmark=benchmark, size_bytes=size)
    prefix = truth.storage_prefix
    try:
        truth.source = default_storage.save(f"{prefix}/source{ending}", file)
        with transaction.atomic():
            lock_benchmark(benchmark.pk)
            reserve_storage(team=benchmark.team, name=name, size=size)
            enqueue_truth(truth=truth)
    except BaseException:
        delete_stored_files(prefix)
        raise
    return truth


@transaction.atomic
def enqueue_truth(*, truth: Truth) -> None:
    """Number a new truth, queue its import, and start the revision that scores all submissions against it."""
    benchmark = lock_benchmark(truth.benchmark_id)
    truth.version = 1 + (benchmark.truths.aggregate(last=Max("version"))["last"] or 0)
    queue.enqueue(item=truth)
    start_revision(benchmark=benchmark, truth=truth)


def _check_metric(name: str) -> None:
    if name.partition("@")[0] not in METRICS:
        raise InvalidError(f"There is no metric {name!r}; there are {', '.join(METRICS)}.", field="primary_metric")
