"""Uploads in parts, which go on where they stopped: the services behind tus (`palmares.uploads.tus_views`).

The row says how many bytes count (`received_bytes`), the bytes are in `palmares.uploads.partial`. One row lock a write keeps
two senders apart: the second finds another offset.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from pathlib import Path
from typing import IO
from uuid import UUID

from django.core.files.storage import default_storage
from django.db import transaction
from django.utils import timezone

from palmares.api.problems import ConflictError, DomainError, GoneError, NotFoundError, UnsupportedContentError
from palmares.queue.models import Status
from palmares.subjects.models import Subject
from palmares.teams.models import Role, Team, User
from palmares.teams.services import require_role
from palmares.teams.storage_quota import reserve_storage
from palmares.uploads.file_types import HEAD_BYTES, checked_extension
from palmares.uploads.intrinsics import GivenCamera
from palmares.uploads.models import Upload
from palmares.uploads.partial import add_bytes, complete_file, forget_partial, head_of, make_partial, unknown_partials
from palmares.uploads.services import admit, check_size, clean_name, destination, source_key

logger = logging.getLogger(__name__)
KEPT = timedelta(days=2)
"""How long an upload waits for its next part."""
MOST_UNFINISHED = 100
"""Uploads of one person of which not all bytes were received: a browser announces all files of a folder at once."""


@transaction.atomic
def begin(
    *,
    by: User,
    name: str,
    size: int,
    subject: Subject | None = None,
    team: Team | None = None,
    camera: GivenCamera | None = None,
) -> Upload:
    """An upload whose bytes are still to come.

    Raises:
        InvalidError, TooLargeError, StorageQuotaError, InsufficientStorageError, ForbiddenError, NotFoundError: nothing is
            stored.
        ConflictError: `by` has `MOST_UNFINISHED` unfinished uploads.
    """
    name = clean_name(name)
    check_size(name=name, size=size)
    User.objects.select_for_update(no_key=True).get(pk=by.pk)
    unfinished = Upload.objects.filter(created_by=by, received_at=None, status=Status.QUEUED)
    if unfinished.count() >= MOST_UNFINISHED:
        raise ConflictError(
            f"You have {MOST_UNFINISHED} unfinished uploads; continue them or remove one. "
            f"They are removed {KEPT.days} days after the last bytes were received."
        )
    subject = destination(by=by, subject=subject, team=team)
    reserve_storage(team=subject.team, name=name, size=size)
    upload = Upload.objects.create(
        subject=subject,
        created_by=by,
        name=name,
        size_bytes=size,
        facts=(camera or GivenCamera()).as_facts(),
    )
    make_partial(upload.pk)
    return upload


def append(*, upload_id: UUID, by: User, offset: int, stream: IO[bytes], checksum: tuple[str, str] | None = None) -> Upload:
    """Add bytes; with the last of them the upload is queued for ingestion.

    Args:
        upload_id: from `begin`.
        by: a member of the team.
        stream: the bytes.
        offset: where they belong; must be where the upload stands.
        checksum: algorithm as `hashlib` names it, and the digest in hexadecimal.

    Raises:
        NotFoundError, ForbiddenError: not the caller's to write to.
        ConflictError: another offset, or no longer receiving.
        TooLargeError: more bytes than were announced; none of them count.
        ChecksumError: another digest; none of the bytes count.
        UnsupportedContentError: neither video nor images; the upload is gone.
        GoneError: what had come is lost.
    """
    try:
        with transaction.atomic():
            upload = _locked(upload_id, by)
            _write(upload, offset, stream, checksum)
    except UnsupportedContentError:
        Upload.objects.filter(pk=upload_id, received_at=None).delete()
        raise
    if upload.received_at is None and upload.received_bytes == upload.size_bytes:
        return finish(upload_id=upload_id)
    return upload


def finish(*, upload_id: UUID) -> Upload:
    """Hand a complete upload over to the storage and the queue. May be cut off at any point and done again."""
    with transaction.atomic():
        upload = Upload.objects.select_for_update(of=("self",)).get(pk=upload_id)
        if upload.received_at is not None or upload.received_bytes != upload.size_bytes:
            return upload
        try:
            with complete_file(upload_id, name=upload.name, size=upload.size_bytes, may_move=True) as whole:
                extension = checked_extension(head=whole.read(HEAD_BYTES), name=upload.name)
                whole.seek(0)
                stored = default_storage.save(source_key(upload_id=upload_id, extension=extension), whole)
        except GoneError:
            stored = _already_stored(upload_id)
        admit(upload=upload, source=stored, extension=Path(stored).suffix)
        transaction.on_commit(lambda: forget_partial(upload_id), robust=True)
    return upload


def expire_partials(*, kept: timedelta = KEPT) -> int:
    """Remove uploads that stopped coming, and finish those whose last step was cut off; how many were removed.

    Bytes that another machine holds are that machine's to finish.
    """
    removed, oldest = 0, timezone.now() - kept
    for upload in Upload.objects.filter(received_at=None, status=Status.QUEUED, facts__synthetic__isnull=True):
        if (upload.bytes_received_at or upload.created_at) < oldest:
            upload.delete()
            removed += 1
        elif upload.received_bytes == upload.size_bytes:
            try:
                finish(upload_id=upload.pk)
            except DomainError as refusal:
                logger.info("upload %s cannot be finished here: %s", upload.pk, refusal.detail)
    return removed


def sweep_partials(*, known: set[UUID]) -> int:
    """Remove bytes of which no row knows, among them `known` and this module's own; how many files."""
    known = known | set(Upload.objects.filter(received_at=None).values_list("pk", flat=True))
    found = list(unknown_partials(known))
    for file_id in found:
        forget_partial(file_id)
    return len(found)


def _locked(upload_id: UUID, by: User) -> Upload:
    upload = (
        Upload.objects.visible_to(by)
        .select_related("subject__team")
        .select_for_update(of=("self",))
        .filter(pk=upload_id)
        .first()
    )
    if upload is None:
        raise NotFoundError("There is no such upload; perhaps it expired or was removed.")
    require_role(user=by, team=upload.subject.team, role=Role.MEMBER)
    return upload


def _write(upload: Upload, offset: int, stream: IO[bytes], checksum: tuple[str, str] | None) -> None:
    if upload.received_at is None and upload.status != Status.QUEUED:
        raise ConflictError("This upload was cancelled and accepts no more bytes.")
    upload.received_bytes = add_bytes(
        upload.pk, received=upload.received_bytes, size=upload.size_bytes, offset=offset, stream=stream, checksum=checksum
    )
    if upload.received_bytes == offset:
        return
    if offset < HEAD_BYTES and upload.received_bytes >= min(HEAD_BYTES, upload.size_bytes):
        checked_extension(head=head_of(upload.pk, HEAD_BYTES), name=upload.name)
    upload.bytes_received_at = timezone.now()
    upload.save(update_fields=["received_bytes", "bytes_received_at"])


def _already_stored(upload_id: UUID) -> str:
    folder = f"uploads/{upload_id}"
    try:
        names = default_storage.listdir(folder)[1]
    except FileNotFoundError:
        names = []
    sources = [name for name in names if name.startswith("source")]
    if not sources:
        raise GoneError("The received part of this upload no longer exists; send the file again.")
    return f"{folder}/{sources[0]}"
