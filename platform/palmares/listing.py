"""A list of rows on a page: searched, sorted and cut into numbered pages by what the address says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any
from urllib.parse import urlencode

from django.core.paginator import Page, Paginator
from django.db.models import F, Q, QuerySet
from django.http import HttpRequest

PAGE_ROWS = 50
MAX_QUERY = 100
"""Longest search, in characters."""


@dataclass(frozen=True)
class Listing:
    """What a template needs to draw one page of a list.

    Attributes:
        page: the rows, and which page of how many.
        query: what was searched for; empty for everything.
        sort: name of the order, with `-` in front where it is descending.
    """

    page: Page[Any]
    query: str
    sort: str

    def address(self, **changes: Any) -> str:
        """The query string of this list with some of `q`, `sort` and `page` changed; page 1 unless told."""
        wanted = {"q": self.query, "sort": self.sort} | changes
        return "?" + urlencode({name: value for name, value in wanted.items() if value})

    @property
    def newer(self) -> str:
        """Address of the page before this one; empty on the first."""
        return self.address(page=self.page.previous_page_number()) if self.page.has_previous() else ""

    @property
    def older(self) -> str:
        """Address of the page after this one; empty on the last."""
        return self.address(page=self.page.next_page_number()) if self.page.has_next() else ""


def listing(
    request: HttpRequest,
    found: QuerySet[Any],
    *,
    sorts: Mapping[str, str],
    default: str,
    search: Sequence[str],
    rows: int = PAGE_ROWS,
) -> Listing:
    """One page of `found`, as `?q=`, `?sort=` and `?page=` ask for; what they get wrong is ignored.

    Args:
        request: whose address is read.
        found: all rows that this person may see.
        sorts: name of an order in the address → the field it sorts by; empty values come last.
        default: the order where none is asked for.
        search: fields that may contain the words.
        rows: on a page.
    """
    query = request.GET.get("q", "").replace("\x00", "").strip()[:MAX_QUERY]
    for word in query.split():
        found = found.filter(reduce(or_, (Q(**{f"{field}__icontains": word}) for field in search)))
    sort = request.GET.get("sort", "")
    if sort.removeprefix("-") not in sorts:
        sort = default
    field = F(sorts[sort.removeprefix("-")])
    order = field.desc(nulls_last=True) if sort.startswith("-") else field.asc(nulls_last=True)
    page = Paginator(found.order_by(order, "-id"), rows).get_page(request.GET.get("page"))
    return Listing(page=page, query=query, sort=sort)
