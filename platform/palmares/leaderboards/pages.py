"""Pages of benchmarks and submissions."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.text import slugify
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from ml.catalog import PROTOCOLS
from palmares.api.problems import DomainError
from palmares.benchmarks import ranking_rules, services
from palmares.benchmarks.models import Benchmark, Revision
from palmares.leaderboards.exports import WRITERS
from palmares.leaderboards.leaderboard import Leaderboard, Row, changes
from palmares.leaderboards.plots import by_sequence, colours_of, plots
from palmares.leaderboards.public_board import public_benchmark, rounding_step
from palmares.leaderboards.viewsets import asked_for
from palmares.queue.models import OPEN_STATUSES, Status
from palmares.submissions.models import Score, Scoring, Submission, SubmissionQuerySet
from palmares.submissions.scorings import retry_failed_scorings
from palmares.teams.models import Membership, Role, Team, User
from palmares.teams.pages import by_id, can_write, chosen_team, errors_as_messages, person, posted
from palmares.teams.services import role_in

CURVES = 6
"""Submissions drawn together, at most."""
MOST_FAILURES = 100
"""Failed scorings that are listed, at most."""


@login_required
@require_http_methods(["GET", "POST"])
def benchmarks(request: HttpRequest) -> HttpResponse:
    """All that one may submit to; a form for one's own."""
    user = person(request)
    owned = Team.objects.filter(memberships__user=user, memberships__role=Role.OWNER)
    if request.method == "POST":
        name = posted(request, "name", limit=120)
        slug = slugify(name)[:60] or "benchmark"
        with errors_as_messages(request):
            made = services.create_benchmark(
                team=by_id(owned, request.POST.get("team", "")),
                by=user,
                slug=slug,
                name=name,
                protocol=posted(request, "protocol"),
            )
            if made.slug != slug:
                messages.info(request, f"The address “{slug}” is not available; this benchmark got “{made.slug}”.")
            return redirect("benchmark", made.slug)
        return redirect("benchmarks")
    found = Benchmark.objects.visible_to(user).select_related("team")
    rows = [
        {
            "benchmark": benchmark,
            "protocol": PROTOCOLS[benchmark.protocol].title,
            "submissions": Submission.objects.visible_to(user).in_status(Status.SUCCEEDED).filter(benchmark=benchmark).count(),
        }
        for benchmark in found[:100]
    ]
    return render(request, "benchmarks/benchmarks.html", {"rows": rows, "owned": owned, "protocols": PROTOCOLS.values()})


@require_GET
def benchmark(request: HttpRequest, slug: str) -> HttpResponse:
    """One benchmark, a section at a time: leaderboard, plots, sequences, submission, facts, and what its owners do.

    People who are not signed in see the board alone, where it is on the web.
    """
    if not request.user.is_authenticated:
        return public_benchmark(request, slug)
    user = person(request)
    found = get_object_or_404(Benchmark.objects.visible_to(user).select_related("team"), slug=slug)
    try:
        board = asked_for(request, found)
    except DomainError as error:
        raise Http404(error.detail) from error
    role = role_in(user=user, team=found.team)
    is_owner = role is not None and role.includes(Role.OWNER)
    tabs = _tabs(request, board, is_owner=is_owner)
    tab = next((each["name"] for each in tabs if each["name"] == request.GET.get("tab")), "leaderboard")
    context = {
        "benchmark": found,
        "protocol": PROTOCOLS[found.protocol],
        "board": board,
        "boards": found.boards.all(),
        "columns": [_column(board, request, metric) for metric in board.columns],
        "is_owner": is_owner,
        "can_share": role is not None and role.includes(Role.MEMBER),
        "sees_details": board.sees_details,
        "tab": tab,
        "tabs": tabs,
        "template": f"benchmarks/{tab}_tab.html",
        **_of_tab(request, board, tab),
    }
    return render(request, "benchmarks/benchmark.html", context)


def _tabs(request: HttpRequest, board: Leaderboard, *, is_owner: bool) -> list[dict[str, str]]:
    """The sections of a benchmark's page that this person sees; all keep the board, the metric and the selection.

    Where the truth is private to them, plots and errors by sequence would be empty and are left out.
    """
    sequences = board.revision.truth.sequences if board.revision else []
    titles = {
        "leaderboard": "Leaderboard",
        **({"plots": "Plots"} if board.sees_details else {}),
        **({"sequences": "Sequences"} if board.sees_details and len(sequences) > 1 else {}),
        **({"significance": "Significance"} if board.summary else {}),
        "submit": "Submit",
        "about": "About",
        **({"manage": "Manage"} if is_owner else {}),
    }
    return [{"name": name, "title": title, "address": _tab_address(request, name)} for name, title in titles.items()]


def _tab_address(request: HttpRequest, name: str) -> str:
    query = request.GET.copy()
    query.pop("tab", None)
    if name != "leaderboard":
        query["tab"] = name
    return f"?{query.urlencode()}"


