"""All that may happen to a unit of work, for those who ask for it and for the workers.

Every change of state is one transaction that locks the row first. Who holds the row's lease is the only one that may
finish it; a lease that has run out is anybody's. All times are the database's, whose clock all machines share.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

from django.db import transaction
from django.db.models import Manager, Q, QuerySet

from palmares.api.problems import ConflictError
from palmares.queue.clock import database_now
from palmares.queue.dependencies import AT_ONCE, cannot_start, needed_by, waiting_for
from palmares.queue.exceptions import CancelledError, LeaseLostError
from palmares.queue.fairness import fair_order
from palmares.queue.models import OPEN_STATUSES, Status, WorkItem, work_models
from palmares.queue.notifications import announce, count_messages, notify_workers
from palmares.queue.postponement import given_up, put_off
from palmares.queue.routing import queue_of, queues_of, take_back

Item = TypeVar("Item", bound=WorkItem)

GRACE_SECONDS = 2.0
"""How long whoever queued a row has to notify workers of it."""
LOST_SECONDS = 4.0
"""Age of a notification after which it is repeated for a row still queued, where the broker holds no message at all."""
QUIET_SECONDS = 600.0
"""The same, where it holds messages: this row's is probably among them."""


@transaction.atomic
def enqueue(*, item: WorkItem) -> None:
    """Queue a row, from whatever state, with a clean record. Workers are notified once this is committed."""
    item.status, item.stage, item.progress, item.error = Status.QUEUED, "", 0.0, ""
    item.attempts, item.cancel_requested = 0, False
    item.lease = item.lease_expires_at = item.started_at = item.finished_at = item.notified_at = None
    item.postponed_since = item.not_before = None
    item.queued_at = database_now()
    item.save()
    _after_commit(item)
    if _is_startable(item):
        transaction.on_commit(lambda: _notify_workers_of(item), robust=True)


@transaction.atomic
def enqueue_new(*, items: Sequence[WorkItem]) -> None:
    """Queue many new rows of one kind; workers are notified of the first ones on commit, of the others by the reaper."""
    if not items:
        return
    model = type(items[0])
    _manager(model).bulk_create(items, batch_size=500)
    first = [item.pk for item in items[:AT_ONCE]]

    def notify_first() -> None:
        for item in _manager(model).filter(model.claimable(), pk__in=first, status=Status.QUEUED):
            _notify_workers_of(item)

    transaction.on_commit(notify_first, robust=True)


def notify(*, item: WorkItem) -> bool:
    """Notify workers of a queued row, unless it waits for other work.

    Returns:
        Whether a message was sent; False too where the broker cannot be reached.
    """
    return _is_startable(item) and _notify_workers_of(item)


@transaction.atomic
def cancel(*, item: WorkItem) -> None:
    """Stop work: at once where it waits, within seconds where a worker is at it.

    Raises:
        ConflictError: it is over already.
    """
    row = _locked(item)
    if row.is_final:
        raise ConflictError(f"This is already {row.status}; there is nothing to cancel.")
    if row.status == Status.QUEUED:
        _finish(row, Status.CANCELLED)
    else:
        row.cancel_requested = True
        row.save(update_fields=["cancel_requested"])
        _after_commit(row)
    _copy_state(row, item)


@transaction.atomic
def cancel_all(*, items: QuerySet[Any]) -> None:
    """Stop all rows of one kind that are not over."""
    items.filter(status__in=OPEN_STATUSES).update(cancel_requested=True)
    items.filter(status=Status.QUEUED).update(status=Status.CANCELLED, finished_at=database_now())


@transaction.atomic
def retry(*, item: WorkItem) -> None:
    """Queue again what failed or was cancelled.

    Raises:
        ConflictError: it did neither, or what it waits for did.
    """
    row = _locked(item)
    if row.status not in (Status.FAILED, Status.CANCELLED):
        raise ConflictError(f"This is {row.status}; only failed or cancelled work can be retried.")
    if row.WAITS_FOR and (needed := needed_by(row)).status in (Status.FAILED, Status.CANCELLED):
        raise ConflictError(f"It needs “{needed}”, which is {needed.status}; retry that first.")
    enqueue(item=row)
    _copy_state(row, item)


@transaction.atomic
def claim(*, model: type[Item], pk: UUID | str, seconds: float) -> Item | None:
    """Take a row to work on it under a lease of `seconds`.

    Returns:
        The row; None where there is nothing to do: it is gone, over, not to start yet, or another worker's.
    """
    now = database_now()
    free = Q(status=Status.QUEUED) | Q(status=Status.RUNNING, lease_expires_at__lt=now)
    item = _manager(model).select_for_update(skip_locked=True, of=("self",)).filter(free, model.claimable(), pk=pk).first()
    if item is None:
        return None
    if item.status == Status.RUNNING and _settle_lost(item):
        return None
    item.status, item.stage, item.progress, item.error = Status.RUNNING, "", 0.0, ""
    item.attempts += 1
    item.lease, item.lease_expires_at = uuid.uuid4(), now + timedelta(seconds=seconds)
    item.started_at, item.finished_at, item.not_before = now, None, None
    item.save()
    _after_commit(item)
    return item


