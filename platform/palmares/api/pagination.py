"""Pages of a list that do not shift while it grows."""

from __future__ import annotations

from rest_framework.pagination import CursorPagination


class CursorPages(CursorPagination):
    """`{"next", "previous", "results"}`, newest first; `?page_size=` up to 200."""

    ordering = ("-created_at", "-id")  # type: ignore[assignment]
    page_size = 50
    max_page_size = 200
    page_size_query_param = "page_size"


class TokenPages(CursorPages):
    """The same for rows whose birthday is called `created`."""

    ordering = ("-created", "-id")  # type: ignore[assignment]
