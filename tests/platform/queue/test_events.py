"""Live progress as server-sent events."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.test import AsyncClient

from palmares.queue import events, services
from palmares.queue.models import Status
from palmares.runs.models import Run
from palmares.teams.access import create_token
from tests.factories import RunFactory, SubjectFactory, UploadFactory

pytestmark = pytest.mark.django_db(transaction=True)
URL = "/api/v1/events/"


@pytest.fixture
def run(team) -> Run:
    return RunFactory(status=Status.QUEUED, upload=UploadFactory(subject=SubjectFactory(team=team)))


async def next_event(stream: AsyncIterator[bytes]) -> tuple[str, dict[str, Any]]:
    async for chunk in stream:
        lines = chunk.decode().strip().split("\n")
        if lines[0].startswith("event: "):
            return lines[0].removeprefix("event: "), json.loads(lines[1].removeprefix("data: "))
    raise AssertionError("the stream ended")


def bearer(user) -> dict[str, str]:
    return {"Authorization": f"Bearer {create_token(user=user, name='test')[1]}"}


def test_changes_are_sent_as_they_happen(run, member, monkeypatch):
    monkeypatch.setattr(events, "LOOK_SECONDS", 60.0)  # so that what comes, comes by the channel
    headers = bearer(member)

    @async_to_sync
    async def watch() -> None:
        response = await AsyncClient().get(URL, {"runs": str(run.pk)}, headers=headers)
        assert response.headers["Content-Type"] == "text/event-stream"
        stream = response.streaming_content
        kind, state = await next_event(stream)
        assert (kind, state["id"], state["status"], state["place"]) == ("run", str(run.pk), "queued", 1)
        item = await sync_to_async(services.claim)(model=Run, pk=run.pk, seconds=30)
        assert (await next_event(stream))[1]["status"] == "running"
        await sync_to_async(services.heartbeat)(item=item, stage="Fitting", progress=0.5, seconds=30)
        state = (await next_event(stream))[1]
        assert (state["stage"], state["progress"]) == ("Fitting", 0.5)
        await sync_to_async(services.fail)(item=item, error="It has no hands.")
        state = (await next_event(stream))[1]
        assert (state["status"], state["error"]) == ("failed", "It has no hands.")
        await stream.aclose()

    watch()


def test_changes_are_found_while_redis_is_away(run, member, settings, monkeypatch):
    monkeypatch.setattr(events, "LOOK_SECONDS", 0.1)
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    headers = bearer(member)

    @async_to_sync
    async def watch() -> None:
        response = await AsyncClient().get(URL, {"runs": str(run.pk)}, headers=headers)
        stream = response.streaming_content
        assert (await next_event(stream))[1]["status"] == "queued"
        await Run.objects.filter(pk=run.pk).aupdate(status=Status.SUCCEEDED)
        assert (await next_event(stream))[1]["status"] == "succeeded"
        await stream.aclose()

    watch()


def test_silence_is_broken_by_a_comment(run, member, monkeypatch):
    monkeypatch.setattr(events, "LOOK_SECONDS", 0.05)
    monkeypatch.setattr(events, "SILENCE_SECONDS", 0.1)
    monkeypatch.setattr(events, "STREAM_SECONDS", 1.0)
    headers = bearer(member)

    @async_to_sync
    async def everything() -> str:
        response = await AsyncClient().get(URL, {"uploads": str(run.upload.pk)}, headers=headers)
        return "".join([chunk.decode() async for chunk in response.streaming_content])

    text = everything()
    assert text.count("event: upload") == 1
    assert '"status": "ready"' in text
    assert ": still here" in text


def test_rows_of_other_teams_are_left_out_in_silence(run, stranger, monkeypatch):
    monkeypatch.setattr(events, "LOOK_SECONDS", 0.05)
    monkeypatch.setattr(events, "STREAM_SECONDS", 0.2)
    headers = bearer(stranger)

    @async_to_sync
    async def everything() -> str:
        response = await AsyncClient().get(URL, {"runs": str(run.pk), "uploads": str(run.upload.pk)}, headers=headers)
        assert response.status_code == 200
        return "".join([chunk.decode() async for chunk in response.streaming_content])

    assert str(run.pk) not in everything()


@pytest.mark.parametrize(
    ("query", "status"), [({"runs": "seven"}, 400), ({"runs": ",".join(["00000000-0000-4000-8000-000000000000"] * 201)}, 400)]
)
def test_what_cannot_be_ids_is_refused(member, query, status):
    response = async_to_sync(AsyncClient().get)(URL, query, headers=bearer(member))
    assert response.status_code == status
    assert response.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer nobody"}])
def test_nobody_hears_anything(run, headers):
    response = async_to_sync(AsyncClient().get)(URL, {"runs": str(run.pk)}, headers=headers)
    assert response.status_code == 401


def test_a_session_will_do(run, member, monkeypatch):
    monkeypatch.setattr(events, "STREAM_SECONDS", 0.0)
    client = AsyncClient()
    client.force_login(member)
    assert async_to_sync(client.get)(URL, {"runs": str(run.pk)}).status_code == 200
    assert async_to_sync(client.post)(URL).status_code == 405
