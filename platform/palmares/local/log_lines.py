"""How a log line is written: with the id of the request, without what opens an account."""

from __future__ import annotations

import logging
import re
from contextvars import ContextVar
from typing import Final

request_id: Final[ContextVar[str]] = ContextVar("request_id", default="")
"""Id of the request that is being answered; empty outside of one."""

_SLASH: Final = "(?:/|%2[Ff])"
_SECRET_LINK: Final = re.compile(
    rf"({_SLASH}(?:welcome|invitations|shared|accounts{_SLASH}(?:password{_SLASH}reset{_SLASH}key|confirm-email)){_SLASH})"
    r"""[^\s/%?&#"'<>]+"""
)
"""An address whose next part lets whoever has it sign in, join a team, set a password or confirm an address."""


def without_secrets(text: str) -> str:
    """The text with `***` for the secret part of links, also of links quoted in a query string."""
    return _SECRET_LINK.sub(r"\1***", text)


class LogLine(logging.Formatter):
    """Gives a record its `request_id` (`-` outside of one), formats it, hides secrets in all of it, tracebacks too."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, or several where there is a traceback."""
        record.request_id = request_id.get() or "-"
        return without_secrets(super().format(record))
