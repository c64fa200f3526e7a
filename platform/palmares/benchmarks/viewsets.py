"""`/api/v1/benchmarks/`: what is measured, its boards, and comparisons."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

import django_filters
from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status, viewsets
from rest_framework.parsers import MultiPartParser
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from ml.catalog import PROTOCOLS
from palmares.benchmarks import revisions, services
from palmares.benchmarks.models import Benchmark, Revision
from palmares.benchmarks.serializers import (
    BenchmarkSerializer,
    BenchmarkUpdateSerializer,
    BoardSerializer,
    NewTruthSerializer,
    RevisionSerializer,
    TruthSerializer,
)
from palmares.queue.models import Status
from palmares.teams.models import Role
from palmares.teams.services import require_role
from palmares.teams.viewsets import METHODS, caller


class BenchmarkFilter(django_filters.FilterSet):
    """By team, protocol and visibility."""

    team = django_filters.UUIDFilter(field_name="team_id")
    protocol = django_filters.ChoiceFilter(choices=[(name, name) for name in PROTOCOLS])
    visibility = django_filters.ChoiceFilter(choices=Benchmark.Visibility.choices)


class BenchmarkViewSet(viewsets.ModelViewSet[Benchmark]):
    """Benchmarks: public ones, and those of the caller's teams. Deleting one removes truth, submissions and scores."""

    queryset = Benchmark.objects.none()
    serializer_class = BenchmarkSerializer
    permission_classes = (IsAuthenticated,)
    lookup_field = "slug"
    lookup_value_converter = "slug"
    filterset_class = BenchmarkFilter
    http_method_names = METHODS
    problem_statuses: ClassVar = {"partial_update": (409,)}

    def get_queryset(self) -> QuerySet[Benchmark]:
        return Benchmark.objects.visible_to(self.request.user).select_related("team").prefetch_related("boards")

    def get_serializer_class(self) -> type[serializers.BaseSerializer[Benchmark]]:
        return BenchmarkUpdateSerializer if self.action == "partial_update" else BenchmarkSerializer

    def perform_create(self, serializer: serializers.BaseSerializer[Benchmark]) -> None:
        serializer.instance = services.create_benchmark(by=caller(self), **serializer.validated_data)

    def perform_update(self, serializer: serializers.BaseSerializer[Benchmark]) -> None:
        assert serializer.instance is not None
        services.update_benchmark(benchmark=serializer.instance, by=caller(self), **serializer.validated_data)

    def perform_destroy(self, instance: Benchmark) -> None:
        services.delete_benchmark(benchmark=instance, by=caller(self))


class OfBenchmarkView(APIView):
    """What belongs to one benchmark that the caller may see."""

    permission_classes = (IsAuthenticated,)

    def benchmark(self, slug: str) -> Benchmark:
        return get_object_or_404(Benchmark.objects.visible_to(self.request.user).select_related("team"), slug=slug)

    def own_benchmark(self, slug: str) -> Benchmark:
        """One of the caller's teams'; others do not learn what lies behind it."""
        found = self.benchmark(slug)
        require_role(user=caller(self), team=found.team, role=Role.VIEWER)
        return found


class BoardsView(OfBenchmarkView):
    """The rankings of a benchmark."""

    @extend_schema(responses=BoardSerializer(many=True))
    def get(self, request: Request, slug: str) -> Response:
        """List the leaderboards of a benchmark."""
        return Response(BoardSerializer(self.benchmark(slug).boards.all(), many=True).data)

    @extend_schema(request=BoardSerializer, responses={201: BoardSerializer})
    def post(self, request: Request, slug: str) -> Response:
        """Add a leaderboard for a subset of the ground truth; owners only."""
        benchmark = self.benchmark(slug)
        form = BoardSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        data = {"tag": ""} | form.validated_data
        made = services.add_board(benchmark=benchmark, by=caller(self), **data)
        return Response(BoardSerializer(made).data, status=status.HTTP_201_CREATED)


class TruthsView(OfBenchmarkView):
    """The versions of a benchmark's truth: for its own team, and never their content."""

    parser_classes = (MultiPartParser,)
    problem_statuses: ClassVar = {"get": (403,)}

    @extend_schema(responses=TruthSerializer(many=True))
    def get(self, request: Request, slug: str) -> Response:
        """List the versions of the ground truth, newest first."""
        return Response(TruthSerializer(self.own_benchmark(slug).truths.defer("subsets"), many=True).data)

    @extend_schema(request={"multipart/form-data": NewTruthSerializer}, responses={201: TruthSerializer})
    def post(self, request: Request, slug: str) -> Response:
        """Upload a new version of the ground truth; owners only.

        All submissions are then scored against it. Leaderboards show the new scores when they are published.
        """
        benchmark = self.benchmark(slug)
        form = NewTruthSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        made = services.add_truth(benchmark=benchmark, by=caller(self), file=form.validated_data["file"])
        return Response(TruthSerializer(made).data, status=status.HTTP_201_CREATED)


class RevisionsView(OfBenchmarkView):
    """Scorings of everything."""

    problem_statuses: ClassVar = {"post": (409,)}

    @extend_schema(responses=RevisionSerializer(many=True))
    def get(self, request: Request, slug: str) -> Response:
        """List the revisions of a benchmark: all for its own team, the published ones for others."""
        benchmark = self.benchmark(slug)
        mine = Revision.objects.visible_to(caller(self)).filter(benchmark=benchmark)
        if mine.exists():
            return Response(RevisionSerializer(mine.select_related("truth").defer("truth__subsets"), many=True).data)
        shown = benchmark.revisions.filter(published_at__isnull=False).select_related("truth").defer("truth__subsets")
        rows = RevisionSerializer(shown, many=True).data
        # how many submissions there are, and when they came, is not for others
        hidden = {
            "status": Status.SUCCEEDED,
            "stage": "",
            "progress": 1.0,
            "error": "",
            "started_at": None,
            "finished_at": None,
        }
        return Response([{**row, **hidden} for row in rows])

    @extend_schema(request=None, responses={201: RevisionSerializer})
    def post(self, request: Request, slug: str) -> Response:
        """Score all submissions again with the current protocol and scorer; owners only."""
        made = revisions.score_again(benchmark=self.benchmark(slug), by=caller(self))
        return Response(RevisionSerializer(made).data, status=status.HTTP_201_CREATED)


class PublishRevisionView(APIView):
    """Showing what was scored again."""

    permission_classes = (IsAuthenticated,)
    problem_statuses: ClassVar = {"post": (409,)}

    @extend_schema(request=None, responses=RevisionSerializer)
    def post(self, request: Request, pk: UUID) -> Response:
        """Publish a revision, so that leaderboards show it; owners only. Older ones stay at `?revision=`."""
        revision = get_object_or_404(Revision.objects.visible_to(caller(self)).select_related("benchmark__team"), pk=pk)
        revisions.publish_revision(revision=revision, by=caller(self))
        revision.refresh_from_db()
        return Response(RevisionSerializer(revision).data)


class CancelRevisionView(APIView):
    """Stopping what is scored again."""

    permission_classes = (IsAuthenticated,)
    problem_statuses: ClassVar = {"post": (409,)}

    @extend_schema(request=None, responses=RevisionSerializer)
    def post(self, request: Request, pk: UUID) -> Response:
        """Stop scoring under a revision that was not published; owners only."""
        revision = get_object_or_404(Revision.objects.visible_to(caller(self)).select_related("benchmark__team"), pk=pk)
        revisions.cancel_revision(revision=revision, by=caller(self))
        revision.refresh_from_db()
        return Response(RevisionSerializer(revision).data)
