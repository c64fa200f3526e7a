"""Many anonymous requests at once block neither pages for signed-in people nor database connections of workers."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import Counter
from itertools import chain

import httpx
import psutil
import pytest
from django.test import Client

from palmares.api.database_pool import SPARE
from palmares.queue import services
from palmares.queue.models import Status
from palmares.runs.models import Run
from palmares.teams.access import create_token
from tests.factories import RunFactory
from tests.web_process import connections_of, start_web  # noqa: F401 - a fixture

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(300)]
CROWD = 400
SLOTS = 8


def test_members_and_workers_are_served_while_anonymous_requests_wait(start_web, run, member):  # noqa: F811
    web = start_web(WEB_REQUESTS=str(SLOTS))
    browser = Client()
    browser.force_login(member)
    cookie = {"Cookie": f"sessionid={browser.cookies['sessionid'].value}"}
    token = {"Authorization": f"Bearer {create_token(user=member, name='test')[1]}"}
    crowd: Counter[int] = Counter()
    ours: Counter[int] = Counter()
    most_connections = 0
    over = threading.Event()

    async def ask(client: httpx.AsyncClient, path: str, headers: dict[str, str], answers: Counter[int]) -> None:
        answers[(await client.get(web.url(path), headers=headers)).status_code] += 1

    async def everything() -> None:
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
        async with httpx.AsyncClient(limits=limits, timeout=120) as client:
            waves = [ask(client, path, {}, crowd) for _ in range(CROWD // 2) for path in ("/accounts/login/", "/api/v1/runs/")]
            pressing = asyncio.gather(*waves)
            await asyncio.sleep(0.3)
            for _ in range(6):
                await ask(client, "/", cookie, ours)
                await ask(client, f"/api/v1/runs/{run.pk}/", token, ours)
            await pressing

    serving = threading.Thread(target=lambda: (asyncio.run(everything()), over.set()))
    serving.start()
    work = services.claim(model=Run, pk=RunFactory(upload=run.upload, status=Status.QUEUED).pk, seconds=60)
    beats = 0
    while not over.wait(0.05):
        services.heartbeat(item=work, stage=f"step {beats}", progress=0.5, seconds=60)
        services.reap()
        beats += 1
        most_connections = max(most_connections, connections_of("palmares web"))
    serving.join()

    assert ours == {200: 12}
    assert crowd.total() == CROWD
    assert set(crowd) <= {200, 401, 503}, crowd
    assert crowd[503] > 0, "there was no more to answer than could be: the test shows nothing"
    assert 0 < most_connections <= SLOTS + SPARE
    assert beats > 1


def test_refused_requests_have_a_retry_after_header(start_web):  # noqa: F811
    web = start_web(WEB_REQUESTS="2")

    async def everything() -> list[httpx.Response]:
        async with httpx.AsyncClient(limits=httpx.Limits(max_connections=None), timeout=120) as client:
            page = {"Accept": "text/html,*/*"}
            api, login = web.url("/api/v1/runs/"), web.url("/accounts/login/")
            both = ((client.get(api), client.get(login, headers=page)) for _ in range(150))
            return await asyncio.gather(*chain.from_iterable(both))  # in turns, so that both kinds are refused

    refused = [answer for answer in asyncio.run(everything()) if answer.status_code == 503]
    assert {answer.headers["retry-after"] for answer in refused} == {"3"}
    kinds = {answer.headers["content-type"].split(";")[0] for answer in refused}
    assert kinds == {"application/problem+json", "text/html"}


def test_ten_streams_take_no_more_threads_than_one(start_web, run, member, outsider):  # noqa: F811
    web = start_web(WEB_REQUESTS="4")
    headers = [{"Authorization": f"Bearer {create_token(user=user, name='test')[1]}"} for user in (member, outsider)]
    threads = []

    async def everything() -> None:
        async with httpx.AsyncClient(timeout=60) as client, contextlib.AsyncExitStack() as streams:
            for count in range(10):
                stream = client.stream("GET", web.url(f"/api/v1/events/?runs={run.pk}"), headers=headers[count % 2])
                answer = await streams.enter_async_context(stream)
                assert answer.status_code == 200
                await anext(line async for line in answer.aiter_lines() if line)
                threads.append(psutil.Process(web.process.pid).num_threads())

    asyncio.run(everything())
    assert max(threads[1:]) <= threads[0] + 2, "those that look up callers are started when they are first needed"
    assert connections_of("palmares web") <= 4 + SPARE
