"""`/api/v1/uploads/{id}/truth/`: attach, get and remove the ground truth of an upload, and its track for the viewer."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from django.http import HttpResponseBase
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.parsers import MultiPartParser
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from ml.catalog import TRUTH_FORMATS
from palmares.api.limited_check import RefusedFileError, refused_answer
from palmares.api.problems import NotFoundError
from palmares.api.ranges import IMMUTABLE, stored_file
from palmares.api.schema import RANGE, file_responses
from palmares.teams.viewsets import caller
from palmares.uploads.attached_files import SIDE_CHOICES
from palmares.uploads.ground_truths import attach_truth, remove_truth
from palmares.uploads.models import GroundTruth, Upload
from palmares.uploads.serializers import GroundTruthSerializer


class NewGroundTruthSerializer(serializers.Serializer[Any]):
    """A ground truth to attach."""

    file = serializers.FileField(allow_empty_file=True, max_length=1000)
    format = serializers.ChoiceField(choices=list(TRUTH_FORMATS.items()))
    side = serializers.ChoiceField(choices=SIDE_CHOICES, default="right", help_text="Of the hands, in formats that do not say.")


class TruthFileView(APIView):
    """Files of the ground truth of an upload."""

    permission_classes: Any = (IsAuthenticated,)

    def upload(self, pk: UUID) -> Upload:
        """The upload of the address, which the caller may see."""
        visible = Upload.objects.visible_to(self.request.user).select_related("subject__team", "ground_truth")
        return get_object_or_404(visible, pk=pk)

    def truth_and_folder(self, pk: UUID) -> tuple[GroundTruth, str]:
        """The ground truth and the storage prefix of its files.

        Raises:
            NotFoundError: there is none (yet).
        """
        upload = self.upload(pk)
        truth: GroundTruth | None = getattr(upload, "ground_truth", None)
        if truth is None:
            raise NotFoundError(f"“{upload}” has no ground truth.")
        if not truth.folder:
            raise NotFoundError(f"The ground truth of “{upload}” is {truth.status} and cannot be shown (yet).")
        return truth, truth.folder


class TruthView(TruthFileView):
    """The ground truth of an upload, for its team alone."""

    problem_statuses: ClassVar = {"put": (409, 422)}

    def get_parsers(self) -> list[Any]:
        return [MultiPartParser()]

    @extend_schema(
        operation_id="uploads_truth_retrieve", responses=file_responses("application/octet-stream"), parameters=[RANGE]
    )
    def get(self, request: Request, pk: UUID) -> HttpResponseBase:
        """Get the ground truth of an upload as a canonical `.npz`."""
        truth, folder = self.truth_and_folder(pk)
        name = f"{truth.upload.name.rsplit('.', 1)[0]}-truth.npz"
        return stored_file(request, f"{folder}/truth.npz", content_type="application/octet-stream", download_as=name)

    @extend_schema(exclude=True)
    def head(self, request: Request, pk: UUID) -> HttpResponseBase:
        return self.get(request, pk)

    @extend_schema(
        operation_id="uploads_truth_update",
        request={"multipart/form-data": NewGroundTruthSerializer},
        responses={200: GroundTruthSerializer, 201: GroundTruthSerializer},
    )
    def put(self, request: Request, pk: UUID) -> Response:
        """Attach a ground truth to an upload, in place of the one that it may have.

        The file is checked at once; what cannot be used is refused with the place of the fault, and what was there stays. All
        runs of the upload are then scored again.
        """
        upload = self.upload(pk)
        is_new = getattr(upload, "ground_truth", None) is None
        form = NewGroundTruthSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        sent = form.validated_data
        made = attach_truth(upload=upload, by=caller(self), file=sent["file"], file_format=sent["format"], side=sent["side"])
        code = status.HTTP_201_CREATED if is_new else status.HTTP_200_OK
        return Response(GroundTruthSerializer(made).data, status=code)

    @extend_schema(operation_id="uploads_truth_destroy", responses={204: None})
    def delete(self, request: Request, pk: UUID) -> Response:
        """Remove the ground truth of an upload, with all scores of runs against it."""
        remove_truth(upload=self.upload(pk), by=caller(self))
        return Response(status=status.HTTP_204_NO_CONTENT)

    def handle_exception(self, exc: Exception) -> Response:
        return refused_answer(exc) if isinstance(exc, RefusedFileError) else super().handle_exception(exc)


class TruthTrackView(TruthFileView):
    """`track.json` of the ground truth."""

    @extend_schema(operation_id="uploads_truth_track", responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, pk: UUID) -> HttpResponseBase:
        """Get the header of the ground truth's track, in the layout of a run's."""
        return stored_file(request, f"{self.truth_and_folder(pk)[1]}/track.json", content_type="application/json")


class TruthTrackFileView(TruthFileView):
    """Chunks and faces, named by their content."""

    @extend_schema(
        operation_id="uploads_truth_track_file", responses=file_responses("application/octet-stream"), parameters=[RANGE]
    )
    def get(self, request: Request, pk: UUID, name: str) -> HttpResponseBase:
        """Get one binary file of the ground truth's track; it never changes."""
        key = f"{self.truth_and_folder(pk)[1]}/track/{name}.bin"
        return stored_file(request, key, content_type="application/octet-stream", caching=IMMUTABLE)
