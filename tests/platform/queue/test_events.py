"""Live progress as server-sent events."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlencode

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.test import Client

from palmares.asgi import application
from palmares.queue import event_hub, event_streams, services
from palmares.queue.models import Status
from palmares.runs.models import Run
from palmares.teams.access import create_token
from palmares.teams.models import Membership, Token
from tests.factories import RunFactory, SubjectFactory, UploadFactory

pytestmark = pytest.mark.django_db(transaction=True)
URL = "/api/v1/events/"
PATIENCE = 20.0


@pytest.fixture
def run(team) -> Run:
    return RunFactory(status=Status.QUEUED, upload=UploadFactory(subject=SubjectFactory(team=team)))


class Stream:
    """An open connection to the web's application."""

    def __init__(self, query: dict[str, str], headers: dict[str, str], method: str = "GET") -> None:
        self._sent: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._gone = asyncio.Event()
        self._scope = {
            "type": "http",
            "method": method,
            "path": URL,
            "query_string": urlencode(query).encode(),
            "headers": [(b"host", b"localhost"), *((k.lower().encode(), v.encode()) for k, v in headers.items())],
        }

    async def open(self) -> Stream:
        self._task = asyncio.create_task(application(self._scope, self._receive, self._sent.put))
        start = await self._next()
        self.status = start["status"]
        self.headers = {name.decode(): value.decode() for name, value in start["headers"]}
        return self

    async def _receive(self) -> dict[str, Any]:
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _next(self) -> dict[str, Any]:
        async with asyncio.timeout(PATIENCE):
            return await self._sent.get()

    async def chunks(self) -> AsyncIterator[str]:
        """Until the server ends the stream."""
        more = True
        while more:
            message = await self._next()
            more = message.get("more_body", False)
            yield message["body"].decode()

    async def event(self) -> tuple[str, dict[str, Any]]:
        async for chunk in self.chunks():
            lines = chunk.strip().split("\n")
            if lines[0].startswith("event: "):
                return lines[0].removeprefix("event: "), json.loads(lines[1].removeprefix("data: "))
        raise AssertionError("the stream ended")

    async def rest(self) -> str:
        return "".join([chunk async for chunk in self.chunks()])

    async def close(self) -> None:
        self._gone.set()
        await self._task


@contextlib.asynccontextmanager
async def stream(query: dict[str, str], headers: dict[str, str], method: str = "GET") -> AsyncIterator[Stream]:
    opened = await Stream(query, headers, method).open()
    try:
        yield opened
    finally:
        await opened.close()


def bearer(user) -> dict[str, str]:
    return {"Authorization": f"Bearer {create_token(user=user, name='test')[1]}"}


def session(user) -> dict[str, str]:
    client = Client()
    client.force_login(user)
    return {"Cookie": f"sessionid={client.cookies['sessionid'].value}"}


def test_changes_are_sent_as_they_happen(run, member, monkeypatch):
    monkeypatch.setattr(event_hub, "LOOK_SECONDS", 60.0)  # so that what comes, comes by the channel
    headers = bearer(member)

    @async_to_sync
    async def watch() -> None:
        async with stream({"runs": str(run.pk)}, headers) as opened:
            assert opened.headers["content-type"] == "text/event-stream"
            kind, state = await opened.event()
            assert (kind, state["id"], state["status"], state["place"]) == ("run", str(run.pk), "queued", 1)
            item = await sync_to_async(services.claim)(model=Run, pk=run.pk, seconds=30)
            assert (await opened.event())[1]["status"] == "running"
            await sync_to_async(services.heartbeat)(item=item, stage="Fitting", progress=0.5, seconds=30)
            state = (await opened.event())[1]
            assert (state["stage"], state["progress"]) == ("Fitting", 0.5)
            await sync_to_async(services.fail)(item=item, error="It has no hands.")
            state = (await opened.event())[1]
            assert (state["status"], state["error"]) == ("failed", "It has no hands.")

    watch()


def test_changes_are_found_while_redis_is_away(run, member, settings, monkeypatch):
    monkeypatch.setattr(event_hub, "LOOK_SECONDS", 0.1)
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    headers = bearer(member)

    @async_to_sync
    async def watch() -> None:
        async with stream({"runs": str(run.pk)}, headers) as opened:
            assert (await opened.event())[1]["status"] == "queued"
            await Run.objects.filter(pk=run.pk).aupdate(status=Status.SUCCEEDED)
            assert (await opened.event())[1]["status"] == "succeeded"

    watch()


