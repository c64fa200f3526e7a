"""Which runs of an upload a viewer offers."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final
from uuid import UUID

from django.db.models import QuerySet

from ml.catalog import FIRST_METHODS
from palmares.runs.models import Run

IN_VIEWER: Final = 9
"""Runs that one page compares; keys 1 to 9 toggle them."""


def runs_to_offer(runs: QuerySet[Run], *, wanted: Collection[UUID] = ()) -> list[UUID]:
    """At most `IN_VIEWER` of an upload's runs: the wanted ones, the newest of each of the first methods, then the newest."""
    known = list(runs.order_by("-created_at", "-id").values_list("pk", "method"))
    newest = {method: pk for pk, method in reversed(known)}
    firsts = [newest[method] for method in FIRST_METHODS if method in newest]
    return list(dict.fromkeys([*(pk for pk, _ in known if pk in wanted), *firsts, *(pk for pk, _ in known)]))[:IN_VIEWER]
