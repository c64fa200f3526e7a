"""`/api/v1/uploads/tus/`: resumable uploads by tus (`palmares.api.tus`).

The address of an upload is its id; once complete it is an upload like any other, found at `/api/v1/uploads/{id}/`.
"""

from __future__ import annotations

from typing import IO, Any
from uuid import UUID

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.urls import reverse
from drf_spectacular.utils import extend_schema, extend_schema_view

from palmares.api.problems import InvalidError
from palmares.api.tus import TusCreation, TusFile
from palmares.subjects.models import Subject
from palmares.teams.models import Team
from palmares.teams.viewsets import caller
from palmares.uploads import resumable, services
from palmares.uploads.intrinsics import GivenCamera
from palmares.uploads.models import Upload


@extend_schema_view(
    post=extend_schema(
        operation_id="tus_create",
        summary="Begin the resumable upload of a video or images (tus creation)",
        description="Announce a file (tus creation): `Upload-Length`; `Upload-Metadata` of `filename`, `subject`, `team`, "
        "`focal_px`.",
    )
)
class TusCreationView(TusCreation):
    """Announces a file."""

    def begin(self, *, name: str, size: int, metadata: dict[str, str]) -> str:
        upload = resumable.begin(
            by=caller(self),
            name=name,
            size=size,
            subject=_related(Subject.objects.visible_to(caller(self)).select_related("team"), metadata, "subject"),
            team=_related(Team.objects.visible_to(caller(self)), metadata, "team"),
            camera=GivenCamera(focal_px=_number(metadata, "focal_px")),
        )
        return reverse("upload-tus", kwargs={"pk": upload.pk})


@extend_schema_view(
    patch=extend_schema(operation_id="tus_append", summary="Send bytes of a video or images (tus)"),
    delete=extend_schema(operation_id="tus_terminate", summary="Discard a resumable upload (tus termination)"),
)
class TusUploadView(TusFile):
    """A file on its way."""

    def _upload(self, pk: UUID) -> Upload:
        return get_object_or_404(Upload.objects.visible_to(self.request.user).select_related("subject__team"), pk=pk)

    def standing(self, pk: UUID) -> tuple[int, int]:
        upload = self._upload(pk)
        return upload.received_bytes, upload.size_bytes

    def append(self, pk: UUID, *, offset: int, stream: IO[bytes], checksum: tuple[str, str] | None) -> int:
        made = resumable.append(upload_id=pk, by=caller(self), offset=offset, stream=stream, checksum=checksum)
        return made.received_bytes

    def remove(self, pk: UUID) -> None:
        services.delete_upload(upload=self._upload(pk), by=caller(self))


def _number(metadata: dict[str, str], key: str) -> float | None:
    if not metadata.get(key):
        return None
    try:
        return float(metadata[key])
    except ValueError as error:
        raise InvalidError(f"Upload-Metadata: {key} is {metadata[key]!r}, expected a number.") from error


def _related(visible: QuerySet[Any], metadata: dict[str, str], key: str) -> Any:
    if not metadata.get(key):
        return None
    try:
        pk = UUID(metadata[key])
    except ValueError as error:
        raise InvalidError(f"Upload-Metadata: {key} is {metadata[key]!r}, expected a UUID.", field=key) from error
    found = visible.filter(pk=pk).first()
    if found is None:
        raise InvalidError(f"There is no {key} {pk} that you may see.", field=key)
    return found
