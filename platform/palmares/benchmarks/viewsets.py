"""`/api/v1/benchmarks/`: what is measured, its boards, and comparisons."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import django_filters
from django.db.models import QuerySet
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status, viewsets
from rest_framework.parsers import MultiPartParser
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from ml.catalog import PROTOCOLS
from palmares.api.problems import InvalidError
from palmares.benchmarks import services
from palmares.benchmarks.comparison import compare
from palmares.benchmarks.exports import WRITERS, as_data
from palmares.benchmarks.leaderboard import Leaderboard, changes, leaderboard
from palmares.benchmarks.models import Benchmark, Revision, Submission
from palmares.benchmarks.serializers import (
    BenchmarkSerializer,
    BenchmarkUpdateSerializer,
    BoardSerializer,
    DifferenceSerializer,
    NewTruthSerializer,
    RankChangeSerializer,
    RevisionSerializer,
    TruthSerializer,
)
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


class _OfBenchmarkView(APIView):
    permission_classes = (IsAuthenticated,)

    def benchmark(self, slug: str) -> Benchmark:
        return get_object_or_404(Benchmark.objects.visible_to(self.request.user).select_related("team"), slug=slug)

    def own_benchmark(self, slug: str) -> Benchmark:
        """One of the caller's teams'; others do not learn what lies behind it."""
        found = self.benchmark(slug)
        require_role(user=caller(self), team=found.team, role=Role.VIEWER)
        return found


class BoardsView(_OfBenchmarkView):
    """The rankings of a benchmark."""

    @extend_schema(responses=BoardSerializer(many=True))
    def get(self, request: Request, slug: str) -> Response:
        """All boards."""
        return Response(BoardSerializer(self.benchmark(slug).boards.all(), many=True).data)

    @extend_schema(request=BoardSerializer, responses={201: BoardSerializer})
    def post(self, request: Request, slug: str) -> Response:
        """One more board, of the sequences with a tag; owners only."""
        benchmark = self.benchmark(slug)
        form = BoardSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        data = {"tag": ""} | form.validated_data
        made = services.add_board(benchmark=benchmark, by=caller(self), **data)
        return Response(BoardSerializer(made).data, status=status.HTTP_201_CREATED)


class TruthsView(_OfBenchmarkView):
    """The versions of a benchmark's truth: for its own team, and never their content."""

    parser_classes = (MultiPartParser,)

    @extend_schema(responses=TruthSerializer(many=True))
    def get(self, request: Request, slug: str) -> Response:
        """All versions, newest first."""
        return Response(TruthSerializer(self.own_benchmark(slug).truths.defer("subsets"), many=True).data)

    @extend_schema(request={"multipart/form-data": NewTruthSerializer}, responses={201: TruthSerializer})
    def post(self, request: Request, slug: str) -> Response:
        """Send a new version; owners only. All submissions are then scored against it, and shown when that is published."""
        benchmark = self.benchmark(slug)
        form = NewTruthSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        made = services.add_truth(benchmark=benchmark, by=caller(self), file=form.validated_data["file"])
        return Response(TruthSerializer(made).data, status=status.HTTP_201_CREATED)


class RevisionsView(_OfBenchmarkView):
    """Scorings of everything."""

    @extend_schema(responses=RevisionSerializer(many=True))
    def get(self, request: Request, slug: str) -> Response:
        """All revisions of a benchmark of the caller's teams; of others, the published ones."""
        benchmark = self.benchmark(slug)
        mine = Revision.objects.visible_to(caller(self)).filter(benchmark=benchmark)
        if mine.exists():
            return Response(RevisionSerializer(mine.select_related("truth").defer("truth__subsets"), many=True).data)
        shown = benchmark.revisions.filter(published_at__isnull=False).select_related("truth").defer("truth__subsets")
        rows = RevisionSerializer(shown, many=True).data
        return Response([{**row, "stage": "", "error": ""} for row in rows])  # they name others' submissions, and the truth

    @extend_schema(request=None, responses={201: RevisionSerializer})
    def post(self, request: Request, slug: str) -> Response:
        """Score all submissions again by today's recipe and scorer; owners only."""
        made = services.score_again(benchmark=self.benchmark(slug), by=caller(self))
        return Response(RevisionSerializer(made).data, status=status.HTTP_201_CREATED)


class PublishRevisionView(APIView):
    """Showing what was scored again."""

    permission_classes = (IsAuthenticated,)

    @extend_schema(request=None, responses=RevisionSerializer)
    def post(self, request: Request, pk: UUID) -> Response:
        """Let the boards show a revision; owners only. The boards of older ones stay at `?revision=`."""
        revision = get_object_or_404(Revision.objects.visible_to(caller(self)).select_related("benchmark__team"), pk=pk)
        services.publish_revision(revision=revision, by=caller(self))
        revision.refresh_from_db()
        return Response(RevisionSerializer(revision).data)


