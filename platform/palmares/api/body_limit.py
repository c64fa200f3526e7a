"""An upper limit for request bodies, held before Django sees them: it spools a body to disk whole before any view runs."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

from palmares.api.problems import CONTENT_TYPE, problem

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

SMALL: Final = 4 << 20
"""For everything that is not a file."""
OVERHEAD: Final = 1 << 20
"""What multipart may add to a file."""


class _TooLargeError(Exception):
    pass


class BodyLimit:
    """ASGI middleware: 413 for a body beyond `largest` bytes where files go, beyond `SMALL` elsewhere and for strangers.

    A Content-Length that is too large is refused before a byte is read, a body without one as soon as it is too large.
    """

    def __init__(self, application: Application, *, largest: int, file_prefixes: tuple[str, ...]) -> None:
        self.application = application
        self.largest = largest
        self.file_prefixes = file_prefixes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.application(scope, receive, send)
            return
        limit = self._limit(scope)
        declared = next((value for name, value in scope["headers"] if name == b"content-length"), b"")
        if declared.isdigit() and int(declared) > limit:
            await _refuse(send, limit)
            return
        received = 0

        async def counted() -> MutableMapping[str, Any]:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b"")) if message["type"] == "http.request" else 0
            if received > limit:
                raise _TooLargeError
            return message

        try:
            await self.application(scope, counted, send)
        except _TooLargeError:
            await _refuse(send, limit)

    def _limit(self, scope: Scope) -> int:
        names = {name for name, _ in scope["headers"]}
        known = b"authorization" in names or b"cookie" in names
        return self.largest + OVERHEAD if known and scope["path"].startswith(self.file_prefixes) else SMALL


async def _refuse(send: Send, limit: int) -> None:
    body = json.dumps(problem(code=413, detail=f"The request is larger than the {limit / 1e6:.0f} MB accepted here.")).encode()
    headers = [
        (b"content-type", CONTENT_TYPE.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body", "body": body})
