"""What a run made, over HTTP: prediction, track and series as stored, and single frames as meshes."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.views import APIView

from palmares.api.problems import NotFoundError
from palmares.api.ranges import IMMUTABLE, disposition, stored_file
from palmares.api.schema import RANGE, file_responses
from palmares.runs.mesh_export import FORMATS, frame_meshes
from palmares.runs.models import Run


class RunFileView(APIView):
    """Files of a run that made a prediction."""

    permission_classes: Any = (IsAuthenticated,)

    def run_and_folder(self, pk: UUID) -> tuple[Run, str]:
        """The run and the storage prefix of what it made.

        Raises:
            NotFoundError: it has made nothing (yet).
        """
        visible = Run.objects.visible_to(self.request.user).select_related("prediction", "upload")
        run = get_object_or_404(visible, pk=pk)
        if run.prediction is None:
            raise NotFoundError(f"This run is {run.status} and has no prediction.")
        return run, run.prediction.folder.rstrip("/")


class PredictionFileView(RunFileView):
    """`prediction.npz`."""

    @extend_schema(responses=file_responses("application/octet-stream"), parameters=[RANGE])
    def get(self, request: Request, pk: UUID) -> HttpResponseBase:
        """Get the prediction of a run as a `.npz` of plain arrays."""
        run, folder = self.run_and_folder(pk)
        name = f"{run.upload.name.rsplit('.', 1)[0]}-{run.method}.npz"
        return stored_file(request, f"{folder}/prediction.npz", content_type="application/octet-stream", download_as=name)

    @extend_schema(exclude=True)
    def head(self, request: Request, pk: UUID) -> HttpResponseBase:
        return self.get(request, pk)


class TrackView(RunFileView):
    """`track.json`."""

    @extend_schema(responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, pk: UUID) -> HttpResponseBase:
        """Get the header of a run's track, the meshes as the viewer reads them."""
        return stored_file(request, f"{self.run_and_folder(pk)[1]}/track.json", content_type="application/json")


class TrackChunkView(RunFileView):
    """Chunks and faces, named by their content."""

    @extend_schema(operation_id="runs_track_file", responses=file_responses("application/octet-stream"), parameters=[RANGE])
    def get(self, request: Request, pk: UUID, name: str) -> HttpResponseBase:
        """Get one binary file of a run's track; it never changes."""
        key = f"{self.run_and_folder(pk)[1]}/track/{name}.bin"
        return stored_file(request, key, content_type="application/octet-stream", caching=IMMUTABLE)


class SeriesView(RunFileView):
    """`series.json`."""

    @extend_schema(responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, pk: UUID) -> HttpResponseBase:
        """Get the metrics of each frame that need no ground truth.

        Runs of `hmp2024` also have the `keypoints` of each track.

        Those are a letter a frame for their source (d: the detector, p: projected from the refined run, m: missing), a digit a
        frame for their confidence in ninths, and the frames of detector failures and of jumps of the hand's box.
        """
        return stored_file(request, f"{self.run_and_folder(pk)[1]}/series.json", content_type="application/json")


class FrameMeshView(RunFileView):
    """The meshes of one frame, for other programs."""

    @extend_schema(
        operation_id="runs_frame_mesh",
        responses={(200, kind): OpenApiTypes.BINARY for kind in dict.fromkeys(FORMATS.values())},
        parameters=[OpenApiParameter("extension", str, OpenApiParameter.PATH, enum=list(FORMATS))],
    )
    def get(self, request: Request, pk: UUID, frame: int, extension: str) -> HttpResponse:
        """Get the meshes of one frame: metres; x right, y up, z towards the camera. OpenCV's camera frame is (x, -y, -z)."""
        run, folder = self.run_and_folder(pk)
        content = frame_meshes(folder=folder, method=run.method, frame=frame, extension=extension)
        name = f"{run.upload.name.rsplit('.', 1)[0]}-{run.method}-{frame:06d}.{extension}"
        headers = {"Content-Disposition": disposition(name), "Cache-Control": "private, no-cache"}
        return HttpResponse(content, content_type=FORMATS[extension], headers=headers)
