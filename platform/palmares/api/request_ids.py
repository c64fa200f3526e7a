"""An id for every request, by which its log lines are found."""

from __future__ import annotations

import re
from typing import Final
from uuid import uuid4

from palmares.api.refusals import Application, Message, Receive, Scope, Send, header
from palmares.local.log_lines import request_id

HEADER: Final = b"x-request-id"
_WELL_FORMED: Final = re.compile(rb"[A-Za-z0-9._-]{1,64}")


class RequestIds:
    """ASGI middleware: the request's `X-Request-ID`, or a new one where there is none to use, is on the answer, too.

    Outside of Django, so that event streams and answers given before Django is asked have one.
    """

    def __init__(self, application: Application) -> None:
        self.application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.application(scope, receive, send)
            return
        given = header(scope, HEADER)
        name = given.decode() if _WELL_FORMED.fullmatch(given) else uuid4().hex

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", []), (HEADER, name.encode())]}
            await send(message)

        token = request_id.set(name)
        try:
            await self.application(scope, receive, sending)
        finally:
            request_id.reset(token)
