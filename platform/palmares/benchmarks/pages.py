"""Pages of benchmarks and submissions."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import UploadedFile
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.text import slugify
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from ml.catalog import PROTOCOLS
from palmares.api.problems import DomainError
from palmares.benchmarks import policy, services, submissions
from palmares.benchmarks.comparison import compare
from palmares.benchmarks.exports import WRITERS
from palmares.benchmarks.forms import BenchmarkForm
from palmares.benchmarks.leaderboard import Leaderboard, Row, cell, changes, in_order, rank_of
from palmares.benchmarks.models import Benchmark, Board, Figure, Revision, Score, Submission
from palmares.benchmarks.plots import by_sequence, colours_of, plots, worst_frames
from palmares.benchmarks.serializers import SubmissionFactsSerializer, shown_score
from palmares.benchmarks.viewsets import asked_for
from palmares.queue.models import OPEN_STATUSES, Status
from palmares.teams.models import Membership, Role, Team
from palmares.teams.pages import by_id, can_write, chosen_team, person, posted, said_to
from palmares.teams.services import role_in

CURVES = 6
"""Submissions drawn together, at most."""
ACTIONS = {
    "cancel": submissions.cancel_submission,
    "retry": submissions.retry_submission,
    "delete": submissions.delete_submission,
}


@login_required
@require_http_methods(["GET", "POST"])
def benchmarks(request: HttpRequest) -> HttpResponse:
    """All that one may submit to; a form for one's own."""
    user = person(request)
    owned = Team.objects.filter(memberships__user=user, memberships__role=Role.OWNER)
    if request.method == "POST":
        name = posted(request, "name", limit=120)
        with said_to(request):
            made = services.create_benchmark(
                team=by_id(owned, request.POST.get("team", "")),
                by=user,
                slug=slugify(name)[:60] or "benchmark",
                name=name,
                protocol=posted(request, "protocol"),
            )
            return redirect("benchmark", made.slug)
        return redirect("benchmarks")
    found = Benchmark.objects.visible_to(user).select_related("team")
    rows = [
        {
            "benchmark": benchmark,
            "protocol": PROTOCOLS[benchmark.protocol].title,
            "submissions": Submission.objects.visible_to(user).filter(benchmark=benchmark, status=Status.SUCCEEDED).count(),
        }
        for benchmark in found[:100]
    ]
    return render(request, "benchmarks/benchmarks.html", {"rows": rows, "owned": owned, "protocols": PROTOCOLS.values()})


