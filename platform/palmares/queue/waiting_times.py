"""For how long work has been queued, and how long running work still takes."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Min

from palmares.queue.clock import database_now
from palmares.queue.models import Status, WorkItem, work_models


def seconds_left(*, item: WorkItem, now: datetime | None = None) -> float | None:
    """Time to go if it goes on as it went so far; None before that can be told."""
    if item.status != Status.RUNNING or item.started_at is None or item.progress < 0.05:
        return None
    elapsed = ((now or database_now()) - item.started_at).total_seconds()
    return max(0.0, elapsed * (1 - item.progress) / item.progress)


def oldest_queued_seconds() -> float:
    """For how long the row that could start longest ago has been waiting; 0 where none waits."""
    waiting = (
        m._default_manager.filter(m.claimable(), status=Status.QUEUED).aggregate(since=Min("queued_at")) for m in work_models()
    )
    since = min((found["since"] for found in waiting if found["since"]), default=None)
    return (database_now() - since).total_seconds() if since else 0.0
