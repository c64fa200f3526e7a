"""What people do with uploads: send a whole file, remove it. In parts: `palmares.uploads.resumable`. Whoever acts is `by`."""

from __future__ import annotations

from pathlib import PurePath
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.core.files.base import File
from django.core.files.storage import default_storage
from django.db import transaction
from django.utils import timezone

from palmares.api.problems import ConflictError, InvalidError, TooLargeError
from palmares.disk_space import require_space
from palmares.media_storage import delete_stored_files
from palmares.queue.services import cancel, enqueue, retry
from palmares.subjects.models import Subject
from palmares.subjects.services import unsorted_subject
from palmares.teams.models import Role, Team, User
from palmares.teams.open_work import require_open_place
from palmares.teams.services import first_team, require_role
from palmares.teams.storage_quota import require_storage, reserve_storage
from palmares.uploads.file_types import HEAD_BYTES, checked_extension, is_images
from palmares.uploads.intrinsics import GivenCamera
from palmares.uploads.models import GroundTruth, Upload
from palmares.uploads.partial import forget_partial

MAX_NAME = 255


def clean_name(name: str) -> str:
    """A file's name as people will see it: its last part, without control characters; never a path, never stored as one."""
    last = PurePath(name.replace("\\", "/")).name
    return "".join(c for c in last if c.isprintable()).strip()[:MAX_NAME] or "untitled"


def destination(*, by: User, subject: Subject | None, team: Team | None) -> Subject:
    """The subject an upload goes to: the one named, else “Unsorted” of the team named, else of the caller's first team.

    Raises:
        NotFoundError, ForbiddenError: `by` may not upload there.
        InvalidError: the subject is another team's.
    """
    if subject is None:
        team = team or first_team(user=by)
        require_role(user=by, team=team, role=Role.MEMBER)
        return unsorted_subject(team=team, by=by)
    if team is not None and subject.team_id != team.pk:
        raise InvalidError(f"The subject “{subject}” is not one of the team “{team}”.", field="subject")
    require_role(user=by, team=subject.team, role=Role.MEMBER)
    return subject


def check_size(*, name: str, size: int) -> None:
    """Refuse what is empty or too large, or for which this machine has no space.

    Raises:
        InvalidError, TooLargeError, InsufficientStorageError: with the sizes in it.
    """
    if size <= 0:
        raise InvalidError(f"“{name}” is empty (0 bytes); was it still being written?", field="file")
    if size > settings.MAX_UPLOAD_BYTES:
        raise TooLargeError(
            f"“{name}” has {size / 1e6:.0f} MB; at most {settings.MAX_UPLOAD_BYTES / 1e6:.0f} MB are accepted.", field="file"
        )
    require_space(size)


def receive(
    *, by: User, file: File, subject: Subject | None = None, team: Team | None = None, camera: GivenCamera | None = None
) -> Upload:
    """Take in a whole file and queue its ingestion.

    Raises:
        InvalidError, TooLargeError, StorageQuotaError, UnsupportedContentError: nothing is stored.
    """
    name, size = clean_name(str(file.name)), int(file.size or 0)
    check_size(name=name, size=size)
    file.seek(0)
    extension = checked_extension(head=file.read(HEAD_BYTES), name=name)
    file.seek(0)
    subject = destination(by=by, subject=subject, team=team)
    require_storage(team=subject.team, name=name, size=size)
    upload = Upload(
        id=uuid4(),
        subject=subject,
        created_by=by,
        name=name,
        size_bytes=size,
        received_bytes=size,
        facts=(camera or GivenCamera()).as_facts(),
    )
    try:
        key = default_storage.save(source_key(upload_id=upload.id, extension=extension), file)
        with transaction.atomic():
            reserve_storage(team=subject.team, name=name, size=size)
            admit(upload=upload, source=key, extension=extension)
    except BaseException:
        delete_stored_files(f"uploads/{upload.id}")
        raise
    return upload


@transaction.atomic
def admit(*, upload: Upload, source: str, extension: str) -> None:
    """All bytes are stored under the key `source`: keep the row and queue its ingestion."""
    upload.source = source
    upload.kind = Upload.Kind.IMAGES if is_images(extension) else Upload.Kind.VIDEO
    upload.received_at = timezone.now()
    upload.save()
    enqueue(item=upload)


