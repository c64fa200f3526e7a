"""What a run made, over HTTP: prediction, track and series as stored, and single frames as meshes."""

from __future__ import annotations

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
from palmares.runs.mesh_export import FORMATS, frame_meshes
from palmares.runs.models import Run

BINARY = {(200, "application/octet-stream"): OpenApiTypes.BINARY}


class _RunFileView(APIView):
    permission_classes = (IsAuthenticated,)

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


class PredictionFileView(_RunFileView):
    """`prediction.npz`."""

    @extend_schema(responses=BINARY)
    def get(self, request: Request, pk: UUID) -> HttpResponseBase:
        """The prediction as a `.npz` of plain arrays, with byte ranges."""
        run, folder = self.run_and_folder(pk)
        name = f"{run.upload.name.rsplit('.', 1)[0]}-{run.method}.npz"
        return stored_file(request, f"{folder}/prediction.npz", content_type="application/octet-stream", download_as=name)

    @extend_schema(exclude=True)
    def head(self, request: Request, pk: UUID) -> HttpResponseBase:
        return self.get(request, pk)


class TrackView(_RunFileView):
    """`track.json`."""

    @extend_schema(responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, pk: UUID) -> HttpResponseBase:
        """The header of the track: the meshes as the viewer takes them."""
        return stored_file(request, f"{self.run_and_folder(pk)[1]}/track.json", content_type="application/json")


class TrackChunkView(_RunFileView):
    """Chunks and faces, named by their content."""

    @extend_schema(responses=BINARY)
    def get(self, request: Request, pk: UUID, name: str) -> HttpResponseBase:
        """One file of the track; it never changes."""
        key = f"{self.run_and_folder(pk)[1]}/track/{name}.bin"
        return stored_file(request, key, content_type="application/octet-stream", caching=IMMUTABLE)


class SeriesView(_RunFileView):
    """`series.json`."""

    @extend_schema(responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, pk: UUID) -> HttpResponseBase:
        """The metrics by frame that need no truth."""
        return stored_file(request, f"{self.run_and_folder(pk)[1]}/series.json", content_type="application/json")


class FrameMeshView(_RunFileView):
    """The meshes of one frame, for other programs."""

    @extend_schema(responses=BINARY, parameters=[OpenApiParameter("extension", str, OpenApiParameter.PATH, enum=list(FORMATS))])
    def get(self, request: Request, pk: UUID, frame: int, extension: str) -> HttpResponse:
        """One frame as GLB (y up, as glTF wants), OBJ or PLY (the camera's own axes: x right, y down, z away); metres."""
        run, folder = self.run_and_folder(pk)
        content = frame_meshes(folder=folder, method=run.method, frame=frame, extension=extension)
        name = f"{run.upload.name.rsplit('.', 1)[0]}-{run.method}-{frame:06d}.{extension}"
        headers = {"Content-Disposition": disposition(name), "Cache-Control": "private, no-cache"}
        return HttpResponse(content, content_type=FORMATS[extension], headers=headers)
