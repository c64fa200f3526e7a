"""`/api/v1/methods/` and `/api/v1/runs/`: start, list, follow, cancel, retry, remove."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

import django_filters
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.parsers import MultiPartParser
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from ml.catalog import METHODS
from palmares.api.idempotency import KEY_PARAMETER, idempotent
from palmares.api.limited_check import RefusedFileError, refused_answer
from palmares.queue.models import Status
from palmares.runs import services
from palmares.runs.external_runs import MAX_METHOD_NAME, add_external_run
from palmares.runs.models import Run
from palmares.runs.serializers import (
    MethodSerializer,
    NewExternalRunSerializer,
    NewRunSerializer,
    QueuedRunsSerializer,
    RunBatchSerializer,
    RunSerializer,
    RunSummarySerializer,
)
from palmares.teams.viewsets import caller


class MethodsView(APIView):
    """The methods that can be run here."""

    permission_classes = (IsAuthenticated,)

    @extend_schema(responses=MethodSerializer(many=True), operation_id="methods_list")
    def get(self, request: Request) -> Response:
        """List the methods that can be run, with what they take and give."""
        return Response(MethodSerializer(list(METHODS.values()), many=True).data)


class RunFilter(django_filters.FilterSet):
    """By upload, subject, team, method and status."""

    upload = django_filters.UUIDFilter(field_name="upload_id")
    subject = django_filters.UUIDFilter(field_name="upload__subject_id")
    team = django_filters.UUIDFilter(field_name="upload__subject__team_id")
    method = django_filters.CharFilter(max_length=MAX_METHOD_NAME)
    status = django_filters.ChoiceFilter(choices=Status.choices)


@extend_schema_view(list=extend_schema(responses=RunSummarySerializer(many=True)))
class RunViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, mixins.DestroyModelMixin, viewsets.GenericViewSet[Run]):
    """Methods at work on uploads. Follow `status`, `stage` and `progress` until it is final; `error` says why one failed."""

    queryset = Run.objects.none()
    serializer_class = RunSerializer
    permission_classes = (IsAuthenticated,)
    lookup_value_converter = "uuid"
    filterset_class = RunFilter
    problem_statuses: ClassVar = {"create": (409,), "batch": (409,), "cancel": (409,), "retry": (409,)}

    def get_queryset(self) -> QuerySet[Run]:
        return Run.objects.visible_to(self.request.user).select_related("prediction", "upload__subject__team")

    def get_serializer_class(self) -> type[serializers.BaseSerializer[Run]]:
        return RunSummarySerializer if self.action == "list" else RunSerializer

    def get_parsers(self) -> list[Any]:
        sends = (self.action_map or {}).get("post") == "create" and self.request is not None and self.request.method == "POST"
        return [*super().get_parsers(), MultiPartParser()] if sends else super().get_parsers()

    @extend_schema(
        request={"application/json": NewRunSerializer, "multipart/form-data": NewExternalRunSerializer},
        responses={201: RunSerializer},
        parameters=[KEY_PARAMETER],
    )
    @idempotent
    def create(self, request: Request) -> Response:
        """Start a method on an upload, or add predictions of an external method.

        As JSON: the method is run here; on an upload that is not ready yet, the run waits for it. As a multipart form: `file`
        holds the predictions of a method that ran elsewhere. It is checked at once, and refused with the place of the fault.
        """
        if request.content_type.startswith("multipart/"):
            return self._add_external(request)
        form = NewRunSerializer(data=request.data, context={"request": request})
        form.is_valid(raise_exception=True)
        run = services.start_run(by=caller(self), **form.validated_data)
        return Response(RunSerializer(run).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=RunBatchSerializer, responses=QueuedRunsSerializer)
    @action(detail=False, methods=["post"])
    def batch(self, request: Request) -> Response:
        """Run methods on several uploads, each where it has not run yet."""
        form = RunBatchSerializer(data=request.data, context={"request": request})
        form.is_valid(raise_exception=True)
        queued, left_out = services.run_methods(by=caller(self), **form.validated_data)
        return Response({"queued": queued, "left_out": left_out})

    def _add_external(self, request: Request) -> Response:
        form = NewExternalRunSerializer(data=request.data, context={"request": request})
        form.is_valid(raise_exception=True)
        sent = dict(form.validated_data)
        run = add_external_run(by=caller(self), file_format=sent.pop("format"), **sent)
        return Response(RunSerializer(run).data, status=status.HTTP_201_CREATED)

    def handle_exception(self, exc: Exception) -> Response:
        return refused_answer(exc) if isinstance(exc, RefusedFileError) else super().handle_exception(exc)

    def perform_destroy(self, instance: Run) -> None:
        services.delete_run(run=instance, by=caller(self))

    @extend_schema(request=None, responses=RunSerializer)
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: UUID) -> Response:
        """Cancel a run; a running one stops within seconds."""
        services.cancel_run(run=self.get_object(), by=caller(self))
        return Response(RunSerializer(self.get_object()).data)

    @extend_schema(request=None, responses=RunSerializer)
    @action(detail=True, methods=["post"])
    def retry(self, request: Request, pk: UUID) -> Response:
        """Queue a run again that failed or was cancelled."""
        services.retry_run(run=self.get_object(), by=caller(self))
        return Response(RunSerializer(self.get_object()).data)
