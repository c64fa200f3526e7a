"""`/api/v1/predictions/tus/`: files of predictions in parts, by tus (`palmares.api.tus`).

A complete one becomes a submission by its id: `sent` of `POST /api/v1/benchmarks/{slug}/submissions/`.
"""

from __future__ import annotations

from typing import IO
from uuid import UUID

from django.shortcuts import get_object_or_404
from django.urls import reverse
from drf_spectacular.utils import extend_schema, extend_schema_view

from palmares.api.tus import TusCreation, TusFile
from palmares.submissions import pending_files
from palmares.submissions.models import PendingFile
from palmares.teams.viewsets import caller


@extend_schema_view(
    post=extend_schema(
        operation_id="predictions_tus_create", summary="Begin the resumable upload of a prediction (tus creation)"
    )
)
class PendingFileCreationView(TusCreation):
    """Announces a prediction's file."""

    def begin(self, *, name: str, size: int, metadata: dict[str, str]) -> str:
        sent = pending_files.begin(by=caller(self), name=name, size=size)
        return reverse("prediction-tus", kwargs={"pk": sent.pk})


@extend_schema_view(
    patch=extend_schema(operation_id="predictions_tus_append", summary="Send bytes of a prediction (tus)"),
    delete=extend_schema(
        operation_id="predictions_tus_terminate", summary="Discard the upload of a prediction (tus termination)"
    ),
)
class PendingFileView(TusFile):
    """A prediction's file on its way; its sender's alone."""

    def _sent(self, pk: UUID) -> PendingFile:
        return get_object_or_404(PendingFile.objects.visible_to(self.request.user), pk=pk)

    def standing(self, pk: UUID) -> tuple[int, int]:
        sent = self._sent(pk)
        return sent.received_bytes, sent.size_bytes

    def append(self, pk: UUID, *, offset: int, stream: IO[bytes], checksum: tuple[str, str] | None) -> int:
        sent = pending_files.append(sent_id=pk, by=caller(self), offset=offset, stream=stream, checksum=checksum)
        return sent.received_bytes

    def remove(self, pk: UUID) -> None:
        self._sent(pk).delete()
