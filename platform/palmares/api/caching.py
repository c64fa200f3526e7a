"""Nobody keeps what is private: not proxies, and not a shared browser after signing out."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase

NO_STORE = "private, no-store"


def private_unless_said(get_response: Callable[[HttpRequest], HttpResponseBase]) -> Callable[[HttpRequest], HttpResponseBase]:
    """Middleware: `Cache-Control: private, no-store` on every answer that does not say otherwise. Static files do."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        response.headers.setdefault("Cache-Control", NO_STORE)
        return response

    return middleware
