"""Answers given before Django is asked: a request is refused while it is received."""

from __future__ import annotations

import html
import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from palmares.api.problems import CONTENT_TYPE, TITLES, problem

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

_PAGE = "<!doctype html><html lang=en><meta charset=utf-8><title>{title}</title><h1>{title}</h1><p>{detail}</p></html>"


class RefusedError(Exception):
    """The request is answered with a status and a sentence; `retry_after` is in seconds."""

    def __init__(
        self, status: int, detail: str, *, retry_after: int | None = None, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.status, self.detail, self.headers = status, detail, dict(headers or {})
        if status == 401:
            self.headers["WWW-Authenticate"] = "Bearer"
        if retry_after is not None:
            self.headers["Retry-After"] = str(retry_after)


class AnswerRefusals:
    """ASGI middleware: answers a `RefusedError` of whatever it wraps; passes on what is not HTTP's to `other`."""

    def __init__(self, application: Application, *, other: Application | None = None) -> None:
        self.application = application
        self.other = other or application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.other(scope, receive, send)
            return
        is_started = False

        async def sending(message: Message) -> None:
            nonlocal is_started
            is_started = True
            await send(message)

        try:
            await self.application(scope, receive, sending)
        except RefusedError as refused:
            if is_started:  # half an answer is on its way: nothing can be said any more
                raise
            await _answer(scope, send, refused)


async def _answer(scope: Scope, send: Send, refused: RefusedError) -> None:
    """A problem document, or a small page where a browser asked for a page; then the connection is closed."""
    if header(scope, b"accept").startswith(b"text/html"):
        title = TITLES[refused.status]
        body, content_type = _PAGE.format(title=title, detail=html.escape(refused.detail)).encode(), "text/html; charset=utf-8"
    else:
        body, content_type = json.dumps(problem(code=refused.status, detail=refused.detail)).encode(), CONTENT_TYPE
    headers = [
        (b"content-type", content_type.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        (b"connection", b"close"),
    ]
    headers += [(name.lower().encode(), value.encode()) for name, value in refused.headers.items()]
    await send({"type": "http.response.start", "status": refused.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def header(scope: Scope, name: bytes) -> bytes:
    """The first value of a request's header, empty where there is none; `name` in lower case."""
    return next((bytes(value) for key, value in scope["headers"] if key == name), b"")
