"""Work that waits for other work: which row it needs, and which rows wait for it (`WorkItem.WAITS_FOR`)."""

from __future__ import annotations

from collections.abc import Iterable
from operator import attrgetter
from typing import Final, cast

from django.db.models import Model

from palmares.queue.models import Status, WorkItem, work_models

AT_ONCE: Final = 200
"""Rows that are notified or ended in one go; the reaper does the others."""


def needed_by(row: WorkItem) -> WorkItem:
    """The work that a row waits for."""
    needed: WorkItem = attrgetter(row.WAITS_FOR.replace("__", "."))(row)
    return needed


def waiting_for(row: WorkItem) -> Iterable[WorkItem]:
    """Queued rows, of all kinds, that wait for this one; locked, the oldest `AT_ONCE` of each kind."""
    for model in work_models():
        if model.WAITS_FOR and _model_at(model, model.WAITS_FOR) is type(row):
            waiting = model._default_manager.filter(**{model.WAITS_FOR: row}, status=Status.QUEUED)
            yield from waiting.select_for_update(of=("self",)).order_by("queued_at")[:AT_ONCE]


def cannot_start(needed: WorkItem) -> str:
    """Why work that needs `needed`, which failed or was cancelled, cannot start."""
    outcome = "was cancelled" if needed.status == Status.CANCELLED else "failed"
    return f"It could not start: “{needed}” {outcome}. {needed.error}".strip()


def _model_at(model: type[Model], lookup: str) -> type[Model]:
    """The model at the end of a lookup such as `revision__truth`."""
    for name in lookup.split("__"):
        model = cast(type[Model], model._meta.get_field(name).related_model)
    return model
