"""An upper limit for request bodies, held before Django sees them: it spools a body to disk whole before any view runs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from palmares.api.refusals import Application, Message, Receive, RefusedError, Scope, Send, header

SMALL: Final = 4 << 20
"""For everything that is not a file."""
OVERHEAD: Final = 1 << 20
"""What multipart may add to a file."""


class BodyLimit:
    """ASGI middleware: 413 for a body beyond `largest` bytes where files go, beyond `SMALL` elsewhere; 401 without sign-in.

    `is_known` says who is signed in; it is asked only where a body is larger than `SMALL`. A Content-Length
    that is too large is refused before a byte is read, a body without one as soon as it is too large. What is refused raises
    `RefusedError`, which the caller answers.
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
        limit, received = SMALL, 0

        async def check(size: int) -> None:
            nonlocal limit
            if limit == SMALL < size and scope["path"].startswith(self.file_prefixes):
                if not await self.is_known(scope):
                    raise RefusedError(401, "This request has no valid token or session: sign in first.")
                limit = self.largest + OVERHEAD
            if size > limit:
                raise RefusedError(413, f"The request is larger than the {limit / 1e6:.0f} MB accepted here.")

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b"")) if message["type"] == "http.request" else 0
            await check(received)
            return message

        declared = header(scope, b"content-length")
        await check(int(declared) if declared.isdigit() else 0)
        await self.application(scope, counted, send)
