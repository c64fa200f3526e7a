"""`/api/v1/submissions/` and `benchmarks/{slug}/submissions/`: send, follow, change, compare, take back."""

from __future__ import annotations

import csv
import hashlib
import io
from contextlib import nullcontext
from typing import Any, ClassVar
from uuid import UUID

import django_filters
from django.core.files.base import File
from django.db.models import QuerySet
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.generics import GenericAPIView
from rest_framework.parsers import MultiPartParser
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from palmares.api.idempotency import KEY_PARAMETER, idempotent
from palmares.api.limited_check import RefusedFileError, refused_answer
from palmares.api.problems import DomainError, ForbiddenError, NotFoundError
from palmares.api.ranges import stored_file
from palmares.api.schema import RANGE, file_responses
from palmares.benchmarks.models import Benchmark, Revision
from palmares.benchmarks.serializers import RevisionSerializer
from palmares.queue.models import Status
from palmares.spreadsheet_cells import plain_cell
from palmares.submissions import pending_files, services
from palmares.submissions.frame_file import frame_values
from palmares.submissions.models import Score, Submission, SubmissionQuerySet
from palmares.submissions.scorings import retry_failed_scorings
from palmares.submissions.serializers import (
    NewSubmissionSerializer,
    SubmissionFactsSerializer,
    SubmissionSerializer,
    SubmissionSummarySerializer,
    shown_content,
    shown_score,
)
from palmares.teams.services import role_in
from palmares.teams.viewsets import CHANGE_METHODS, caller


class SubmissionFilter(django_filters.FilterSet):
    """By benchmark, team and status."""

    benchmark = django_filters.CharFilter(field_name="benchmark__slug")
    team = django_filters.UUIDFilter(field_name="team_id")
    status = django_filters.ChoiceFilter(choices=Status.choices, method="in_status")

    def in_status(self, queryset: SubmissionQuerySet, name: str, value: str) -> SubmissionQuerySet:
        return queryset.in_status(value)


class BenchmarkSubmissionsView(GenericAPIView[Submission]):
    """A benchmark's submissions, and the way in for more."""

    queryset = Submission.objects.none()
    serializer_class = NewSubmissionSerializer
    permission_classes = (IsAuthenticated,)
    parser_classes = (MultiPartParser,)
    filter_backends = ()
    problem_statuses: ClassVar = {"post": (409, 410)}
    _sent: UUID | None = None

    @extend_schema(responses=SubmissionSummarySerializer(many=True))
    def get(self, request: Request, slug: str) -> Response:
        """List the submissions to a benchmark: those of the caller's teams and scored public ones, newest first."""
        benchmark = get_object_or_404(Benchmark.objects.visible_to(request.user), slug=slug)
        visible = Submission.objects.visible_to(request.user).filter(benchmark=benchmark)
        found = visible.select_related("benchmark", "team").with_scoring()
        return self.get_paginated_response(SubmissionSummarySerializer(self.paginate_queryset(found), many=True).data)

    @extend_schema(
        request={"multipart/form-data": NewSubmissionSerializer},
        responses={201: SubmissionSerializer},
        parameters=[KEY_PARAMETER],
    )
    @idempotent
    def post(self, request: Request, slug: str) -> Response:
        """Send a prediction to a benchmark.

        It comes as `file`, or as `sent` the id of a file that was uploaded in parts (tus, `predictions/tus/`). It is checked
        at once: what cannot be scored is refused, with the place of the fault. The file that `sent` names is removed when the
        submission is made or the file is refused; after any other refusal (quota, deadline, a field) it stays for two days.
        """
        benchmark = get_object_or_404(Benchmark.objects.visible_to(request.user).select_related("team"), slug=slug)
        form = NewSubmissionSerializer(data=request.data, context={"request": request})
        form.is_valid(raise_exception=True)
        facts = dict(form.validated_data)
        file, self._sent = facts.pop("file", None), facts.pop("sent", None)
        opened = pending_files.taken(sent_id=self._sent, by=caller(self)) if self._sent else nullcontext(file)
        with opened as file:
            made = services.submit(benchmark=benchmark, by=caller(self), file=file, sha256=sha256_of(file), **facts)
        return Response(SubmissionSerializer(made, context={"request": request}).data, status=status.HTTP_201_CREATED)

    def handle_exception(self, exc: Exception) -> Response:
        if self._sent and isinstance(exc, DomainError):
            pending_files.forget_refused(sent_id=self._sent, by=caller(self), refusal=exc)
        if isinstance(exc, RefusedFileError):
            return refused_answer(exc)
        return super().handle_exception(exc)


