"""A board as it is shown to people without an account: read-only, as others than the owning team see it."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render

from ml.catalog import PROTOCOLS
from palmares.api.problems import DomainError
from palmares.benchmarks import ranking_rules
from palmares.benchmarks.models import Benchmark
from palmares.benchmarks.private_truth import decimals
from palmares.leaderboards.leaderboard import Leaderboard
from palmares.leaderboards.viewsets import board_of_query
from palmares.teams.models import User, Visitor


def public_benchmark(request: HttpRequest, slug: str) -> HttpResponse:
    """The page of a benchmark on the web for people who are not signed in; of any other they are asked to sign in."""
    found = Benchmark.objects.on_the_web().select_related("team").filter(slug=slug).first()
    if found is None:
        return redirect_to_login(request.get_full_path())
    try:
        context = board_context(found, request.GET, Visitor(benchmark=found.pk), address=request.path)
    except DomainError as error:
        raise Http404(error.detail) from error
    context |= {"boards": found.boards.all(), "protocol": PROTOCOLS[found.protocol]}
    return off_limits_to_robots(render(request, "benchmarks/public_benchmark.html", context))


def off_limits_to_robots(response: HttpResponse) -> HttpResponse:
    """The answer, which asks search engines to stay away unless the operator lets them in."""
    if not settings.ALLOW_ROBOTS:
        response.headers["X-Robots-Tag"] = "noindex, nofollow"
    return response


def board_context(benchmark: Benchmark, query: QueryDict, user: User | Visitor, *, address: str) -> dict[str, Any]:
    """What `benchmarks/read_only_board.html` shows.

    Args:
        benchmark: that `user` may see.
        query: `board`, `metric`, `columns`, `revision` and `page`, as in the API.
        user: who looks.
        address: of the page, for its further pages.

    Raises:
        NotFoundError, InvalidError: as `board_of_query`.
    """
    board = board_of_query(query, benchmark, user)
    return {
        "benchmark": benchmark,
        "board": board,
        "columns": [
            {
                "metric": metric,
                "title": ranking_rules.title(metric),
                "unit": ranking_rules.unit_at(metric, board.fps),
                "sorted": {"lower": "ascending", "higher": "descending"}[ranking_rules.direction(metric)] if not place else "",
            }
            for place, metric in enumerate(board.columns)
        ],
        "is_rounded": not board.sees_details,
        "step": rounding_step(board),
        "previous": _page(query, address, board.page - 1) if board.page > 1 else "",
        "next": _page(query, address, board.page + 1) if board.page < board.pages else "",
    }


def rounding_step(board: Leaderboard) -> str:
    """The step to which the ranking values are rounded, with its unit; empty where they are exact or withheld."""
    step = board.rounding.step(board.metric, 1.0) if board.rounding else None
    return f"{step:.{decimals(step)}f} {ranking_rules.unit_at(board.metric, None)}".strip() if step else ""


def _page(query: QueryDict, address: str, page: int) -> str:
    wanted = query.copy()
    wanted["page"] = str(page)
    return f"{address}?{wanted.urlencode()}"
