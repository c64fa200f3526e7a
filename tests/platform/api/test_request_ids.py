"""Every answer has an id by which its log lines are found."""

from __future__ import annotations

import asyncio
import logging
import re
import urllib.error
import urllib.request
from typing import Any

import pytest
from django.test import RequestFactory

from palmares.api import problems
from palmares.api.refusals import AnswerRefusals, RefusedError
from palmares.api.request_ids import RequestIds
from palmares.local.log_lines import LogLine, request_id
from tests.web_process import WebProcess, start_web  # noqa: F401 - a fixture

NEW = re.compile(r"[0-9a-f]{32}")


def answered(web: WebProcess, path: str, given: str | None = None) -> tuple[int, str, bytes]:
    """Status, id and body of an answer."""
    request = urllib.request.Request(web.url(path), headers={"X-Request-ID": given} if given else {})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.headers["X-Request-ID"], answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers["X-Request-ID"], error.read()


def test_pages_streams_errors_and_log_lines_have_the_request_id(start_web):  # noqa: F811
    web = start_web()
    for path in ("/accounts/login/", "/api/v1/events/", "/api/v1/nothing/", "/nothing-here/", "/health/"):
        assert answered(web, path, "proxy-7.a_B")[1] == "proxy-7.a_B", path
        assert NEW.fullmatch(answered(web, path)[1]), path
    assert "[proxy-7.a_B]: Not Found: /nothing-here/" in web.log.read_text()


@pytest.mark.parametrize("given", ["a b", "x" * 65, 'a"b', "<b>", "\u00ff", "a/b"])
def test_a_malformed_request_id_is_replaced(given):
    async def application(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})

    sent: list[Any] = []

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "headers": [(b"x-request-id", given.encode("latin-1"))]}
    asyncio.run(RequestIds(application)(scope, None, send))
    ((name, value),) = sent[0]["headers"]
    assert name == b"x-request-id"
    assert NEW.fullmatch(value.decode())


def test_a_refusal_before_django_has_the_request_id_in_its_body():
    async def application(scope, receive, send):
        raise RefusedError(503, "Too many requests wait.", retry_after=1)

    sent: list[Any] = []

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "headers": [(b"x-request-id", b"mine")]}
    asyncio.run(RequestIds(AnswerRefusals(application))(scope, None, send))
    assert (b"x-request-id", b"mine") in sent[0]["headers"]
    assert b'"request_id": "mine"' in sent[1]["body"]


@pytest.fixture
def within_request():
    token = request_id.set("mine")
    yield
    request_id.reset(token)


def test_the_500_page_and_the_problem_document_show_the_request_id(within_request):
    page = problems.server_error(RequestFactory().get("/subjects/"))
    assert page.status_code == 500
    assert "Error id: <code>mine</code>" in page.content.decode()
    document = problems.server_error(RequestFactory().get("/api/v1/subjects/"))
    assert document.status_code == 500
    assert b'"request_id": "mine"' in document.content


def test_client_errors_and_pages_without_a_request_id_show_none(within_request):
    assert "request_id" not in problems.problem(code=404, detail="Nothing.")
    request_id.set("")
    assert "Error id" not in problems.server_error(RequestFactory().get("/")).content.decode()


def test_a_log_line_outside_of_a_request_has_a_dash_as_id():
    record = logging.LogRecord("x", logging.INFO, "", 0, "hello", (), None)
    assert LogLine("[{request_id}]: {message}", style="{").format(record) == "[-]: hello"
