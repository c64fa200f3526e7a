"""Messages that wake workers, and the channel by which open pages hear of changes. Both may be away: then others poll."""

from __future__ import annotations

import json
import logging
from functools import cache
from typing import Any
from uuid import UUID

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

logger = logging.getLogger(__name__)
TIMEOUT_SECONDS = 0.4
CHANNELS = "palmares:team:*"
"""Pattern of every team's channel."""


def notify_workers(*, task: str, queue: str, pk: UUID) -> bool:
    """Put a message that names a row into the broker's queue; whether that worked. Never raises, takes less than a second."""
    try:
        broker().ping()  # a broker that is away is noticed here, at once; Celery would try for minutes
        _producer().send_task(task, args=[str(pk)], queue=queue, ignore_result=True, retry=False)
    except Exception as error:
        logger.warning("the broker cannot be told of %s %s (%s); the reaper will", task, pk, error)
        return False
    return True


def count_messages(*, queue: str) -> int | None:
    """How many messages nobody has taken yet; None while the broker is away."""
    try:
        return int(broker().llen(queue))  # type: ignore[arg-type]
    except redis.RedisError:
        return None


def announce(*, team_id: UUID | None, kind: str, pk: UUID) -> None:
    """Tell open pages of a team that a row has changed."""
    try:
        broker().publish(channel(team_id), json.dumps({"kind": kind, "id": str(pk)}))
    except redis.RedisError as error:
        logger.debug("nobody hears of %s %s: %s", kind, pk, error)


def channel(team_id: UUID | None) -> str:
    """Name of a team's channel."""
    return f"palmares:team:{team_id}"


@cache
def broker() -> redis.Redis:
    """The connection to the broker; it gives up after less than a second."""
    return redis.Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=TIMEOUT_SECONDS,
        socket_connect_timeout=TIMEOUT_SECONDS,
        retry=Retry(NoBackoff(), 1),
    )


@cache
def _producer() -> Any:
    from celery import Celery  # noqa: PLC0415 - takes time that only senders should spend

    producer = Celery("palmares.queue", broker=settings.CELERY_BROKER_URL, set_as_current=False)
    producer.conf.update(
        task_create_missing_queues=True,
        broker_transport_options={"socket_timeout": TIMEOUT_SECONDS, "socket_connect_timeout": TIMEOUT_SECONDS},
    )
    return producer
