"""Live progress: server-sent events about the rows a page shows. An open stream takes no thread and no connection."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections import Counter
from typing import Any, Final, cast
from urllib.parse import parse_qs
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db import connection

from palmares.api.authentication import user_id_of
from palmares.api.callers import Callers, credential
from palmares.api.refusals import Application, Receive, RefusedError, Scope, Send
from palmares.queue.event_hub import EventHub, Rows, Watch, kind_model
from palmares.queue.models import followed_models

PATH: Final = "/api/v1/events/"
MAX_ROWS: Final = 200
SILENCE_SECONDS: Final = 15.0
"""Longest silence; then a comment keeps proxies from closing the connection."""
STREAM_SECONDS: Final = 600.0
"""After this the page connects again."""
SEND_SECONDS: Final = 30.0
"""How long a reader may take for one event."""
STREAMS_PER_PERSON: Final = 5
"""Browsers open six connections to a server over HTTP/1.1: one is left for pages."""
STREAMS: Final = 300
"""Of a web process."""
STARTING: Final = 100
"""Streams of a web process whose right to be opened is being checked."""


class EventStreams:
    """ASGI middleware: `GET /api/v1/events/?uploads=id,id&runs=id,id` sends `event: upload` with a row's state on each change.

    Rows that the caller may not see are left out in silence. A stream ends within seconds of the session, the token, the
    account or the membership it was opened with. 429 for a person's sixth stream, 503 where the process has too many: pages
    then ask for their rows every other second.
    """

    def __init__(self, application: Application, *, callers: Callers) -> None:
        self.application = application
        self.callers = callers
        self.hub = EventHub(callers.in_thread)
        self._open: Counter[int] = Counter()
        self._starting = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] != PATH:
            await self.application(scope, receive, send)
            return
        if scope["method"] != "GET":
            raise RefusedError(405, "Events are read with GET.", headers={"Allow": "GET"})
        rows = _wanted(scope)
        user_id, visible = await self._start(scope, rows)
        if self._open[user_id] >= STREAMS_PER_PERSON:
            raise RefusedError(429, f"A person has {STREAMS_PER_PERSON} event streams at most: close one.", retry_after=30)
        if self._open.total() >= STREAMS:
            raise RefusedError(503, "This server has as many event streams as it can serve.", retry_after=30)
        self._open[user_id] += 1
        try:
            await self._stream(Watch(visible, lambda: _is_allowed(scope, user_id, visible)), receive, send)
        finally:
            self._open[user_id] -= 1
            if not self._open[user_id]:
                del self._open[user_id]

    async def _start(self, scope: Scope, rows: Rows) -> tuple[int, Rows]:
        """Whose stream it is, and which of the rows they may see."""
        if not credential(scope):
            raise RefusedError(401, "Sign in, or send a bearer token.")
        if self._starting >= STARTING:
            raise RefusedError(503, "Too many event streams are being opened.", retry_after=3)
        self._starting += 1
        try:
            user_id = await self.callers.in_thread(user_id_of, scope)
            if user_id is None:
                raise RefusedError(401, "This token or session is not valid any more: sign in again.")
            return user_id, await self.callers.in_thread(_visible, rows, user_id)
        finally:
            self._starting -= 1

    async def _stream(self, watch: Watch, receive: Receive, send: Send) -> None:
        headers = [
            (b"content-type", b"text/event-stream"),
            (b"cache-control", b"no-store"),
            (b"x-accel-buffering", b"no"),
            (b"x-content-type-options", b"nosniff"),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        sending = asyncio.create_task(_send_news(watch, send))
        leaving = asyncio.create_task(_until_gone(receive))
        self.hub.add(watch)
        try:
            await asyncio.wait((sending, leaving), return_when=asyncio.FIRST_COMPLETED)
        finally:
            self.hub.remove(watch)
            for task in (sending, leaving):
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError, OSError, TimeoutError):
                    await task


async def _send_news(watch: Watch, send: Send) -> None:
    async def write(text: str, *, more: bool = True) -> None:
        async with asyncio.timeout(SEND_SECONDS):
            await send({"type": "http.response.body", "body": text.encode(), "more_body": more})

    end = time.monotonic() + STREAM_SECONDS
    await write("retry: 2000\n\n")
    while (left := end - time.monotonic()) > 0 and not watch.is_over:
        events = await watch.news(min(left, SILENCE_SECONDS))
        for kind, state in events:
            await write(f"event: {kind}\ndata: {json.dumps({**state, 'id': str(state['id'])})}\n\n")
        if not events and not watch.is_over:
            await write(": still here\n\n")
    await write("", more=False)


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _wanted(scope: Scope) -> Rows:
    query = parse_qs(scope.get("query_string", b"").decode("latin-1"))
    wanted: Rows = {}
    for model in followed_models():
        kind = str(model._meta.model_name)
        texts = [text for value in query.get(f"{kind}s", []) for text in value.split(",") if text]
        try:
            wanted[kind] = [UUID(text) for text in texts]
        except ValueError as error:
            raise RefusedError(400, f"`{kind}s` are ids with commas between them; {error}.") from error
    if sum(map(len, wanted.values())) > MAX_ROWS:
        raise RefusedError(400, f"At most {MAX_ROWS} rows can be watched at once.")
    return wanted


def _visible(rows: Rows, user_id: int) -> Rows:
    """What is left of `rows` for this person. Gives the thread's connection back."""
    try:
        user = get_user_model()._default_manager.get(pk=user_id)
        return {
            kind: list(
                cast(Any, kind_model(kind)._default_manager).visible_to(user).filter(pk__in=ids).values_list("pk", flat=True)
            )
            for kind, ids in rows.items()
            if ids
        }
    finally:
        connection.close()


def _is_allowed(scope: Scope, user_id: int, rows: Rows) -> bool:
    """Whether the credential still is this person's, and they may see all of the rows that are still there."""
    if user_id_of(scope) != user_id:
        return False
    visible = _visible(rows, user_id)
    hidden = {kind: set(ids) - set(visible.get(kind, ())) for kind, ids in rows.items()}
    try:
        return not any(kind_model(kind)._default_manager.filter(pk__in=ids).exists() for kind, ids in hidden.items() if ids)
    finally:
        connection.close()
