"""`/api/v1/benchmarks/`: what is measured, its boards, and comparisons."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from django.http import HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from palmares.api.problems import InvalidError
from palmares.benchmarks.models import Benchmark, Revision
from palmares.benchmarks.viewsets import OfBenchmarkView
from palmares.leaderboards.comparison import compare
from palmares.leaderboards.exports import WRITERS, as_data
from palmares.leaderboards.leaderboard import Leaderboard, changes, leaderboard
from palmares.leaderboards.serializers import DifferenceSerializer, RankChangeSerializer
from palmares.submissions.models import Submission
from palmares.teams.models import User, Visitor
from palmares.teams.viewsets import caller


class RevisionChangesView(APIView):
    """What publishing a revision would change."""

    permission_classes = (IsAuthenticated,)

    @extend_schema(responses=RankChangeSerializer(many=True))
    def get(self, request: Request, pk: UUID) -> Response:
        """List how a revision changes ranks and values, by the benchmark's own metric; for its team."""
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
    """The board that a request describes, as its caller sees it.

    Raises:
        NotFoundError, InvalidError: as `leaderboard`.
    """
    return board_of_query(request.GET, benchmark, request.user, page_rows=page_rows)


def board_of_query(query: QueryDict, benchmark: Benchmark, user: User | Visitor, *, page_rows: int = 50) -> Leaderboard:
    """The board that a query string describes; pages, share links and the API read it the same way.

    Raises:
        NotFoundError, InvalidError: as `leaderboard`.
    """

    def number(name: str) -> int | None:
        text = query.get(name, "")
        if not text:
            return None
        if not (text.isascii() and text.isdigit() and len(text) < 6):
            raise InvalidError(f"`{name}` is a whole number, not {text[:20]!r}.", field=name)
        return int(text)

    return leaderboard(
        benchmark=benchmark,
        user=user,
        board=query.get("board") or "all",
        metric=query.get("metric", ""),
        columns=[name for name in query.get("columns", "").split(",") if name],
        revision=number("revision"),
        page=number("page") or 1,
        page_rows=page_rows,
    )


class LeaderboardView(OfBenchmarkView):
    """Ranks, as the caller sees them: public submissions, and those of their own teams."""

    @extend_schema(
        responses={
            (200, "application/json"): OpenApiTypes.OBJECT,
            **{(200, kind.partition(";")[0]): OpenApiTypes.STR for kind, _, _ in WRITERS.values()},
        },
        parameters=[*_VIEW, OpenApiParameter("as", str, enum=["json", *WRITERS], description="JSON unless told.")],
    )
    def get(self, request: Request, slug: str) -> HttpResponseBase:
        """Get one page of a leaderboard as JSON, or all of it as CSV, Markdown or LaTeX (up to 2000 rows)."""
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


class ComparisonView(OfBenchmarkView):
    """Two submissions, frame by frame."""

    problem_statuses: ClassVar = {"get": (403,)}

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
        """Compare two submissions by a paired test over sequences or subjects. A minus B, its 95% interval, and a verdict."""
        board = asked_for(request, self.benchmark(slug))
        if board.revision is None:
            raise InvalidError("No submission has been scored on this benchmark yet.")
        a, b = (_submission(request, board.benchmark, name) for name in ("a", "b"))
        return Response(compare(user=caller(self), a=a, b=b, board=board.board, metric=board.metric, revision=board.revision))


def _submission(request: Request, benchmark: Benchmark, name: str) -> Submission:
    try:
        pk = UUID(request.GET.get(name, ""))
    except ValueError as error:
        raise InvalidError(f"`{name}` is the id of a submission.", field=name) from error
    return get_object_or_404(Submission.objects.visible_to(caller_of(request)).filter(benchmark=benchmark), pk=pk)


def caller_of(request: Request) -> Any:
    """Who asks; the views that call this let nobody in unknown."""
    return request.user
