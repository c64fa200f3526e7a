"""How long queued work has to wait, and how long running work still takes."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Min, Q

from palmares.queue.clock import database_now
from palmares.queue.models import Status, WorkItem, work_models


def place_in_queue(*, item: WorkItem) -> int | None:
    """How many rows will be taken before this one is, itself included (1: it is next); None where it is not queued."""
    if item.status != Status.QUEUED:
        return None
    earlier = Q(queued_at__lt=item.queued_at) | Q(queued_at=item.queued_at, id__lt=item.pk)
    same_queue = [model for model in work_models() if item.QUEUE == model.QUEUE]
    return 1 + sum(m._default_manager.filter(m.startable(), earlier, status=Status.QUEUED).count() for m in same_queue)


def seconds_left(*, item: WorkItem, now: datetime | None = None) -> float | None:
    """Time to go if it goes on as it went so far; None before that can be told."""
    if item.status != Status.RUNNING or item.started_at is None or item.progress < 0.05:
        return None
    elapsed = ((now or database_now()) - item.started_at).total_seconds()
    return max(0.0, elapsed * (1 - item.progress) / item.progress)


def oldest_queued_seconds() -> float:
    """For how long the row that could start longest ago has been waiting; 0 where none waits."""
    waiting = (
        m._default_manager.filter(m.startable(), status=Status.QUEUED).aggregate(since=Min("queued_at")) for m in work_models()
    )
    since = min((found["since"] for found in waiting if found["since"]), default=None)
    return (database_now() - since).total_seconds() if since else 0.0
