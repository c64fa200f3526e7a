"""What people do with the ground truth of an upload: attach, replace, remove. Whoever acts is `by`."""

from __future__ import annotations

from uuid import uuid4

from django.core.files.base import File
from django.core.files.storage import default_storage
from django.db import IntegrityError, transaction

from ml.catalog import TRUTH_FORMATS
from palmares.api.problems import ConflictError, InvalidError, NotFoundError
from palmares.queue.services import enqueue
from palmares.teams.models import Role, User
from palmares.teams.services import require_role
from palmares.teams.storage_quota import reserve_storage
from palmares.uploads.attached_files import check_attached, stored_source
from palmares.uploads.models import GroundTruth, Upload


def attach_truth(*, upload: Upload, by: User | None, file: File, file_format: str, side: str = "right") -> GroundTruth:
    """Check a ground truth, store it and queue its import; one that was there goes, with all scores by it. Members only.

    Args:
        upload: ready.
        by: who sends it; None where the platform's operator does.
        file: as it came.
        file_format: key of `ml.catalog.TRUTH_FORMATS`.
        side: of the hands, in formats that do not say.

    Raises:
        RefusedFileError, InvalidError, TooLargeError, ConflictError: nothing is stored, what was there stays.
    """
    if by is not None:
        require_role(user=by, team=upload.subject.team, role=Role.MEMBER)
    if file_format not in TRUTH_FORMATS:
        raise InvalidError(f"There is no format {file_format!r}; there are {', '.join(TRUTH_FORMATS)}.", field="format")
    name, checked = check_attached(upload=upload, kind="truth", file=file, file_format=file_format, side=side)
    made = GroundTruth(
        id=uuid4(), upload=upload, created_by=by, name=name, format=file_format, side=side, size_bytes=int(file.size or 0),
        findings=checked.findings, rows=checked.rows,
    )  # fmt: skip
    try:
        with stored_source(prefix=made.storage_prefix, name=name, file=file) as made.source, transaction.atomic():
            reserve_storage(team=upload.subject.team, name=name, size=made.size_bytes)
            _replace(made)
    except IntegrityError as error:
        raise ConflictError("Another ground truth was attached, or the upload deleted, at the same moment.") from error
    return made


@transaction.atomic
def attach_rendered(*, upload: Upload, key: str) -> None:
    """Take over the truth that was rendered with an upload; called by the worker that renders it."""
    made = GroundTruth(
        upload=upload, created_by=upload.created_by, name="truth.npz", format="palmares", source=key,
        size_bytes=default_storage.size(key),
    )  # fmt: skip
    _replace(made)


@transaction.atomic
def remove_truth(*, upload: Upload, by: User | None) -> None:
    """Remove the ground truth of an upload, its files, and all scores by it; members only.

    Raises:
        NotFoundError: it has none.
    """
    if by is not None:
        require_role(user=by, team=upload.subject.team, role=Role.MEMBER)
    if not _remove(upload):
        raise NotFoundError(f"“{upload}” has no ground truth.")


@transaction.atomic
def _replace(made: GroundTruth) -> None:
    _remove(made.upload)
    enqueue(item=made)


def _remove(upload: Upload) -> bool:
    """Delete the row; locked before its scores are looked for, so that a worker adds none meanwhile."""
    found = GroundTruth.objects.select_for_update(of=("self",)).filter(upload=upload).first()
    if found is not None:
        found.delete()
    return found is not None
