"""Which queue a row's message goes to: `gpu` where the row prefers it and a live worker announces it, else `cpu`.

Workers announce their queues by keys in Redis that expire. Losing them sends work to `cpu` until the next announcement.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import redis
from django.db.models import Q

from palmares.queue.models import Status, WorkItem, work_models
from palmares.queue.notifications import broker

GPU: Final = "gpu"
ANNOUNCED_SECONDS: Final = 20.0
"""How long an announcement lasts; workers repeat it every few seconds."""
MARGIN_SECONDS: Final = 5.0
"""For so long before an announcement expires nothing is sent to its queue any more, so that `take_back` misses no message."""


def announce_queues(*, queues: Iterable[str], seconds: float = ANNOUNCED_SECONDS) -> None:
    """Say that a worker serves these queues, for so many seconds from now.

    Raises:
        redis.RedisError: the broker is away.
    """
    pipeline = broker().pipeline()
    for queue in queues:
        pipeline.set(_live(queue), 1, px=int(1000 * seconds))
        pipeline.set(_known(queue), 1)
    pipeline.execute()


def is_served(queue: str) -> bool:
    """Whether a live worker announces a queue; not while the broker is away."""
    try:
        left: int = broker().pttl(_live(queue))  # type: ignore[assignment]
    except redis.RedisError:
        return False
    return left > 1000 * MARGIN_SECONDS


def queues_of(model: type[WorkItem]) -> dict[str, Q]:
    """The queues that rows of a kind go to at present, and which rows go to which."""
    if not is_served(GPU):
        return {model.QUEUE: Q()}
    return {model.QUEUE: ~model.preferring_gpu(), GPU: model.preferring_gpu()}


def queue_of(item: WorkItem) -> str:
    """The queue that a row goes to at present."""
    model = type(item)
    prefers_gpu = model._default_manager.filter(model.preferring_gpu(), pk=item.pk).exists()
    return GPU if prefers_gpu and is_served(GPU) else item.QUEUE


def take_back() -> bool:
    """Once after the last worker with a GPU is gone: count queued rows that prefer one as not notified; whether it was so.

    The reaper then notifies others of them. Messages that are left in the queue `gpu` do no harm: they only wake workers.
    """
    try:
        if not broker().exists(_known(GPU)) or broker().exists(_live(GPU)):
            return False
        for model in work_models():
            model._default_manager.filter(model.preferring_gpu(), status=Status.QUEUED).update(notified_at=None)
        broker().delete(_known(GPU))
    except redis.RedisError:
        return False
    return True


def _live(queue: str) -> str:
    return f"palmares:queue:{queue}:live"


def _known(queue: str) -> str:
    return f"palmares:queue:{queue}:known"
