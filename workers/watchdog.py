"""Ends a worker that has stopped listening: Celery's consumer has been seen to hang after its broker restarted."""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from typing import Final

logger = logging.getLogger(__name__)

LOOK_SECONDS: Final = 5.0
DEAF_SECONDS: Final = 10.0
"""How long messages may lie in the queue while this worker has nothing to do."""
START_SECONDS: Final = 120.0
"""How long it may take to begin to listen: a loaded machine needs a minute to import what workers need."""


def watch(queues: list[str]) -> None:
    """Watch from a thread of the worker's parent process; whoever started the worker starts it again."""
    threading.Thread(target=_watch, args=(queues,), name="watchdog", daemon=True).start()


def _watch(queues: list[str]) -> None:
    import redis  # noqa: PLC0415 - with Celery's state, after the environment is set
    from celery import signals  # noqa: PLC0415
    from celery.worker import state  # noqa: PLC0415
    from django.conf import settings  # noqa: PLC0415

    is_ready = threading.Event()
    signals.worker_ready.connect(lambda **_: is_ready.set(), weak=False)
    is_ready.wait(START_SECONDS)

    deaf_since: float | None = None
    with redis.Redis.from_url(settings.REDIS_URL, socket_timeout=LOOK_SECONDS) as client:
        while True:
            time.sleep(LOOK_SECONDS)
            try:
                waiting = sum(int(client.llen(queue)) for queue in queues)  # type: ignore[arg-type]
            except redis.RedisError:
                deaf_since = None
                continue
            if not waiting or state.reserved_requests:
                deaf_since = None
                continue
            deaf_since = deaf_since or time.monotonic()
            if time.monotonic() - deaf_since > DEAF_SECONDS:
                logger.critical("%d messages wait and this worker does not take them; it ends, to be started again", waiting)
                os.kill(os.getpid(), signal.SIGKILL)