@extend_schema_view(list=extend_schema(responses=SubmissionSummarySerializer(many=True)))
class SubmissionViewSet(
    mixins.ListModelMixin, mixins.RetrieveModelMixin, mixins.DestroyModelMixin, viewsets.GenericViewSet[Submission]
):
    """Submissions of the caller's teams, and scored public ones. Follow `status`; `error` says why one failed."""

    queryset = Submission.objects.none()
    serializer_class = SubmissionSerializer
    permission_classes = (IsAuthenticated,)
    lookup_value_converter = "uuid"
    filterset_class = SubmissionFilter
    http_method_names = [*CHANGE_METHODS, "post"]  # noqa: RUF012 - as REST framework has it
    problem_statuses: ClassVar = {"cancel": (409,), "retry": (409,)}

    def get_queryset(self) -> QuerySet[Submission]:
        return Submission.objects.visible_to(self.request.user).select_related("benchmark", "team").with_scoring()

    def get_serializer_class(self) -> type[serializers.BaseSerializer[Submission]]:
        return SubmissionSummarySerializer if self.action == "list" else SubmissionSerializer

    @extend_schema(request=SubmissionFactsSerializer, responses=SubmissionSerializer)
    def partial_update(self, request: Request, pk: UUID) -> Response:
        """Change the description of a submission, or whether other teams see it."""
        found = self.get_object()
        form = SubmissionFactsSerializer(found, data=request.data, partial=True)
        form.is_valid(raise_exception=True)
        services.change_submission(submission=found, by=caller(self), **form.validated_data)
        return Response(SubmissionSerializer(found, context={"request": request}).data)

    def perform_destroy(self, instance: Submission) -> None:
        services.delete_submission(submission=instance, by=caller(self))

    @extend_schema(request=None, responses=SubmissionSerializer)
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: UUID) -> Response:
        """Cancel the scoring of a submission. What was not scored takes no quota."""
        services.cancel_submission(submission=self.get_object(), by=caller(self))
        return Response(SubmissionSerializer(self.get_object(), context={"request": request}).data)

    @extend_schema(request=None, responses=SubmissionSerializer)
    @action(detail=True, methods=["post"])
    def retry(self, request: Request, pk: UUID) -> Response:
        """Queue a submission again that failed or was cancelled."""
        services.retry_submission(submission=self.get_object(), by=caller(self))
        return Response(SubmissionSerializer(self.get_object(), context={"request": request}).data)


class RetryRevisionView(APIView):
    """Scoring again what failed under a revision."""

    permission_classes = (IsAuthenticated,)
    problem_statuses: ClassVar = {"post": (409,)}

    @extend_schema(request=None, responses=RevisionSerializer)
    def post(self, request: Request, pk: UUID) -> Response:
        """Queue the scorings under a revision that failed again; owners only."""
        revision = get_object_or_404(Revision.objects.visible_to(caller(self)).select_related("benchmark__team"), pk=pk)
        retry_failed_scorings(revision=revision, by=caller(self))
        revision.refresh_from_db()
        return Response(RevisionSerializer(revision).data)


class SubmissionFileView(APIView):
    """The file that a team sent: for that team, and for nobody else."""

    permission_classes = (IsAuthenticated,)

    @extend_schema(responses=file_responses("application/octet-stream"), parameters=[RANGE])
    def get(self, request: Request, pk: UUID) -> HttpResponseBase:
        """Get the file that was submitted."""
        found = get_object_or_404(Submission.objects.visible_to(request.user).select_related("team"), pk=pk)
        if role_in(user=caller(self), team=found.team) is None or not found.source:
            raise NotFoundError("There is no file here that you may see.")
        return stored_file(request, found.source, content_type="application/octet-stream", download_as=found.name)

    @extend_schema(exclude=True)
    def head(self, request: Request, pk: UUID) -> HttpResponseBase:
        return self.get(request, pk)


class SubmissionContentView(APIView):
    """What a score is made of, summed over frames."""

    permission_classes = (IsAuthenticated,)

    @extend_schema(responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, pk: UUID) -> Response:
        """Get the details of a score: PCK curves, errors by joint and by sequence, histograms, flags and hashes."""
        score = self.score(request, pk)
        return Response(shown_content(score, caller(self)))

    def score(self, request: Request, pk: UUID) -> Score:
        found = get_object_or_404(Submission.objects.visible_to(request.user).select_related("benchmark"), pk=pk)
        if (score := shown_score(found)) is None:
            raise NotFoundError(f"This submission is {found.status} and has no published score.")
        return score


class SubmissionFramesView(SubmissionContentView):
    """Figures by frame, where the benchmark's owner allows it."""

    problem_statuses: ClassVar = {"get": (403,)}

    @extend_schema(responses={(200, "text/csv"): OpenApiTypes.STR})
    def get(self, request: Request, pk: UUID) -> HttpResponseBase:  # type: ignore[override]
        """Get the metrics of each frame as CSV, for the team that submitted, where the benchmark shows them."""
        score = self.score(request, pk)
        benchmark = score.submission.benchmark
        if not benchmark.shows_frames:
            raise ForbiddenError(
                f"“{benchmark}” does not show errors per frame: its ground truth could be reconstructed from them."
            )
        if role_in(user=caller(self), team=score.submission.team) is None:
            raise ForbiddenError("Errors per frame are shown to the team that submitted, and to nobody else.")
        return HttpResponse(_frames_csv(score), content_type="text/csv; charset=utf-8")


def sha256_of(file: File) -> str:
    """Of all bytes of a file; it is left at its beginning."""
    digest = hashlib.sha256()
    for piece in file.chunks(1 << 20):
        digest.update(piece)
    file.seek(0)
    return digest.hexdigest()


def _frames_csv(score: Score) -> str:
    names = [plain_cell(str(entry["name"])) for entry in score.revision.truth.sequences]
    frames = frame_values(score)
    columns: dict[str, Any] = {} if frames.frame is None else {"frame": frames.frame}
    columns |= {"found": frames.found.astype(int), **frames.metrics}
    sink = io.StringIO()
    writer = csv.writer(sink)
    writer.writerow(["sequence", "row", *columns])
    for row, sequence in enumerate(frames.sequence.tolist()):
        cells = ["" if value[row] != value[row] else f"{value[row]:.6g}" for value in columns.values()]
        writer.writerow([names[sequence] if names else "", row, *cells])
    return sink.getvalue()
