"""Tells the web and the reaper which queues this worker serves, for as long as it takes work."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import Final

import redis

from palmares.queue.routing import announce_queues

logger = logging.getLogger(__name__)

ANNOUNCE_SECONDS: Final = 3.0


def keep_announcing(queues: Sequence[str], is_stopping: Callable[[], bool]) -> None:
    """Announce from a thread of the worker's parent process; the last announcement expires when the process ends."""
    threading.Thread(target=_announce, args=(queues, is_stopping), name="announcement", daemon=True).start()


def _announce(queues: Sequence[str], is_stopping: Callable[[], bool]) -> None:
    while not is_stopping():
        try:
            announce_queues(queues=queues)
        except redis.RedisError as error:
            logger.warning("the queues of this worker cannot be announced: %s", error)
        time.sleep(ANNOUNCE_SECONDS)
