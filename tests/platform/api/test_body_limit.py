import asyncio
import json

import pytest

from palmares.api.body_limit import OVERHEAD, SMALL, BodyLimit
from palmares.api.refusals import AnswerRefusals
from palmares.asgi import application
from palmares.teams.access import create_token
from palmares.teams.models import Token

LARGEST = 3 * SMALL
KNOWN = (b"authorization", b"Bearer x")


async def is_known(scope):
    return KNOWN in scope["headers"]


async def echo(scope, receive, send):
    """Reads everything, as Django does."""
    size, more = 0, True
    while more:
        message = await receive()
        size += len(message.get("body", b""))
        more = message.get("more_body", False)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": str(size).encode()})


def limited():
    return AnswerRefusals(BodyLimit(echo, largest=LARGEST, file_prefixes=("/api/v1/uploads/",), is_known=is_known))


def ask(path, size, *headers, declared=True, application=None):
    """Status, body and number of pieces read of a request of `size` bytes."""
    pieces = [min(1 << 20, size - first) for first in range(0, size, 1 << 20)] or [0]
    read, sent = 0, []

    async def receive():
        nonlocal read
        if read == len(pieces):
            await asyncio.Event().wait()  # it stays connected
        read += 1
        return {"type": "http.request", "body": bytes(pieces[read - 1]), "more_body": read < len(pieces)}

    async def send(message):
        sent.append(message)

    length = [(b"content-length", str(size).encode())] if declared else []
    scope = {"type": "http", "method": "POST", "path": path, "headers": [(b"host", b"localhost"), *headers, *length]}
    asyncio.run((application or limited())(scope, receive, send))
    return sent[0]["status"], sent[1]["body"], read


def test_small_bodies_are_accepted():
    assert ask("/api/v1/me/", 100)[:2] == (200, b"100")


@pytest.mark.parametrize("declared", [True, False])
def test_callers_with_credentials_may_send_large_files(declared):
    assert ask("/api/v1/uploads/", LARGEST, KNOWN, declared=declared)[0] == 200
    assert ask("/api/v1/uploads/", LARGEST + OVERHEAD + 1, KNOWN, declared=declared)[0] == 413


def test_other_bodies_above_the_limit_are_refused_unread():
    status, body, read = ask("/api/v1/runs/", SMALL + 1, KNOWN)
    assert (status, read) == (413, 0)
    assert json.loads(body)["status"] == 413


@pytest.mark.parametrize("declared", [True, False])
def test_callers_without_credentials_are_refused_before_a_large_body_is_read(declared):
    status, body, read = ask("/api/v1/uploads/", LARGEST, declared=declared)
    assert (status, read) == (401, 0 if declared else SMALL // (1 << 20) + 1)
    assert "sign in first" in json.loads(body)["detail"]


def test_a_body_without_a_length_is_read_only_up_to_the_limit():
    assert ask("/api/v1/me/", 20 * SMALL, declared=False)[2] == SMALL // (1 << 20) + 1


@pytest.mark.django_db(transaction=True)
def test_callers_without_a_valid_token_or_session_cannot_send_a_large_file(owner, client, settings):
    def send(*headers):
        return ask("/api/v1/uploads/", SMALL + 1, (b"content-type", b"text/plain"), *headers, application=application)

    client.force_login(owner)
    token = create_token(user=owner, name="test")[1]
    session = f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"
    assert send((b"authorization", f"Bearer {token}".encode()))[0] == 415, "the view has been asked"
    assert send((b"cookie", session.encode()))[0] == 403, "the view has been asked: it misses the CSRF token"
    outsiders = [b"Bearer x", b"Bearer", b"Basic x", f"Bearer {token}x".encode(), b"Bearer \xff\x00"]
    for header in [*((b"authorization", value) for value in outsiders), (b"cookie", b"sessionid=x"), (b"x", b"y")]:
        status, body, read = send(header)
        assert (status, read) == (401, 0), header
        assert json.loads(body)["title"] == "Unauthorized"
    Token.objects.all().delete()
    assert send((b"authorization", f"Bearer {token}".encode()))[0] == 401
