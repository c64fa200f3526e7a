"""The database connections of a web process: a pool of bounded size instead of one connection a thread.

Only the web pools: workers fork, which a pool does not survive, and need few connections.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from django.db import connections
from django.http import HttpRequest, HttpResponseBase

SPARE: Final = 6
"""Connections beyond one a request worked on: for looking up callers, for event streams and for the health check."""


def use_pool(*, requests: int) -> None:
    """Pool this process's connections, enough for so many requests at a time; before the first is opened."""
    facts = connections.settings["default"]
    facts["CONN_MAX_AGE"] = 0  # persistent connections are the pool's
    facts["CONN_HEALTH_CHECKS"] = True  # one that died with a restarted database is not handed out
    facts["OPTIONS"] = {
        **facts.get("OPTIONS", {}),
        "application_name": "palmares web",
        "pool": {
            "name": "web",
            "min_size": 1,
            "max_size": requests + SPARE,
            "timeout": 5.0,
            "max_idle": 60.0,
            "max_lifetime": 1800.0,
            "reconnect_timeout": 1.0,  # tried anew by the next request, not with longer and longer pauses
        },
    }


def close_pool() -> None:
    """Close the pool of this process."""
    connections["default"].close_pool()  # type: ignore[attr-defined]


def return_connection(get_response: Callable[[HttpRequest], HttpResponseBase]) -> Callable[[HttpRequest], HttpResponseBase]:
    """Middleware: give the connection back once the answer is made, not when the slowest reader has read it."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        try:
            return get_response(request)
        finally:
            for connection in connections.all(initialized_only=True):
                if not connection.in_atomic_block:
                    connection.close_if_unusable_or_obsolete()

    return middleware
