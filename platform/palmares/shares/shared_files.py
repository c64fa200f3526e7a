"""`/api/v1/shared/{token}/`: the files behind a shared page. Each answers only for what its link opens."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from django.http import HttpResponseBase
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.views import APIView

from palmares.api.problems import NotFoundError
from palmares.api.ranges import stored_file
from palmares.api.schema import RANGE, file_responses
from palmares.dashboards.models import DashboardImage
from palmares.dashboards.services import version_of
from palmares.runs.models import Run
from palmares.runs.run_files import RunFileView, SeriesView, TrackChunkView, TrackView
from palmares.shares.models import ShareLink
from palmares.shares.services import open_link
from palmares.shares.shared_dashboard import opened_runs
from palmares.shares.targets import current_target, runs_of
from palmares.shares.throttles import AddressThrottle, LinkThrottle
from palmares.uploads.models import GroundTruth
from palmares.uploads.truth_views import TruthFileView, TruthTrackFileView, TruthTrackView
from palmares.uploads.viewsets import CONTENT_TYPES

NOT_SHARED = "This link does not open that."


def shared_runs(link: ShareLink) -> list[Run]:
    """The runs whose files a link opens."""
    if link.kind == ShareLink.Kind.VIEWER:
        return runs_of(link, current_target(link))
    return opened_runs(link) if link.kind == ShareLink.Kind.DASHBOARD else []


class _SharedView(APIView):
    """Whoever has the link may ask, whether signed in or not; being signed in makes no difference."""

    http_method_names = ["get", "head"]  # noqa: RUF012 - as in View
    permission_classes: Any = (AllowAny,)
    authentication_classes = ()
    throttle_classes = (LinkThrottle, AddressThrottle)
    problem_statuses: ClassVar = {"get": (410,)}

    def link(self) -> ShareLink:
        """The link of the address.

        Raises:
            NotFoundError, GoneError: as `open_link`.
        """
        return open_link(token=self.kwargs["token"])


class _SharedRunFile(_SharedView, RunFileView):
    def run_and_folder(self, pk: UUID) -> tuple[Run, str]:
        """The run, which has to be one that the link opens, and its folder.

        Raises:
            NotFoundError: the link does not open this run.
            GoneError: it opens nothing any more.
        """
        for run in shared_runs(self.link()):
            if run.pk == pk and run.prediction is not None:
                return run, run.prediction.folder.rstrip("/")
        raise NotFoundError(NOT_SHARED)


class SharedTrackView(_SharedRunFile, TrackView):
    """`track.json` of a shared run."""

    @extend_schema(operation_id="shared_track", responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, token: str, pk: UUID) -> HttpResponseBase:  # type: ignore[override]
        """Get the header of a shared run's track."""
        return super().get(request, pk)


class SharedTrackChunkView(_SharedRunFile, TrackChunkView):
    """Chunks and faces of a shared run."""

    @extend_schema(operation_id="shared_track_file", responses=file_responses("application/octet-stream"), parameters=[RANGE])
    def get(self, request: Request, token: str, pk: UUID, name: str) -> HttpResponseBase:  # type: ignore[override]
        """Get one binary file of a shared run's track."""
        return super().get(request, pk, name)


class SharedSeriesView(_SharedRunFile, SeriesView):
    """`series.json` of a shared run."""

    @extend_schema(operation_id="shared_series", responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, token: str, pk: UUID) -> HttpResponseBase:  # type: ignore[override]
        """Get the metrics of each frame of a shared run that need no ground truth."""
        return super().get(request, pk)


class SharedMediaView(_SharedView):
    """The video of a shared viewer, where the link shows videos."""

    @extend_schema(
        operation_id="shared_media",
        responses=file_responses(*dict.fromkeys(CONTENT_TYPES.values())),
        parameters=[OpenApiParameter("file", str, OpenApiParameter.PATH, enum=list(CONTENT_TYPES)), RANGE],
    )
    def get(self, request: Request, token: str, pk: UUID, file: str) -> HttpResponseBase:
        """Get a media file of the shared upload; only of links that show videos."""
        link = self.link()
        found = shared_runs(link) if link.media and file in CONTENT_TYPES else []
        upload = next((run.upload for run in found if run.upload_id == pk), None)
        if upload is None:
            raise NotFoundError(NOT_SHARED)
        if not upload.folder:
            raise NotFoundError("The video of this upload is not ready yet.")
        return stored_file(request, f"{upload.folder.rstrip('/')}/{file}", content_type=CONTENT_TYPES[file])

    @extend_schema(exclude=True)
    def head(self, request: Request, **kwargs: Any) -> HttpResponseBase:
        return self.get(request, **kwargs)


class _SharedTruthFile(_SharedView, TruthFileView):
    def truth_and_folder(self, pk: UUID) -> tuple[GroundTruth, str]:
        """The ground truth of an upload that the link's viewers show, and its folder.

        Raises:
            NotFoundError: the link does not show it.
            GoneError: it opens nothing any more.
        """
        link = self.link()
        uploads = [run.upload for run in shared_runs(link) if run.upload_id == pk] if link.truth else []
        truth: GroundTruth | None = getattr(uploads[0], "ground_truth", None) if uploads else None
        if truth is None or not truth.folder:
            raise NotFoundError(NOT_SHARED)
        return truth, truth.folder


class SharedTruthTrackView(_SharedTruthFile, TruthTrackView):
    """`track.json` of the ground truth in a shared viewer."""

    @extend_schema(operation_id="shared_truth_track", responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, token: str, pk: UUID) -> HttpResponseBase:  # type: ignore[override]
        """Get the header of a shared ground truth's track; only of links that show it."""
        return super().get(request, pk)


class SharedTruthTrackFileView(_SharedTruthFile, TruthTrackFileView):
    """Chunks and faces of the ground truth in a shared viewer."""

    @extend_schema(
        operation_id="shared_truth_track_file", responses=file_responses("application/octet-stream"), parameters=[RANGE]
    )
    def get(self, request: Request, token: str, pk: UUID, name: str) -> HttpResponseBase:  # type: ignore[override]
        """Get one binary file of a shared ground truth's track; only of links that show it."""
        return super().get(request, pk, name)


class SharedImageView(_SharedView):
    """An image in a panel of a shared dashboard."""

    @extend_schema(
        operation_id="shared_image", responses=file_responses("image/png", "image/jpeg", "image/webp"), parameters=[RANGE]
    )
    def get(self, request: Request, token: str, pk: UUID) -> HttpResponseBase:
        """Get an image that a panel of the shared dashboard shows."""
        link = self.link()
        if link.kind != ShareLink.Kind.DASHBOARD:
            raise NotFoundError(NOT_SHARED)
        panels = version_of(current_target(link)).content["panels"]
        if str(pk) not in [panel["options"].get("image") for panel in panels]:
            raise NotFoundError(NOT_SHARED)
        image = get_object_or_404(DashboardImage, pk=pk, dashboard__team=link.team)
        return stored_file(request, image.key, content_type=image.content_type)