@login_required
@require_GET
def benchmark(request: HttpRequest, slug: str) -> HttpResponse:
    """One benchmark: its boards, curves of some rows, and the way in."""
    user = person(request)
    found = get_object_or_404(Benchmark.objects.visible_to(user).select_related("team"), slug=slug)
    try:
        board = asked_for(request, found)
    except DomainError as error:
        raise Http404(error.detail) from error
    role = role_in(user=user, team=found.team)
    drawn = _drawn(request, board)
    context = {
        "benchmark": found,
        "protocol": PROTOCOLS[found.protocol],
        "board": board,
        "boards": found.boards.all(),
        "columns": [_column(board, request, metric) for metric in board.columns],
        "metrics": [(metric, policy.title(metric)) for metric in board.metrics],
        "groups": _groups(board, by_shape=request.GET.get("group") == "shape"),
        "grouping": f"?{_query(request, group='' if request.GET.get('group') == 'shape' else 'shape')}",
        "shapes": Submission.Shape.choices,
        "drawn": colours_of(drawn),
        "plots": plots(drawn, board.metric, board.board),
        "drawn_scores": drawn,
        "sequences": by_sequence(drawn, board.metric, board.board),
        "exports": [(kind, f"?{_query(request, **{'as': kind, 'page': ''})}") for kind in WRITERS],
        "own_teams": set(Team.objects.visible_to(user).values_list("pk", flat=True)),
        "waiting": Submission.objects.visible_to(user).filter(benchmark=found, status__in=OPEN_STATUSES).select_related("team"),
        "is_owner": role is not None and role.includes(Role.OWNER),
        "truths": found.truths.defer("subsets")[:5] if role else (),
        "revisions": [(r, changes(r, user)) for r in found.revisions.filter(published_at=None)] if role else (),
        "team": _submitting_team(request),
        "previous": f"?{_query(request, page=board.page - 1)}" if board.page > 1 else "",
        "next": f"?{_query(request, page=board.page + 1)}" if board.page < board.pages else "",
    }
    return render(request, "benchmarks/benchmark.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def benchmark_settings(request: HttpRequest, slug: str) -> HttpResponse:
    """What a benchmark says of itself, its rules and its boards; owners only."""
    user = person(request)
    found = get_object_or_404(Benchmark.objects.visible_to(user).select_related("team"), slug=slug)
    role = role_in(user=user, team=found.team)
    if role is None or not role.includes(Role.OWNER):
        raise PermissionDenied
    form = BenchmarkForm(request.POST or None, instance=found)
    if form.is_valid():
        with said_to(request):
            services.update_benchmark(benchmark=found, by=user, **form.cleaned_data)
            messages.success(request, "Saved.")
            return redirect("benchmark", slug)
    truth = services.current_truth(found)
    subsets = truth.subsets if truth else {}
    context = {
        "benchmark": found,
        "form": form,
        "boards": found.boards.all(),
        "subsets": [(name, sum(last - first + 1 for first, last in ranges)) for name, ranges in subsets.items()],
    }
    return render(request, "benchmarks/settings.html", context)


@login_required
@require_POST
def change_benchmark(request: HttpRequest, slug: str) -> HttpResponse:
    """What owners do: send a truth, score again, publish, add a board, delete."""
    user = person(request)
    found = get_object_or_404(Benchmark.objects.visible_to(user).select_related("team"), slug=slug)
    action = request.POST.get("action", "")
    with said_to(request):
        if action == "truth" and isinstance(file := request.FILES.get("file"), UploadedFile):
            services.add_truth(benchmark=found, by=user, file=file)
        elif action == "score-again":
            services.score_again(benchmark=found, by=user)
        elif action == "publish":
            revision = by_id(Revision.objects.visible_to(user).filter(benchmark=found), request.POST.get("revision", ""))
            services.publish_revision(revision=revision, by=user)
            messages.success(request, f"The boards now show revision {revision.number}; older ones stay at ?revision=.")
        elif action == "visibility" and request.POST.get("visibility") in Benchmark.Visibility.values:
            services.update_benchmark(benchmark=found, by=user, visibility=request.POST["visibility"])
        elif action == "board":
            name = posted(request, "name", limit=80)
            slug_of_board = slugify(name)[:40] or "board"
            services.add_board(benchmark=found, by=user, slug=slug_of_board, name=name, tag=posted(request, "tag", limit=40))
            messages.success(request, f"The board «{name}» is there; it fills when everything is scored again.")
        elif action == "delete":
            services.delete_benchmark(benchmark=found, by=user)
            return redirect("benchmarks")
    return redirect("benchmark", slug)


@login_required
@require_GET
def submission(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One submission: the line that sums it up, its figures, where it goes wrong, its files."""
    user = person(request)
    visible = Submission.objects.visible_to(user).select_related("benchmark__team", "team")
    found = get_object_or_404(visible, pk=pk)
    score = shown_score(found)
    metric = found.benchmark.primary_metric
    other = _other(request, found)
    other_score = shown_score(other) if other else None
    is_told = score is not None and bool(score.figures)
    drawn = [each for each in (score, other_score) if each and is_told]
    everything = _board(found)
    own = role_in(user=user, team=found.team) is not None
    context = {
        "submission": found,
        "benchmark": found.benchmark,
        "score": score,
        "verdict": _verdict(request, found, score, other, metric) if score else "",
        "untold": policy.UNTOLD if score and not is_told else "",
        "figures": _figures(request, found, score) if score and is_told else (),
        "official": [(name, score.report[name]) for name in score.content.get("official", score.report)] if score else (),
        "plots": plots(drawn, metric, everything),
        "drawn_scores": drawn,
        "sequences": by_sequence(drawn, metric, everything),
        "metric": metric,
        "metric_title": policy.title(metric),
        "worst": worst_frames(score, metric) if score and own and found.benchmark.shows_frames else (),
        "others": _others(request, found),
        "other": other,
        "own": own,
        "can_write": can_write(user, found.team),
    }
    return render(request, "benchmarks/submission.html", context)


@login_required
@require_POST
def change_submission(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Cancel, retry, delete, publish or hide a submission, or change what is said of it."""
    user = person(request)
    found = get_object_or_404(Submission.objects.visible_to(user).select_related("benchmark", "team"), pk=pk)
    action = request.POST.get("action", "")
    with said_to(request):
        if action in ACTIONS:
            ACTIONS[action](submission=found, by=user)
        elif action in ("publish", "hide"):
            submissions.change_submission(submission=found, by=user, is_public=action == "publish")
        elif action == "change":
            said = {name: posted(request, name, limit=limit) for name, limit in (("method", 80), ("description", 4000))}
            links = posted(request, "links", limit=2000).split()
            form = SubmissionFactsSerializer(found, data={**said, "links": links}, partial=True)
            if form.is_valid():
                submissions.change_submission(submission=found, by=user, **form.validated_data)
            else:
                messages.error(request, "A submission has the name of a method, and at most five links: https://…")
        if action == "delete":
            return redirect("benchmark", found.benchmark.slug)
    return redirect("submission", pk)


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
    return urlencode({key: value for key, value in wanted.items() if value})


def _column(board: Leaderboard, request: HttpRequest, metric: str) -> dict[str, str]:
    sorted_when = {"lower": "ascending", "higher": "descending"}
    return {
        "metric": metric,
        "title": policy.title(metric),
        "unit": policy.unit_at(metric, board.fps),
        "sorted": sorted_when[policy.direction(metric)] if metric == board.metric else "",
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


def _others(request: HttpRequest, found: Submission) -> list[Submission]:
    """What it can be compared with."""
    visible = Submission.objects.visible_to(person(request)).filter(benchmark=found.benchmark, status=Status.SUCCEEDED)
    return list(visible.exclude(pk=found.pk).order_by("-is_baseline", "-finished_at")[:100])


def _other(request: HttpRequest, found: Submission) -> Submission | None:
    """The submission to compare with: the one asked for, else the first baseline."""
    others = _others(request, found)
    asked = request.GET.get("against", "")
    return next((other for other in others if str(other.pk) == asked), others[0] if others else None)


def _board(found: Submission) -> Board:
    return found.benchmark.boards.order_by("position", "id")[0]


def _verdict(request: HttpRequest, found: Submission, score: Score, other: Submission | None, metric: str) -> str:
    figure = Figure.objects.filter(score=score, board=_board(found), metric=metric).first()
    if figure is None:
        return ""
    shown = cell(metric, figure)
    unit = "" if policy.unit(metric) == "1" else f" {policy.unit(metric)}"
    rank, of = rank_of(submission=found, user=person(request), board=_board(found), metric=metric, revision=score.revision)
    place = f", {_ordinal(rank)} of {of}" if rank else ", not ranked: hands are missing"
    said = f"{shown.text if shown else '–'}{unit} {policy.title(metric)}{place}."
    if other is None:
        return said
    try:
        difference = compare(a=found, b=other, board=_board(found), metric=metric, revision=score.revision)
    except DomainError:
        return said
    return f"{said} {difference['verdict']}"


def _figures(request: HttpRequest, found: Submission, score: Score) -> list[dict[str, Any]]:
    """Each metric with its value on each board."""
    boards = list(found.benchmark.boards.all())
    cells = {(f.board_id, f.metric): f for f in Figure.objects.filter(score=score)}
    rows = []
    for metric in in_order(score.figures):
        row = [cell(metric, cells.get((board.pk, metric))) for board in boards]
        if any(row):
            unit = policy.unit_at(metric, score.content.get("fps"))
            rows.append({"metric": metric, "title": policy.title(metric), "unit": unit, "cells": row})
    return [{"boards": boards, "rows": rows}]


def _ordinal(number: int) -> str:
    ending = "th" if 11 <= number % 100 <= 13 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"
