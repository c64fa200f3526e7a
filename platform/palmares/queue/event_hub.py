"""Reads the rows that open event streams watch: once for all streams of a web process, whoever watches them.

The row in the database is what is sent; a message in Redis only says that it is time to look. So a page is right even while
Redis is away, a few seconds late.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final
from uuid import UUID

import redis.asyncio
from django.conf import settings
from django.db import Error, connection
from redis.exceptions import RedisError

from palmares.queue.fairness import place_in_queue
from palmares.queue.models import Followed, followed_models
from palmares.queue.notifications import CHANNELS
from palmares.queue.waiting_times import seconds_left

logger = logging.getLogger(__name__)

LOOK_SECONDS: Final = 3.0
"""How often rows are looked at when nobody says that they changed."""
GATHER_SECONDS: Final = 0.1
"""How long changes are gathered before they are looked at."""
CHECK_SECONDS: Final = 3.0
"""How often it is checked that a stream's person is still signed in and may see its rows."""

LISTEN_SECONDS: Final = 1.0

Rows = dict[str, list[UUID]]
"""Ids by kind of work."""
InThread = Callable[..., Awaitable[Any]]


class Watch:
    """The rows that one stream watches, and what it has not been sent yet."""

    def __init__(self, rows: Rows, is_allowed: Callable[[], bool]) -> None:
        self.rows = rows
        self.is_allowed = is_allowed
        self.is_over = False
        self.checked_at = time.monotonic()
        self._seen: dict[UUID, dict[str, Any]] = {}
        self._unsent: dict[UUID, tuple[str, dict[str, Any]]] = {}
        self._news = asyncio.Event()

    def offer(self, states: dict[UUID, tuple[str, dict[str, Any]]]) -> None:
        """Take the states that are new to this stream; only the latest of each row is kept until it is sent."""
        for ids in self.rows.values():
            for pk in ids:
                if pk in states and self._seen.get(pk) != states[pk][1]:
                    self._seen[pk] = states[pk][1]
                    self._unsent[pk] = states[pk]
                    self._news.set()

    def end(self) -> None:
        """Nothing more is to be sent."""
        self.is_over = True
        self._news.set()

    async def news(self, seconds: float) -> list[tuple[str, dict[str, Any]]]:
        """(kind, state) of the rows that changed; empty where none did for so many seconds, or it is over."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._news.wait()
        self._news.clear()
        found, self._unsent = list(self._unsent.values()), {}
        return [] if self.is_over else found


class EventHub:
    """All watches of a process, and the one task that serves them; it runs while there are any.

    Args:
        in_thread: runs a function that needs the database in a thread.
    """

    def __init__(self, in_thread: InThread) -> None:
        self._in_thread = in_thread
        self._watches: set[Watch] = set()
        self._task: asyncio.Task[None] | None = None
        self._changed = asyncio.Event()

    def add(self, watch: Watch) -> None:
        """Begin to serve a watch."""
        self._watches.add(watch)
        if self._task is None or self._task.get_loop() is not asyncio.get_running_loop():
            self._changed = asyncio.Event()
            self._task = asyncio.create_task(self._serve())
        self._changed.set()

    def remove(self, watch: Watch) -> None:
        """Stop serving it."""
        self._watches.discard(watch)
        self._changed.set()

    async def _serve(self) -> None:
        listening = asyncio.create_task(self._listen())
        try:
            while self._watches:
                self._changed.clear()
                try:
                    await self._look()
                    await self._check()
                except Error as error:
                    logger.warning("no news for pages: the database is away (%s)", error)
                except Exception:
                    logger.exception("no news for pages")  # but later; the other streams are not to end for it
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_SECONDS):
                        await self._changed.wait()
                        await asyncio.sleep(GATHER_SECONDS)
        finally:
            if self._task is asyncio.current_task():
                self._task = None  # a watch that is added from here on is served by a new one
            listening.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await listening

    async def _check(self) -> None:
        now = time.monotonic()
        for watch in [w for w in self._watches if now - w.checked_at >= CHECK_SECONDS]:
            watch.checked_at = now
            if not await self._in_thread(watch.is_allowed):
                watch.end()

    async def _look(self) -> None:
        rows: dict[str, set[UUID]] = {}
        for watch in self._watches:
            for kind, ids in watch.rows.items():
                rows.setdefault(kind, set()).update(ids)
        states = await self._in_thread(read_states, rows)
        for watch in list(self._watches):
            watch.offer(states)

    async def _listen(self) -> None:
        """Look at once when a message names a row that is watched."""
        while self._watches:
            with contextlib.suppress(RedisError, RuntimeError):
                client = redis.asyncio.Redis.from_url(settings.REDIS_URL, socket_connect_timeout=1)
                async with client, client.pubsub(ignore_subscribe_messages=True) as messages:
                    await messages.psubscribe(CHANNELS)
                    while self._watches:
                        # with a time-out: redis-py may swallow a cancellation while it connects, and would wait for ever
                        message = await messages.get_message(timeout=LISTEN_SECONDS)
                        if message is None:
                            continue
                        pk = UUID(json.loads(message["data"])["id"])
                        if any(pk in ids for watch in self._watches for ids in watch.rows.values()):
                            self._changed.set()
            await asyncio.sleep(1.0)


def read_states(rows: dict[str, set[UUID]]) -> dict[UUID, tuple[str, dict[str, Any]]]:
    """(kind, state) of each row by its id. Gives the thread's connection back."""
    try:
        found = {}
        for kind, ids in rows.items():
            for item in kind_model(kind)._default_manager.filter(pk__in=ids) if ids else ():
                found[item.pk] = (kind, state_of(item))
        return found
    finally:
        connection.close()


def state_of(item: Any) -> dict[str, Any]:
    """A followed row's progress, as pages and the API show it."""
    work = item.work_item
    left = seconds_left(item=work) if work else None
    return {
        "id": item.pk,
        "status": getattr(item, "public_status", item.status),
        "stage": item.stage,
        "progress": round(item.progress, 3),
        "place": place_in_queue(item=work) if work else None,
        "seconds_left": None if left is None else round(left),
        "error": item.error,
    }


def kind_model(kind: str) -> type[Followed]:
    """The model of a kind of followed row by its name in lower case."""
    return next(model for model in followed_models() if model._meta.model_name == kind)
