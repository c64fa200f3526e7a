"""`/api/v1/uploads/`: send, list, follow, cancel, retry, remove, watch."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any, ClassVar
from uuid import UUID

import django_filters
from django.db.models import QuerySet
from django.http import HttpResponseBase
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.parsers import MultiPartParser
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from palmares.api.idempotency import KEY_PARAMETER, idempotent
from palmares.api.problems import NotFoundError
from palmares.api.ranges import stored_file
from palmares.api.schema import RANGE, file_responses
from palmares.queue.models import Status
from palmares.teams.viewsets import caller
from palmares.uploads import services
from palmares.uploads.models import PublicStatus, Upload
from palmares.uploads.serializers import NewUploadSerializer, UploadSerializer, UploadSummarySerializer, UploadUpdateSerializer

CONTENT_TYPES = {"web.mp4": "video/mp4", "poster.jpg": "image/jpeg", "filmstrip.jpg": "image/jpeg"}


class UploadFilter(django_filters.FilterSet):
    """By subject, team and status."""

    subject = django_filters.UUIDFilter(field_name="subject_id")
    team = django_filters.UUIDFilter(field_name="subject__team_id")
    status = django_filters.ChoiceFilter(choices=PublicStatus.choices, method="by_status")

    def by_status(self, queryset: QuerySet[Upload], name: str, value: str) -> QuerySet[Upload]:
        if value in ("receiving", "queued"):
            return queryset.filter(status=Status.QUEUED, received_at__isnull=value == "receiving")
        return queryset.filter(status={"ingesting": Status.RUNNING, "ready": Status.SUCCEEDED}.get(value, value))


@extend_schema_view(list=extend_schema(responses=UploadSummarySerializer(many=True)))
class UploadViewSet(
    mixins.ListModelMixin, mixins.RetrieveModelMixin, mixins.DestroyModelMixin, viewsets.GenericViewSet[Upload]
):
    """Videos and sets of images. Follow `status` until it is `ready` or `failed`; `error` then says why."""

    queryset = Upload.objects.none()
    serializer_class = UploadSerializer
    permission_classes = (IsAuthenticated,)
    lookup_value_converter = "uuid"
    filterset_class = UploadFilter
    problem_statuses: ClassVar = {"partial_update": (409,), "cancel": (409,), "retry": (409,)}

    def get_queryset(self) -> QuerySet[Upload]:
        return Upload.objects.visible_to(self.request.user).select_related("subject__team", "ground_truth")

    def get_serializer_class(self) -> type[serializers.BaseSerializer[Upload]]:
        return UploadSummarySerializer if self.action == "list" else UploadSerializer

    def get_parsers(self) -> list[Any]:
        sends_file = self.request is not None and self.request.method == "POST" and "pk" not in self.kwargs
        return [MultiPartParser()] if sends_file else super().get_parsers()

    @extend_schema(
        request={"multipart/form-data": NewUploadSerializer}, responses={201: UploadSerializer}, parameters=[KEY_PARAMETER]
    )
    @idempotent
    def create(self, request: Request) -> Response:
        """Upload a file in one request. For large files and unreliable networks there is tus at `uploads/tus/`."""
        form = NewUploadSerializer(data=request.data, context={"request": request})
        form.is_valid(raise_exception=True)
        upload = services.receive(
            by=caller(self),
            file=form.validated_data["file"],
            subject=form.validated_data.get("subject"),
            team=form.validated_data.get("team"),
            camera=form.camera(),
        )
        return Response(UploadSerializer(upload).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=UploadUpdateSerializer, responses=UploadSerializer)
    def partial_update(self, request: Request, pk: UUID) -> Response:
        """Rename an upload, move it to another subject of its team, or state its camera."""
        upload = self.get_object()
        form = UploadUpdateSerializer(data=request.data, context={"request": request}, partial=True)
        form.is_valid(raise_exception=True)
        return Response(UploadSerializer(services.update_upload(upload=upload, by=caller(self), **form.changes())).data)

    def perform_destroy(self, instance: Upload) -> None:
        services.delete_upload(upload=instance, by=caller(self))

    @extend_schema(request=None, responses=UploadSerializer)
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: UUID) -> Response:
        """Cancel the ingestion of an upload; a running one stops within seconds."""
        services.cancel_upload(upload=self.get_object(), by=caller(self))
        return Response(UploadSerializer(self.get_object()).data)

    @extend_schema(request=None, responses=UploadSerializer)
    @action(detail=True, methods=["post"])
    def retry(self, request: Request, pk: UUID) -> Response:
        """Queue the ingestion of an upload again that failed or was cancelled."""
        services.retry_upload(upload=self.get_object(), by=caller(self))
        return Response(UploadSerializer(self.get_object()).data)


class UploadMediaView(APIView):
    """`web.mp4`, `poster.jpg`, `filmstrip.jpg` and `source` (the file as it came), with byte ranges."""

    permission_classes = (IsAuthenticated,)

    @extend_schema(
        responses=file_responses(*dict.fromkeys(CONTENT_TYPES.values()), "application/octet-stream"),
        parameters=[
            OpenApiParameter("file", str, OpenApiParameter.PATH, enum=[*CONTENT_TYPES, "source"]),
            RANGE,
        ],
    )
    def get(self, request: Request, pk: UUID, file: str) -> HttpResponseBase:
        """Get a file of an upload."""
        upload = get_object_or_404(Upload.objects.visible_to(request.user), pk=pk)
        if file == "source" and upload.source:
            name = f"{PurePosixPath(upload.name).stem}{PurePosixPath(upload.source).suffix}"
            return stored_file(request, upload.source, content_type="application/octet-stream", download_as=name)
        if file in CONTENT_TYPES and upload.folder:
            return stored_file(request, f"{upload.folder.rstrip('/')}/{file}", content_type=CONTENT_TYPES[file])
        raise NotFoundError("This upload does not have this file (yet).")

    @extend_schema(exclude=True)
    def head(self, request: Request, pk: UUID, file: str) -> HttpResponseBase:
        return self.get(request, pk, file)
