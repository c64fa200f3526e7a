"""Files of predictions that come in parts, until a submission is made of them. Whoever acts is `by`: their sender, nobody else.

The row says how many bytes count, the bytes are in `palmares.uploads.partial`; they go when their row goes.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import IO
from uuid import UUID

from django.core.files.base import File
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from palmares.api.problems import ConflictError, DomainError, GoneError, InvalidError, NotFoundError
from palmares.submissions.models import PendingFile
from palmares.submissions.services import checked_name
from palmares.teams.models import User
from palmares.uploads.partial import add_bytes, complete_file, make_partial

KEPT = timedelta(days=2)
"""How long a file waits for its next part, or for the submission that is made of it."""
BEGINS = timedelta(hours=1)
"""How long an announced file waits for its first part: on a bad line one is announced twice, and the first never heard of."""
MOST = 5
"""Files of one person that no submission has been made of: each may be as large as any file."""


@transaction.atomic
def begin(*, by: User, name: str, size: int) -> PendingFile:
    """A file whose bytes are still to come.

    Raises:
        InvalidError, TooLargeError: no prediction can look like that.
        ConflictError: `by` has `MOST` files here.
    """
    name = checked_name(name=name, size=size)
    User.objects.select_for_update(no_key=True).get(pk=by.pk)
    if PendingFile.objects.visible_to(by).count() >= MOST:
        raise ConflictError(
            f"You have {MOST} unfinished files; submit them or remove one (DELETE). "
            f"They are removed {KEPT.days} days after the last bytes were received."
        )
    sent = PendingFile.objects.create(created_by=by, name=name, size_bytes=size)
    make_partial(sent.pk)
    return sent


def append(*, sent_id: UUID, by: User, offset: int, stream: IO[bytes], checksum: tuple[str, str] | None = None) -> PendingFile:
    """Add bytes to a file.

    Raises:
        NotFoundError: there is none that `by` sends.
        ConflictError, TooLargeError, ChecksumError: as `add_bytes`; the file stands where it stood.
        GoneError: what had come is lost, and the row with it.
    """
    try:
        with transaction.atomic():
            sent = PendingFile.objects.visible_to(by).select_for_update().filter(pk=sent_id).first()
            if sent is None:
                raise NotFoundError("There is no such file; perhaps it expired, or a submission was made of it.")
            sent.received_bytes = add_bytes(
                sent_id, received=sent.received_bytes, size=sent.size_bytes, offset=offset, stream=stream, checksum=checksum
            )
            sent.save(update_fields=["received_bytes", "changed_at"])
    except GoneError:
        PendingFile.objects.filter(pk=sent_id).delete()
        raise
    return sent


@contextmanager
def taken(*, sent_id: UUID, by: User) -> Iterator[File]:
    """A complete file, to make a submission of; row and bytes are gone afterwards, but stay if that fails.

    A lock on the row makes sure that two requests do not make two submissions of it.

    Raises:
        InvalidError: there is none that `by` sent; one of which a submission was made counts as none.
        ConflictError: not all of it has come.
        GoneError: what had come is lost.
    """
    with transaction.atomic():
        sent = PendingFile.objects.visible_to(by).select_for_update().filter(pk=sent_id).first()
        if sent is None:
            raise InvalidError(
                f"There is no file {sent_id} of yours; perhaps it expired, or a submission was made of it.", field="sent"
            )
        if sent.received_bytes < sent.size_bytes:
            raise ConflictError(
                f"Of “{sent.name}”, {sent.received_bytes} of {sent.size_bytes} bytes were received; send the rest."
            )
        with complete_file(sent_id, name=sent.name, size=sent.size_bytes) as whole:
            yield whole
        sent.delete()


def forget_refused(*, sent_id: UUID, by: User, refusal: DomainError) -> None:
    """Remove a file that was `taken` in vain, if that is the file's own fault: sent again, it would be refused again.

    After any other refusal (the day's quota, the deadline, a form's field, a fault of ours) it stays, so that the next try
    need not send it again. To be called outside the transaction that the refusal undid.
    """
    if refusal.field == "file" or isinstance(refusal, GoneError):
        PendingFile.objects.visible_to(by).filter(pk=sent_id).delete()


def expire_pending(*, kept: timedelta = KEPT, begins: timedelta = BEGINS) -> int:
    """Remove files that stopped coming or never began, and complete ones that nobody made a submission of; how many."""
    now = timezone.now()
    late = Q(changed_at__lt=now - kept) | Q(changed_at__lt=now - begins, received_bytes=0)
    with transaction.atomic():
        found = list(PendingFile.objects.select_for_update(skip_locked=True).filter(late))
        for sent in found:
            sent.delete()
    return len(found)