def source_key(*, upload_id: UUID, extension: str) -> str:
    """Where the file as it came is kept."""
    return f"uploads/{upload_id}/source{extension}"


@transaction.atomic
def create_synthetic(
    *, subject: Subject, name: str, facts: dict[str, Any], by: User | None, has_private_truth: bool = False
) -> Upload:
    """An upload without a file, which ingestion renders first (`facts` → `ml.synthetic`).

    The truth that is rendered with it becomes the upload's ground truth, unless it is a benchmark's private one.
    """
    about: dict[str, Any] = {"synthetic": facts} | ({"private_truth": True} if has_private_truth else {})
    upload = Upload(subject=subject, created_by=by, name=name, size_bytes=0, facts=about)
    upload.received_at = timezone.now()
    upload.save()
    enqueue(item=upload)
    return upload


SAMPLE_SUBJECT = "Sample (rendered)"


@transaction.atomic
def add_sample(*, team: Team | None, by: User) -> Upload:
    """A short rendered clip in a team of the caller's, to try methods on; each further one has other hands and motion.

    Raises:
        TooMuchOpenWorkError: the team has too many uploads that are not ready.
    """
    team = team or first_team(user=by)
    require_role(user=by, team=team, role=Role.MEMBER)
    require_open_place(model=Upload, team=team)
    subject, _ = Subject.objects.get_or_create(
        team=team, name=SAMPLE_SUBJECT, defaults={"created_by": by, "notes": "Rendered from the open hand."}
    )
    number = Upload.objects.filter(subject=subject).count()
    return create_synthetic(subject=subject, name=f"Sample clip {number + 1}.mp4", facts={"subject": 0, "seed": number}, by=by)


@transaction.atomic
def update_upload(
    *, upload: Upload, by: User, name: str | None = None, subject: Subject | None = None, camera: GivenCamera | None = None
) -> Upload:
    """Rename an upload, move it to another subject of its team, or state its camera; members only.

    Runs that were made with the former camera keep their results.

    Raises:
        InvalidError: the subject is another team's.
        ConflictError: the upload was used in a calibration of its present subject.
    """
    require_role(user=by, team=upload.subject.team, role=Role.MEMBER)
    row = Upload.objects.select_for_update(of=("self",)).select_related("subject__team").get(pk=upload.pk)
    if name is not None:
        row.name = clean_name(name)
    if subject is not None and subject.pk != row.subject_id:
        destination(by=by, subject=subject, team=row.subject.team)
        if row.calibrations.exists():
            raise ConflictError(
                f"“{row}” was used in a calibration of “{row.subject}”; delete that calibration before moving the upload.",
                field="subject",
            )
        row.subject = subject
    if camera is not None:
        row.facts = {key: value for key, value in row.facts.items() if key != "camera"} | camera.as_facts()
        if row.width and row.height:
            source = (row.facts.get("source_width") or row.width, row.facts.get("source_height") or row.height)
            row.intrinsics = camera.matrix(source=source, shown=(row.width, row.height))
    row.save(update_fields=["name", "subject", "facts", "intrinsics"])
    return row


@transaction.atomic
def delete_upload(*, upload: Upload, by: User) -> None:
    """Remove an upload with its ground truth, its runs and all files; members only. Work under way notices and stops."""
    require_role(user=by, team=upload.subject.team, role=Role.MEMBER)
    GroundTruth.objects.select_for_update(of=("self",)).filter(upload=upload).first()  # so that no score of it is added
    upload.delete()


def cancel_upload(*, upload: Upload, by: User) -> None:
    """Stop an ingestion; members only. Raises `ConflictError` when it is over."""
    require_role(user=by, team=upload.subject.team, role=Role.MEMBER)
    cancel(item=upload)
    if upload.received_at is None:
        forget_partial(upload.pk)


def retry_upload(*, upload: Upload, by: User) -> None:
    """Queue an ingestion that failed or was cancelled again; members only.

    Raises:
        ConflictError: it did neither, or its file is gone.
    """
    require_role(user=by, team=upload.subject.team, role=Role.MEMBER)
    if not upload.source and "synthetic" not in upload.facts:
        raise ConflictError("The file of this upload was refused and deleted; upload it again.")
    retry(item=upload)
