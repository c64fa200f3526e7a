"""Live progress: server-sent events about the rows a page shows.

The row in the database is what is sent; a message in the team's channel only says that it is time to look. So a page is
right even while Redis is away, a few seconds late.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator
from typing import Any, Final, cast
from uuid import UUID

import redis.asyncio
from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import connection
from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from redis.exceptions import RedisError
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from palmares.api.authentication import BearerAuthentication
from palmares.api.problems import problem_response
from palmares.queue.models import WorkItem, work_models
from palmares.queue.notifications import channel
from palmares.queue.services import place_in_queue, seconds_left

MAX_ROWS: Final = 200
LOOK_SECONDS: Final = 3.0
"""How often rows are looked at when nobody says that they changed."""
SILENCE_SECONDS: Final = 15.0
"""Longest silence; then a comment keeps proxies from closing the connection."""
STREAM_SECONDS: Final = 600.0
"""After this the page connects again."""

Wanted = dict[str, list[UUID]]


async def events(request: HttpRequest) -> HttpResponseBase:
    """`GET /api/v1/events/?uploads=id,id&runs=id,id`: `event: upload` with the row's state, now and on every change.

    Rows that the caller may not see are left out in silence.
    """
    if request.method not in ("GET", "HEAD"):
        return problem_response(code=405, detail="Events are read with GET.", headers={"Allow": "GET, HEAD"})
    try:
        user = await sync_to_async(_user)(request)
    except AuthenticationFailed as error:
        return problem_response(code=401, detail=str(error.detail), headers={"WWW-Authenticate": "Bearer"})
    if user is None:
        return problem_response(code=401, detail="Sign in, or send a bearer token.", headers={"WWW-Authenticate": "Bearer"})
    try:
        wanted = _wanted(request)
    except ValueError as error:
        return problem_response(code=400, detail=str(error))
    wanted, teams = await sync_to_async(_visible)(wanted, user)
    response = StreamingHttpResponse(_stream(wanted, teams), content_type="text/event-stream")
    response["Cache-Control"] = "no-store"
    response["X-Accel-Buffering"] = "no"
    return response


def _user(request: HttpRequest) -> Any:
    found = BearerAuthentication().authenticate(Request(request))  # type: ignore[no-untyped-call]
    user = found[0] if found else request.user
    return user if user.is_authenticated else None


def _wanted(request: HttpRequest) -> Wanted:
    wanted: Wanted = {}
    for model in work_models():
        kind = str(model._meta.model_name)
        texts = [text for text in request.GET.get(f"{kind}s", "").split(",") if text]
        try:
            wanted[kind] = [UUID(text) for text in texts]
        except ValueError as error:
            raise ValueError(f"`{kind}s` are ids with commas between them; {error}.") from error
    if sum(map(len, wanted.values())) > MAX_ROWS:
        raise ValueError(f"At most {MAX_ROWS} rows can be watched at once.")
    return wanted


def _visible(wanted: Wanted, user: Any) -> tuple[Wanted, set[UUID]]:
    """What is left of `wanted` for this person, and the teams it belongs to."""
    left: Wanted = {}
    teams: set[UUID] = set()
    for kind, ids in wanted.items():
        if ids:
            model = _model(kind)
            rows = cast(Any, model._default_manager).visible_to(user).filter(pk__in=ids).values_list("pk", model.TEAM)
            left[kind] = [pk for pk, _ in rows]
            teams.update(team for _, team in rows)
    return left, teams


async def _stream(wanted: Wanted, teams: set[UUID]) -> AsyncIterator[str]:
    sent: dict[UUID, dict[str, Any]] = {}
    yield "retry: 2000\n\n"
    end = time.monotonic() + STREAM_SECONDS
    last = time.monotonic()
    async with contextlib.AsyncExitStack() as stack:
        bell = await _listen(teams, stack)
        while time.monotonic() < end:
            for kind, state in await sync_to_async(_states)(wanted):
                if sent.get(state["id"]) != state:
                    sent[state["id"]] = state
                    last = time.monotonic()
                    yield f"event: {kind}\ndata: {json.dumps({**state, 'id': str(state['id'])})}\n\n"
            if time.monotonic() - last > SILENCE_SECONDS:
                last = time.monotonic()
                yield ": still here\n\n"
            await _wait(bell, {str(pk) for ids in wanted.values() for pk in ids})


async def _listen(teams: set[UUID], stack: contextlib.AsyncExitStack) -> redis.asyncio.client.PubSub | None:
    if not teams:
        return None
    client = await stack.enter_async_context(redis.asyncio.Redis.from_url(settings.REDIS_URL, socket_connect_timeout=1))
    bell = client.pubsub(ignore_subscribe_messages=True)
    stack.push_async_callback(bell.aclose)
    with contextlib.suppress(RedisError):
        await bell.subscribe(*map(channel, teams))
    return bell


async def _wait(bell: redis.asyncio.client.PubSub | None, ids: set[str]) -> None:
    """Until one of these rows has changed, or it is time to look anyway."""
    end = time.monotonic() + LOOK_SECONDS
    if bell is not None:
        with contextlib.suppress(RedisError, RuntimeError):  # RuntimeError: never subscribed, Redis was away
            while (left := end - time.monotonic()) > 0:
                message = await bell.get_message(timeout=left)
                if message and json.loads(message["data"])["id"] in ids:
                    return
    await asyncio.sleep(max(0.0, end - time.monotonic()))


def _states(wanted: Wanted) -> list[tuple[str, dict[str, Any]]]:
    """What there is to say of each row. Gives its connection back: a stream lives longer than it should hold one."""
    try:
        found = []
        for kind, ids in wanted.items():
            for item in _model(kind)._default_manager.filter(pk__in=ids) if ids else ():
                found.append((kind, state_of(item)))
        return found
    finally:
        connection.close()


def state_of(item: WorkItem) -> dict[str, Any]:
    """A row's progress, as pages and the API show it."""
    left = seconds_left(item=item)
    return {
        "id": item.pk,
        "status": getattr(item, "public_status", item.status),
        "stage": item.stage,
        "progress": round(item.progress, 3),
        "place": place_in_queue(item=item),
        "seconds_left": None if left is None else round(left),
        "error": item.error,
    }


def _model(kind: str) -> type[WorkItem]:
    return next(model for model in work_models() if model._meta.model_name == kind)