def _of_tab(request: HttpRequest, board: Leaderboard, tab: str) -> dict[str, Any]:
    """What one section of the page shows."""
    user, found = person(request), board.benchmark
    if tab == "leaderboard":
        by_shape = request.GET.get("group") == "shape"
        return {
            "metrics": [(metric, ranking_rules.title(metric)) for metric in board.metrics],
            "groups": _groups(board, by_shape=by_shape),
            "grouping": f"?{_query(request, group='' if by_shape else 'shape')}",
            "drawn": colours_of(_drawn(request, board)),
            "is_rounded": not board.sees_details,
            "step": rounding_step(board),
            "exports": [(kind, f"?{_query(request, **{'as': kind, 'page': ''})}") for kind in WRITERS],
            "own_teams": set(Team.objects.visible_to(user).values_list("pk", flat=True)),
            "waiting": _waiting(found, user),
            "previous": f"?{_query(request, page=board.page - 1)}" if board.page > 1 else "",
            "next": f"?{_query(request, page=board.page + 1)}" if board.page < board.pages else "",
        }
    if tab in ("plots", "sequences"):
        drawn = _drawn(request, board)
        shown = {"plots": plots} if tab == "plots" else {"sequences": by_sequence}
        drawings = {name: draw(drawn, board.metric, board.board, user) for name, draw in shown.items()}
        return {"drawn_scores": drawn, "leaderboard_address": _tab_address(request, "leaderboard"), **drawings}
    if tab == "significance" and board.summary:
        compared = board.summary.first_submissions(user)
        return {"firsts": board.summary.first_places(compared), "map": board.summary.significance_map(compared)}
    if tab == "submit":
        return {"shapes": Submission.Shape.choices, "team": _submitting_team(request)}
    if tab == "manage":
        revisions = found.revisions.filter(published_at=None, cancelled_at=None).select_related("truth").defer("truth__subsets")
        return {
            "visibilities": Benchmark.Visibility.choices,
            "truths": found.truths.defer("subsets")[:5],
            "revisions": [(each, changes(each, user), *_failures(each, user)) for each in revisions],
        }
    return {}


@login_required
@require_POST
def retry_revision(request: HttpRequest, slug: str, pk: UUID) -> HttpResponse:
    """Queue the failed scorings of a revision again."""
    user = person(request)
    revision = get_object_or_404(
        Revision.objects.visible_to(user).select_related("benchmark__team"), pk=pk, benchmark__slug=slug
    )
    with errors_as_messages(request):
        count = retry_failed_scorings(revision=revision, by=user)
        messages.success(request, f"{count} submission{'' if count == 1 else 's'} queued again.")
    return redirect(f"{reverse('benchmark', args=[slug])}?tab=manage")


def _failures(revision: Revision, user: User) -> tuple[list[Scoring], int]:
    """Scorings under a revision that failed, of the submissions that a person sees; and how many others did."""
    failed = Scoring.objects.filter(revision=revision, status=Status.FAILED, submission__deleted_at=None)
    seen = failed.filter(submission__in=Submission.objects.visible_to(user)).select_related("submission__team")
    return list(seen.order_by("submission__created_at")[:MOST_FAILURES]), failed.count() - seen.count()


def _waiting(benchmark: Benchmark, user: User) -> SubmissionQuerySet:
    """Submissions that are being scored and that a person sees. The few with open work are found first, for speed."""
    at_work = Scoring.objects.filter(status__in=OPEN_STATUSES, submission__benchmark=benchmark)
    found = Submission.objects.filter(pk__in=set(at_work.values_list("submission_id", flat=True)))
    found = found.visible_to(user).in_status(*OPEN_STATUSES)
    return found.select_related("team").with_scoring()


def _submitting_team(request: HttpRequest) -> Team | None:
    """For whom the page submits: the chosen team, where one may; else the first with the right to, if there is any."""
    team = chosen_team(request)
    if team and can_write(person(request), team):
        return team
    writes = Membership.objects.filter(user=person(request), role__in=[Role.OWNER, Role.MEMBER])
    first = writes.select_related("team").order_by("created_at", "id").first()
    return first.team if first else None


def _query(request: HttpRequest, **changes: Any) -> str:
    wanted = {**request.GET.dict(), **{key: str(value) for key, value in changes.items()}}
    wanted.pop("tab", None)  # of the leaderboard itself
    return urlencode({key: value for key, value in wanted.items() if value})


def _column(board: Leaderboard, request: HttpRequest, metric: str) -> dict[str, str]:
    sorted_when = {"lower": "ascending", "higher": "descending"}
    return {
        "metric": metric,
        "title": ranking_rules.title(metric),
        "unit": ranking_rules.unit_at(metric, board.fps),
        "sorted": sorted_when[ranking_rules.direction(metric)] if metric == board.metric else "",
        "address": f"?{_query(request, metric=metric, columns=','.join(board.columns), page='')}",
    }


def _groups(board: Leaderboard, *, by_shape: bool) -> list[tuple[str, list[Row]]]:
    """The page's rows under their headings, as Kong et al.'s table 1 has them; under none where nothing is grouped."""
    if not by_shape:
        return [("", board.rows)]
    titles = {
        (is_optimised, shape): f"{title}{', optimised' if is_optimised else ''}"
        for is_optimised in (False, True)
        for shape, title in Submission.Shape.choices
    }
    under = {key: [row for row in board.rows if (row.submission.is_optimised, row.submission.shape) == key] for key in titles}
    return [(titles[key], rows) for key, rows in under.items() if rows]


def _drawn(request: HttpRequest, board: Leaderboard) -> list[Score]:
    """Scores of the rows that are ticked; of the first few where none is."""
    if board.revision is None:
        return []
    ticked = [text for text in request.GET.getlist("show") if text]
    on_page = [row.submission.pk for row in board.rows]
    wanted = [pk for pk in on_page if str(pk) in ticked][:CURVES] or on_page[:3]
    scores = Score.objects.filter(submission__in=wanted, revision=board.revision).select_related("submission__benchmark")
    return sorted(scores, key=lambda score: wanted.index(score.submission_id))
