"""Whose turn it is: what people asked for first, then teams in turns, then whatever has waited longest.

A message in the broker wakes a worker; the worker takes the row whose turn it is, which need not be the one that the message
names. There is a message a row, so all are taken.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db.models import Case, Count, F, IntegerField, Max, Q, QuerySet, Value, When

from palmares.queue.clock import database_now
from palmares.queue.models import Status, WorkItem, work_models
from palmares.queue.routing import queue_of, queues_of

PATIENCE: Final = timedelta(hours=1)
"""After so long, work that nobody asked for counts as if somebody had, or a busy server would never do it."""
REMEMBERED: Final = timedelta(days=1)
"""How long ago a row may have been queued to count as a team's last turn."""


def fair_order(*, queue: str) -> list[tuple[type[WorkItem], UUID]]:
    """Claimable rows of a queue, one a team and kind of work, in the order in which workers should take them."""
    now = database_now()
    teams_turns, running = _turns(queue, now)
    waiting: list[tuple[Any, type[WorkItem], UUID]] = []
    for model in _models(queue):
        rows = _queued(model, queue, now).order_by("is_later", "of_team", "queued_at", "pk").distinct("is_later", "of_team")
        for later, team, queued_at, pk in rows.values_list("is_later", "of_team", "queued_at", "pk"):
            last = teams_turns.get(team, datetime.min.replace(tzinfo=UTC))
            waiting.append(((later, running[team], last, queued_at, str(pk)), model, pk))
    return [(model, pk) for _, model, pk in sorted(waiting, key=lambda entry: entry[0])]


def place_in_queue(*, item: WorkItem) -> int | None:
    """How many rows will be taken before this one is, itself included (1: it is next), as if teams took turns.

    None where it is not queued, or postponed.
    """
    if item.status != Status.QUEUED:
        return None
    now, queue = database_now(), queue_of(item)
    if item.not_before is not None and item.not_before > now:
        return None
    own = (
        type(item)._default_manager.filter(pk=item.pk).annotate(is_later=_later(type(item), now), of_team=F(item.TEAM)).first()
    )
    if own is None:
        return None
    earlier = Q(queued_at__lt=own.queued_at) | Q(queued_at=own.queued_at, pk__lt=own.pk)
    before = own_before = 0
    others: Counter[Any] = Counter()
    first: Counter[Any] = Counter()
    for model in _models(queue):
        rows = _queued(model, queue, now)
        before += rows.filter(is_later__lt=own.is_later).count()
        same = rows.filter(is_later=own.is_later)
        own_before += same.filter(earlier, of_team=own.of_team).count()
        counts = (
            same.exclude(of_team=own.of_team)
            .order_by()
            .values_list("of_team")
            .annotate(all=Count("pk"), older=Count("pk", filter=earlier))
        )
        for team, count, older in counts:
            others[team] += count
            first[team] += older
    turns = sum(min(count, own_before + (first[team] > own_before)) for team, count in others.items())
    return 1 + before + own_before + turns


def _turns(queue: str, now: datetime) -> tuple[dict[Any, datetime], Counter[Any]]:
    """When each team last had a turn, and how many of its rows are being worked on."""
    last: dict[Any, datetime] = {}
    running: Counter[Any] = Counter()
    for model in _models(queue):
        manager = model._default_manager
        recent = manager.filter(queued_at__gte=now - REMEMBERED, started_at__isnull=False).order_by().values_list(model.TEAM)
        for team, started in recent.annotate(started=Max("started_at")):
            last[team] = max(started, last.get(team, started))
        for team, count in manager.filter(status=Status.RUNNING).order_by().values_list(model.TEAM).annotate(count=Count("pk")):
            running[team] += count
    return last, running


def _queued(model: type[WorkItem], queue: str, now: datetime) -> QuerySet[Any]:
    rows = model._default_manager.filter(queues_of(model).get(queue, Q(pk__in=())), model.claimable(), status=Status.QUEUED)
    return rows.annotate(is_later=_later(model, now), of_team=F(model.TEAM))


def _later(model: type[WorkItem], now: datetime) -> Case:
    """1 where nobody asked for the work and it can wait, else 0."""
    waits = When(model.nobody_asked_for() & Q(queued_at__gte=now - PATIENCE), then=Value(1))
    return Case(waits, default=Value(0), output_field=IntegerField())


def _models(queue: str) -> Iterable[type[WorkItem]]:
    return (model for model in work_models() if queue in queues_of(model))