def claim_next(*, queue: str, seconds: float) -> WorkItem | None:
    """Take the row of a queue whose turn it is, as `claim` does; None where none can start."""
    for model, pk in fair_order(queue=queue):
        if (item := claim(model=model, pk=pk, seconds=seconds)) is not None:
            return item
    return None


def heartbeat(*, item: WorkItem, stage: str, progress: float, seconds: float) -> None:
    """Say what is being done and hold the lease for `seconds` more.

    Raises:
        LeaseLostError: it is another's, or the row is gone.
        CancelledError: somebody asked for it to stop.
    """
    progress = min(1.0, max(0.0, progress))
    changed = (stage, round(progress, 3)) != (item.stage, round(item.progress, 3))
    held = _manager(type(item)).filter(pk=item.pk, lease=item.lease, status=Status.RUNNING)
    if not held.update(stage=stage[:80], progress=progress, lease_expires_at=database_now() + timedelta(seconds=seconds)):
        raise LeaseLostError(f"{item.pk} is another worker's")
    item.stage, item.progress = stage, progress
    if changed:
        _announce(item)
    if held.filter(cancel_requested=True).exists():
        raise CancelledError


@transaction.atomic
def succeed(*, item: WorkItem, publish: Callable[[], None]) -> None:
    """Publish and finish, both or neither: `publish` runs while the row is locked and the lease is known to be ours.

    Raises:
        LeaseLostError, CancelledError: nothing is published.
    """
    row = _held(item)
    if row.cancel_requested:
        raise CancelledError
    publish()
    row.refresh_from_db()
    row.progress = 1.0
    _finish(row, Status.SUCCEEDED)
    for waiting in waiting_for(row):
        transaction.on_commit(lambda waiting=waiting: _notify_workers_of(waiting), robust=True)  # type: ignore[misc]
    _copy_state(row, item)


@transaction.atomic
def fail(*, item: WorkItem, error: str) -> None:
    """Give up for good; `error` is a sentence for the person who asked. Raises `LeaseLostError`."""
    row = _held(item)
    _finish(row, Status.FAILED, error)
    _copy_state(row, item)


@transaction.atomic
def stop(*, item: WorkItem) -> None:
    """Confirm that cancelled work has stopped. Raises `LeaseLostError`."""
    row = _held(item)
    _finish(row, Status.CANCELLED)
    _copy_state(row, item)


@transaction.atomic
def release(*, item: WorkItem, reason: str, counts: bool = True, stage: str = "") -> None:
    """Give a row back to be taken by another worker, or by this one later.

    Args:
        item: the row, as it was claimed.
        reason: why, a sentence; what the row fails with where this was its last attempt.
        counts: whether the attempt counts; not where the worker was asked to stop, or the row waits for something.
        stage: what it waits for, shown meanwhile; workers are then notified by the reaper, a few seconds later.

    Raises:
        LeaseLostError: it is another's.
    """
    row = _held(item)
    if not counts:
        row.attempts -= 1
    _requeue(row, reason, stage=stage)
    _copy_state(row, item)


@transaction.atomic
def postpone(*, item: WorkItem, reason: str, stage: str) -> None:
    """Give a row back to be taken again after a pause that grows (`palmares.queue.postponement`).

    Args:
        item: the row, as it was claimed.
        reason: why, without a full stop; the row fails with it in the end.
        stage: what it waits for, shown meanwhile.

    Raises:
        LeaseLostError: it is another's.
    """
    row = _held(item)
    put_off(row, database_now())
    _requeue(row, given_up(row, reason), stage=stage)
    _copy_state(row, item)


def is_held(*, item: WorkItem) -> bool:
    """Whether the row is there and the lease it was claimed under is still in force."""
    return _manager(type(item)).filter(pk=item.pk, lease=item.lease, status=Status.RUNNING).exists()


@transaction.atomic
def release_lost(*, model: type[WorkItem], pk: UUID | str, lease: UUID | str) -> bool:
    """Put a row on its way again whose worker is known to have died under this lease; whether the row was still held by it."""
    row = _manager(model).select_for_update(of=("self",)).filter(pk=pk, lease=lease, status=Status.RUNNING).first()
    if row is not None:
        _put_back(row)
    return row is not None


class Reaped(NamedTuple):
    """What `reap` did: rows whose lost worker was noticed, and rows of which workers were notified again."""

    lost: int
    notified: int


def reap() -> Reaped:
    """Find rows whose worker is lost, and queued rows whose message may be; put both on their way again."""
    lost = notified = 0
    take_back()
    for model in work_models():
        lost += _reap_lost(model)
        _fail_orphans(model)
        notified += sum(_notify_again(model, queue, rows) for queue, rows in queues_of(model).items())
    return Reaped(lost, notified)


