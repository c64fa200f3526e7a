"""Pages of a list that do not shift while it grows."""

from __future__ import annotations

from typing import Any

from django.utils.dateparse import parse_datetime
from rest_framework.exceptions import NotFound
from rest_framework.pagination import CursorPagination


class CursorPages(CursorPagination):
    """`{"next", "previous", "results"}`, newest first; `?page_size=` up to 200."""

    ordering = ("-created_at", "-id")  # type: ignore[assignment]
    page_size = 50
    max_page_size = 200
    page_size_query_param = "page_size"

    def decode_cursor(self, request: Any) -> Any:
        """Where a page begins. Cursors of our own making hold moments in UTC; others are none."""
        cursor = super().decode_cursor(request)
        if cursor is not None and cursor.position is not None and not _is_utc(str(cursor.position)):
            raise NotFound(self.invalid_cursor_message)
        return cursor


def _is_utc(text: str) -> bool:
    try:
        moment = parse_datetime(text)
    except ValueError:
        return False
    return moment is not None and moment.tzinfo is not None and not moment.utcoffset()


class TokenPages(CursorPages):
    """The same for rows whose birthday is called `created`."""

    ordering = ("-created", "-id")  # type: ignore[assignment]
