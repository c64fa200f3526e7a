import asyncio
import json

import pytest

from palmares.api.body_limit import OVERHEAD, SMALL, BodyLimit

LARGEST = 3 * SMALL
KNOWN = (b"authorization", b"Bearer x")


async def echo(scope, receive, send):
    """Reads everything, as Django does."""
    size, more = 0, True
    while more:
        message = await receive()
        size += len(message.get("body", b""))
        more = message.get("more_body", False)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": str(size).encode()})


def ask(path, size, *headers, declared=True):
    """Status, body and number of pieces read of a request of `size` bytes."""
    pieces = [min(1 << 20, size - first) for first in range(0, size, 1 << 20)] or [0]
    read, sent = 0, []

    async def receive():
        nonlocal read
        read += 1
        return {"type": "http.request", "body": bytes(pieces[read - 1]), "more_body": read < len(pieces)}

    async def send(message):
        sent.append(message)

    length = [(b"content-length", str(size).encode())] if declared else []
    scope = {"type": "http", "path": path, "headers": [*headers, *length]}
    asyncio.run(BodyLimit(echo, largest=LARGEST, file_prefixes=("/api/v1/uploads/",))(scope, receive, send))
    return sent[0]["status"], sent[1]["body"], read


def test_small_ones_pass():
    assert ask("/api/v1/me/", 100)[:2] == (200, b"100")


@pytest.mark.parametrize("declared", [True, False])
def test_files_may_be_large_for_those_who_say_who_they_are(declared):
    assert ask("/api/v1/uploads/", LARGEST, KNOWN, declared=declared)[0] == 200
    assert ask("/api/v1/uploads/", LARGEST + OVERHEAD + 1, KNOWN, declared=declared)[0] == 413


@pytest.mark.parametrize("path", ["/api/v1/uploads/", "/api/v1/runs/"])
def test_nothing_else_may(path):
    headers = () if "uploads" in path else (KNOWN,)
    status, body, read = ask(path, SMALL + 1, *headers)
    assert (status, read) == (413, 0)
    assert json.loads(body)["status"] == 413


def test_without_a_length_it_stops_as_soon_as_it_is_too_large():
    assert ask("/api/v1/me/", 20 * SMALL, declared=False)[2] == SMALL // (1 << 20) + 1