def _notify_again(model: type[WorkItem], queue: str, routed: Q) -> int:
    messages = count_messages(queue=queue)
    if messages is None:
        return 0
    now = database_now()
    never_notified = Q(notified_at__isnull=True, queued_at__lt=now - timedelta(seconds=GRACE_SECONDS))
    due = never_notified | Q(notified_at__lt=now - timedelta(seconds=QUIET_SECONDS if messages else LOST_SECONDS))
    rows = _manager(model).filter(due, routed, model.claimable(), status=Status.QUEUED).order_by("queued_at")[:200]
    return sum(_notify_workers_of(row) for row in rows)


@transaction.atomic
def _reap_lost(model: type[WorkItem]) -> int:
    expired = Q(status=Status.RUNNING, lease_expires_at__lt=database_now())
    rows = list(_manager(model).select_for_update(skip_locked=True, of=("self",)).filter(expired)[:200])
    for row in rows:
        _put_back(row)
    return len(rows)


@transaction.atomic
def _fail_orphans(model: type[WorkItem]) -> None:
    """Rows that wait for work that will never succeed (it failed in the moment they were queued)."""
    if model.WAITS_FOR:
        hopeless = Q(**{f"{model.WAITS_FOR}__status__in": (Status.FAILED, Status.CANCELLED)}, status=Status.QUEUED)
        for row in _manager(model).select_for_update(skip_locked=True, of=("self",)).filter(hopeless)[:200]:
            _finish(row, Status.FAILED, cannot_start(needed_by(row)))


def _manager(model: type[Item]) -> Manager[Item]:
    return model._default_manager


def _locked(item: Item) -> Item:
    row: Item = _manager(type(item)).select_for_update(of=("self",)).get(pk=item.pk)
    return row


def _held(item: Item) -> Item:
    row: Item | None = (
        _manager(type(item)).select_for_update(of=("self",)).filter(pk=item.pk, lease=item.lease, status=Status.RUNNING).first()
    )
    if row is None or item.lease is None:
        raise LeaseLostError(f"{item.pk} is another worker's")
    return row


def _is_startable(item: WorkItem) -> bool:
    return bool(_manager(type(item)).filter(item.claimable(), pk=item.pk, status=Status.QUEUED).exists())


def _notify_workers_of(item: WorkItem) -> bool:
    sent = notify_workers(task=item.TASK, queue=queue_of(item), pk=item.pk)
    if sent:
        item.notified_at = database_now()
        _manager(type(item)).filter(pk=item.pk, status=Status.QUEUED).update(notified_at=item.notified_at)
    return sent


def _put_back(row: WorkItem) -> None:
    """What befalls a row, locked by the caller, whose worker is lost."""
    if not _settle_lost(row):
        row.remove_leftovers()
        _requeue(row, "")


def _settle_lost(row: WorkItem) -> bool:
    """End a row whose worker is lost, where it must not be tried again; whether it was ended."""
    if row.cancel_requested:
        _finish(row, Status.CANCELLED)
    elif row.attempts >= row.MAX_ATTEMPTS:
        _finish(row, Status.FAILED, _gave_up(row))
    else:
        return False
    return True


def _gave_up(row: WorkItem) -> str:
    where = f" (last at “{row.stage}”, {row.progress:.0%})" if row.stage else ""
    return (
        f"The worker disappeared {row.attempts} times while at it{where}, most likely because memory ran out. "
        "Try again, perhaps with a shorter or smaller video."
    )


def _requeue(row: WorkItem, reason: str, *, stage: str = "") -> None:
    """Back into the queue at its old place, unless somebody cancelled it or its attempts are used up."""
    if row.cancel_requested:
        _finish(row, Status.CANCELLED)
        return
    if row.attempts >= row.MAX_ATTEMPTS:
        _finish(row, Status.FAILED, reason or _gave_up(row))
        return
    row.status, row.stage, row.progress = Status.QUEUED, stage, 0.0
    row.lease = row.lease_expires_at = row.started_at = row.notified_at = None
    row.save()
    _after_commit(row)
    if not stage:
        transaction.on_commit(lambda: _notify_workers_of(row), robust=True)


def _finish(row: WorkItem, status: Status, error: str = "") -> None:
    row.status, row.error, row.finished_at = status, error, database_now()
    row.lease = row.lease_expires_at = None
    row.save()
    _after_commit(row)
    row.remove_leftovers()  # while the row is locked, so that no new attempt has begun
    if status != Status.SUCCEEDED:
        for waiting in waiting_for(row):
            _finish(waiting, Status.FAILED, cannot_start(row))


def _after_commit(item: WorkItem) -> None:
    transaction.on_commit(lambda: _announce(item), robust=True)


def _announce(item: WorkItem) -> None:
    team_id = _manager(type(item)).filter(pk=item.pk).values_list(item.TEAM, flat=True).first()
    announce(team_id=team_id, kind=str(item._meta.model_name), pk=getattr(item, item.FOLLOWED_AS))


def _copy_state(row: WorkItem, item: WorkItem) -> None:
    """Let the caller's object show what happened to its row."""
    for field in WorkItem._meta.get_fields():
        if field.name != "id":
            setattr(item, field.name, getattr(row, field.name))