class RevisionChangesView(APIView):
    """What publishing a revision would change."""

    permission_classes = (IsAuthenticated,)

    @extend_schema(responses=RankChangeSerializer(many=True))
    def get(self, request: Request, pk: UUID) -> Response:
        """Old → new rank and figure, by the benchmark's own metric, of each submission that the caller sees; for its team."""
        revision = get_object_or_404(Revision.objects.visible_to(caller(self)).select_related("benchmark__team"), pk=pk)
        rows = [
            {**row, **{when: row[when] and dict(zip(("rank", "value"), row[when], strict=True)) for when in ("old", "new")}}
            for row in changes(revision, caller(self))
        ]
        return Response(RankChangeSerializer(rows, many=True).data)


_VIEW = [
    OpenApiParameter("board", str, description="Slug of a board; `all` unless told."),
    OpenApiParameter("metric", str, description="That ranks; the benchmark's own unless told."),
    OpenApiParameter("columns", str, description="More metrics to show, with commas between them."),
    OpenApiParameter("revision", int, description="Of a published revision; the newest unless told."),
    OpenApiParameter("page", int),
]


def asked_for(request: Any, benchmark: Benchmark, *, page_rows: int = 50) -> Leaderboard:
    """The board that a query string describes; pages and the API read it alike.

    Raises:
        NotFoundError, InvalidError: as `leaderboard`.
    """
    query = request.GET

    def number(name: str) -> int | None:
        text = query.get(name, "")
        if not text:
            return None
        if not (text.isascii() and text.isdigit() and len(text) < 6):
            raise InvalidError(f"`{name}` is a whole number, not {text[:20]!r}.", field=name)
        return int(text)

    return leaderboard(
        benchmark=benchmark,
        user=request.user,
        board=query.get("board") or "all",
        metric=query.get("metric", ""),
        columns=[name for name in query.get("columns", "").split(",") if name],
        revision=number("revision"),
        page=number("page") or 1,
        page_rows=page_rows,
    )


class LeaderboardView(_OfBenchmarkView):
    """Ranks, as the caller sees them: public submissions, and those of their own teams."""

    @extend_schema(
        responses={(200, "application/json"): OpenApiTypes.OBJECT, (200, "text/csv"): OpenApiTypes.STR},
        parameters=[*_VIEW, OpenApiParameter("as", str, enum=["json", *WRITERS], description="JSON unless told.")],
    )
    def get(self, request: Request, slug: str) -> HttpResponseBase:
        """One page of a board as JSON; as CSV, Markdown or LaTeX all of it (up to 2000 rows)."""
        benchmark, wanted = self.benchmark(slug), request.GET.get("as", "json")
        if wanted == "json":
            return Response(as_data(asked_for(request, benchmark)))
        if wanted not in WRITERS:
            raise InvalidError(f"`as` is one of json, {', '.join(WRITERS)}.", field="as")
        content_type, ending, write = WRITERS[wanted]
        board = asked_for(request, benchmark, page_rows=2000)
        name = f"{benchmark.slug}-{board.board.slug}-{board.metric.replace('@', '-')}.{ending}"
        headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "private, no-cache"}
        return HttpResponse(write(board), content_type=content_type, headers=headers)


class ComparisonView(_OfBenchmarkView):
    """Two submissions, frame by frame."""

    @extend_schema(
        responses=DifferenceSerializer,
        parameters=[
            OpenApiParameter("a", UUID, required=True),
            OpenApiParameter("b", UUID, required=True),
            *_VIEW[:2],
            _VIEW[3],
        ],
    )
    def get(self, request: Request, slug: str) -> Response:
        """A paired bootstrap test: A minus B with its 95 % interval, and a verdict in words."""
        board = asked_for(request, self.benchmark(slug))
        if board.revision is None:
            raise InvalidError("Nothing has been scored on this benchmark yet.")
        a, b = (_submission(request, board.benchmark, name) for name in ("a", "b"))
        return Response(compare(a=a, b=b, board=board.board, metric=board.metric, revision=board.revision))


def _submission(request: Request, benchmark: Benchmark, name: str) -> Submission:
    try:
        pk = UUID(request.GET.get(name, ""))
    except ValueError as error:
        raise InvalidError(f"`{name}` is the id of a submission.", field=name) from error
    return get_object_or_404(Submission.objects.visible_to(caller_of(request)).filter(benchmark=benchmark), pk=pk)


def caller_of(request: Request) -> Any:
    """Who asks; the views that call this let nobody in unknown."""
    return request.user
