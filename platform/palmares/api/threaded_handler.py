"""Django under ASGI with one change of thread a request."""

from __future__ import annotations

from typing import Any

import django
from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIHandler
from django.http.response import HttpResponseBase


class ThreadedHandler(ASGIHandler):
    """Runs middleware and view together in the request's thread.

    Django's own handler goes back to the event loop between middlewares, some twenty times a request: a busy loop makes
    each of these wait.
    """

    def __init__(self) -> None:
        django.setup(set_prefix=False)
        super(ASGIHandler, self).__init__()
        self.load_middleware(is_async=False)

    async def run_get_response(self, request: Any) -> HttpResponseBase:
        """The response to a request."""
        response: HttpResponseBase = await sync_to_async(self.get_response)(request)
        response._handler_class = self.__class__  # type: ignore[attr-defined]
        return response
