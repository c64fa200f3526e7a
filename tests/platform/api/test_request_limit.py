"""Who goes first when a web process has more requests than slots."""

from __future__ import annotations

import asyncio

import pytest

from palmares.api.callers import Callers
from palmares.api.refusals import AnswerRefusals, RefusedError
from palmares.api.request_limit import Group, RequestLimit


def group(slots: int, **changes) -> Group:
    facts = {"slots_per_caller": slots, "waiting_limit": 50, "waiting_per_caller": 50, "open_limit": 100, "patience": 60.0}
    return Group(slots=slots, **{**facts, **changes})


def order_of(callers: str, limits: Group) -> str:
    """In which order requests of callers named by letters are worked on, one after the other."""
    done = []

    async def work(caller: str) -> None:
        await limits.take(caller)
        await asyncio.sleep(0)
        done.append(caller)
        limits.give_back(caller)

    async def everything() -> None:
        await asyncio.gather(*map(work, callers))

    asyncio.run(everything())
    return "".join(done)


def test_callers_take_turns():
    assert order_of("AAAAAABBC", group(1)) == "AABCABAAA"


def test_nobody_takes_more_than_their_share_of_the_slots():
    async def everything() -> None:
        limits = group(4, slots_per_caller=2)
        for _ in range(2):
            await limits.take("A")
        third = asyncio.create_task(limits.take("A"))
        await limits.take("B")
        assert not third.done()
        limits.give_back("A")
        await third

    asyncio.run(everything())


@pytest.mark.parametrize("limit", [{"waiting_limit": 3}, {"waiting_per_caller": 3}])
def test_requests_beyond_the_queue_length_are_refused(limit):
    async def everything() -> None:
        limits = group(1, **limit)
        await limits.take("A")
        waiting = [asyncio.create_task(limits.take("A")) for _ in range(3)]
        await asyncio.sleep(0)
        with pytest.raises(RefusedError) as refused:
            await limits.take("A")
        assert (refused.value.status, refused.value.headers["Retry-After"]) == (503, "3")
        for _ in range(3):
            limits.give_back("A")
        await asyncio.gather(*waiting)

    asyncio.run(everything())


def test_a_caller_that_times_out_or_disconnects_keeps_no_slot():
    async def everything() -> None:
        limits = group(1, patience=0.05)
        await limits.take("A")
        with pytest.raises(RefusedError):
            await limits.take("B")
        leaver = asyncio.create_task(limits.take("C"))
        await asyncio.sleep(0)
        leaver.cancel()
        limits.give_back("A")  # in the moment in which C goes
        with pytest.raises(asyncio.CancelledError):
            await leaver
        handed = asyncio.create_task(limits.take("D"))
        await handed
        last = asyncio.create_task(limits.take("E"))
        await asyncio.sleep(0)
        limits.give_back("D")
        last.cancel()  # after the slot was handed over, before E could notice
        with pytest.raises(asyncio.CancelledError):
            await last
        await limits.take("F")

    asyncio.run(everything())


def test_a_slot_is_free_while_bodies_are_received_and_answers_are_sent():
    """Slow connections hold none: with two slots, any number may send and read slowly."""

    async def slow_answer(scope, receive, send):
        while (await receive()).get("more_body"):
            pass
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"a", "more_body": True})
        await read_on.wait()
        await send({"type": "http.response.body", "body": b"b"})

    async def everything() -> None:
        nonlocal read_on
        read_on = asyncio.Event()
        application = AnswerRefusals(RequestLimit(slow_answer, slots=8, callers=Callers()))
        scope = {"type": "http", "path": "/", "method": "GET", "headers": [], "client": ("192.0.2.1", 1)}
        sent: list[asyncio.Queue] = [asyncio.Queue() for _ in range(20)]
        body: list[asyncio.Queue] = [asyncio.Queue() for _ in range(20)]
        tasks = [asyncio.create_task(application(scope, body[i].get, sent[i].put)) for i in range(20)]
        for queue in body[:10]:
            queue.put_nowait({"type": "http.request", "body": b"x", "more_body": True})
        for queue in body[10:]:
            queue.put_nowait({"type": "http.request", "body": b"x", "more_body": False})
        for queue in sent[10:]:
            assert (await queue.get())["status"] == 200
            assert (await queue.get())["body"] == b"a"
        for queue in body[:10]:
            queue.put_nowait({"type": "http.request", "body": b"x", "more_body": False})
        for queue in sent[:10]:
            assert (await queue.get())["status"] == 200
        read_on.set()
        await asyncio.gather(*tasks)

    read_on = asyncio.Event()
    asyncio.run(everything())
