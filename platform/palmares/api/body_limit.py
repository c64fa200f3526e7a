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


class _RefusedError(Exception):
    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status, self.detail = status, detail


class BodyLimit:
    """ASGI middleware: 413 for a body beyond `largest` bytes where files go, beyond `SMALL` elsewhere; 401 for strangers.

    Strangers are those whom `is_known` does not know; it is asked only where a body is larger than `SMALL`. A Content-Length
    that is too large is refused before a byte is read, a body without one as soon as it is too large.
    """

    def __init__(
        self,
        application: Application,
        *,
        largest: int,
        file_prefixes: tuple[str, ...],
        is_known: Callable[[Scope], Awaitable[bool]],
    ) -> None:
        self.application = application
        self.largest = largest
        self.file_prefixes = file_prefixes
        self.is_known = is_known

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.application(scope, receive, send)
            return
        limit, received = SMALL, 0

        async def check(size: int) -> None:
            nonlocal limit
            if limit == SMALL < size and scope["path"].startswith(self.file_prefixes):
                if not await self.is_known(scope):
                    raise _RefusedError(401, "This request has no valid token or session: sign in first.")
                limit = self.largest + OVERHEAD
            if size > limit:
                raise _RefusedError(413, f"The request is larger than the {limit / 1e6:.0f} MB accepted here.")

        async def counted() -> MutableMapping[str, Any]:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b"")) if message["type"] == "http.request" else 0
            await check(received)
            return message

        declared = next((value for name, value in scope["headers"] if name == b"content-length"), b"")
        try:
            await check(int(declared) if declared.isdigit() else 0)
            await self.application(scope, counted, send)
        except _RefusedError as refused:
            await _refuse(send, refused.status, refused.detail)


async def _refuse(send: Send, status: int, detail: str) -> None:
    body = json.dumps(problem(code=status, detail=detail)).encode()
    headers = [
        (b"content-type", CONTENT_TYPE.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),
    ]
    if status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