def test_a_comment_line_is_sent_while_no_row_changes(run, member, monkeypatch):
    monkeypatch.setattr(event_streams, "SILENCE_SECONDS", 0.1)
    headers = bearer(member)

    @async_to_sync
    async def watch() -> None:
        async with stream({"uploads": str(run.upload.pk)}, headers) as opened:
            kind, state = await opened.event()
            assert (kind, state["status"]) == ("upload", "ready")
            assert await anext(opened.chunks()) == ": still here\n\n"

    watch()


def test_rows_of_other_teams_are_left_out(run, outsider, monkeypatch):
    monkeypatch.setattr(event_streams, "STREAM_SECONDS", 0.5)
    headers = bearer(outsider)

    @async_to_sync
    async def everything() -> str:
        async with stream({"runs": str(run.pk), "uploads": str(run.upload.pk)}, headers) as opened:
            assert opened.status == 200
            return await opened.rest()

    assert str(run.pk) not in everything()


@pytest.mark.parametrize(
    ("query", "status"), [({"runs": "seven"}, 400), ({"runs": ",".join(["00000000-0000-4000-8000-000000000000"] * 201)}, 400)]
)
def test_malformed_ids_are_refused(member, query, status):
    headers = bearer(member)

    @async_to_sync
    async def ask() -> tuple[int, str]:
        async with stream(query, headers) as opened:
            return opened.status, opened.headers["content-type"]

    assert ask() == (status, "application/problem+json")


def status_of(headers: dict[str, str], method: str = "GET") -> int:
    @async_to_sync
    async def ask() -> int:
        async with stream({}, headers, method) as opened:
            return int(opened.status)

    return ask()


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer nobody"}, {"Cookie": "sessionid=nobody"}])
def test_without_credentials_it_is_refused(db, headers):
    assert status_of(headers) == 401


def test_a_session_is_accepted(member):
    headers = session(member)
    assert status_of(headers) == 200
    assert status_of(headers, "POST") == 405


def test_a_person_has_five_streams_and_the_next_once_one_is_closed(run, member, outsider):
    ours, theirs = bearer(member), bearer(outsider)

    @async_to_sync
    async def watch() -> None:
        opened = [await Stream({"runs": str(run.pk)}, ours).open() for _ in range(5)]
        assert {one.status for one in opened} == {200}
        async with stream({}, ours) as sixth:
            assert (sixth.status, sixth.headers["retry-after"]) == (429, "30")
        async with stream({}, theirs) as others:
            assert others.status == 200
        await opened.pop().close()
        async with stream({}, ours) as again:
            assert again.status == 200
        for one in opened:
            await one.close()

    watch()


def revoke_token(user) -> None:
    Token.objects.filter(user=user).delete()


def change_password(user) -> None:
    user.set_password("a new and longer one")
    user.save()


def lock_account(user) -> None:
    user.is_active = False
    user.save()


def leave_team(user) -> None:
    Membership.objects.filter(user=user).delete()


def end_session(user) -> None:
    from django.contrib.sessions.models import Session  # noqa: PLC0415

    Session.objects.all().delete()


@pytest.mark.parametrize(
    ("credential", "loss"),
    [
        (bearer, revoke_token),
        (bearer, lock_account),
        (bearer, leave_team),
        (session, end_session),
        (session, change_password),
        (session, lock_account),
        (session, leave_team),
    ],
)
def test_a_stream_ends_when_its_token_session_or_membership_ends(run, member, monkeypatch, credential, loss):
    monkeypatch.setattr(event_hub, "LOOK_SECONDS", 0.2)
    monkeypatch.setattr(event_hub, "CHECK_SECONDS", 0.2)
    headers = credential(member)

    @async_to_sync
    async def watch() -> None:
        async with stream({"runs": str(run.pk)}, headers) as opened:
            assert (await opened.event())[1]["status"] == "queued"
            await sync_to_async(loss)(member)
            await opened.rest()

    watch()


def test_a_stream_goes_on_when_one_of_its_rows_is_deleted(run, member, monkeypatch):
    monkeypatch.setattr(event_hub, "LOOK_SECONDS", 0.1)
    monkeypatch.setattr(event_hub, "CHECK_SECONDS", 0.0)
    other = RunFactory(status=Status.QUEUED, upload=run.upload)
    headers = bearer(member)

    @async_to_sync
    async def watch() -> None:
        async with stream({"runs": f"{run.pk},{other.pk}"}, headers) as opened:
            assert {(await opened.event())[1]["id"] for _ in range(2)} == {str(run.pk), str(other.pk)}
            await Run.objects.filter(pk=other.pk).adelete()
            await sync_to_async(services.cancel)(item=run)
            assert (await opened.event())[1]["status"] == "cancelled"

    watch()
