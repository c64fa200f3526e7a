"""Pages of benchmarks and submissions."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from palmares.api.problems import DomainError
from palmares.benchmarks import ranking_rules
from palmares.benchmarks.models import Board
from palmares.benchmarks.private_truth import rounding_for, shows_details
from palmares.benchmarks.revisions import shown_revision
from palmares.leaderboards.comparison import compare
from palmares.leaderboards.leaderboard import cell, in_order, rank_of
from palmares.leaderboards.plots import by_sequence, plots, worst_frames
from palmares.leaderboards.submission_runs import run_of_sequence
from palmares.submissions import services as submissions
from palmares.submissions.models import MetricValue, Score, Scoring, Submission
from palmares.submissions.serializers import SubmissionFactsSerializer, shown_score
from palmares.teams.pages import by_id, can_write, errors_as_messages, person, posted
from palmares.teams.services import role_in
from palmares.uploads.models import Upload

ACTIONS = {
    "cancel": submissions.cancel_submission,
    "retry": submissions.retry_submission,
    "delete": submissions.delete_submission,
}


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
    is_disclosed = score is not None and bool(score.metrics)
    drawn = [each for each in (score, other_score) if each and is_disclosed]
    everything = _board(found)
    own = role_in(user=user, team=found.team) is not None
    details = shows_details(found.benchmark, user)
    context = {
        "submission": found,
        "benchmark": found.benchmark,
        "score": score,
        "verdict": _verdict(request, found, score, other, metric) if score else "",
        "withheld": ranking_rules.WITHHELD if score and not is_disclosed else "",
        "figures": _figures(request, found, score) if score and is_disclosed else (),
        "official": [(name, score.report[name]) for name in score.content.get("official", score.report)]
        if score and details
        else (),
        "plots": plots(drawn, metric, everything, user),
        "drawn_scores": drawn,
        "sequences": by_sequence(drawn, metric, everything, user),
        "metric": metric,
        "metric_title": ranking_rules.title(metric),
        "worst": worst_frames(score, metric, user) if score and own and found.benchmark.shows_frames else (),
        "others": _others(request, found),
        "other": other,
        "own": own,
        "rescorings": _rescorings(found) if own else (),
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
    with errors_as_messages(request):
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
                messages.error(request, "A submission needs the name of a method and at most five links (https://…).")
        if action == "delete":
            return redirect("benchmark", found.benchmark.slug)
    return redirect("submission", pk)


@login_required
@require_POST
def open_in_viewer(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Show a sequence of a submitted file in the viewer, at a frame."""
    user = person(request)
    found = get_object_or_404(Submission.objects.visible_to(user).select_related("benchmark", "team"), pk=pk)
    upload = by_id(Upload.objects.visible_to(user).select_related("subject__team"), request.POST.get("upload", ""))
    score = shown_score(found)
    sequences = score.revision.truth.sequences if score else []
    name = next((each["name"] for each in sequences if each.get("upload") == str(upload.pk)), None)
    if name is None:
        raise Http404
    with errors_as_messages(request):
        run = run_of_sequence(submission=found, sequence=name, upload=upload, by=user)
        frame = request.POST.get("frame", "")
        at = f"&frame={int(frame)}" if frame.isascii() and frame.isdigit() and len(frame) < 10 else ""
        return redirect(f"{reverse('viewer', args=[upload.pk])}?runs={run.pk}{at}")
    return redirect("submission", pk)


def _rescorings(found: Submission) -> list[Scoring]:
    """Its scorings under revisions that may be shown later, where it is shown under another now."""
    waiting = found.scorings.filter(revision__published_at=None, revision__cancelled_at=None).exclude(pk=found.scoring.pk)
    return list(waiting.select_related("revision").order_by("revision__number"))


def _others(request: HttpRequest, found: Submission) -> list[Submission]:
    """What it can be compared with."""
    shown = shown_revision(found.benchmark)
    if shown is None:
        return []
    scored = Submission.objects.visible_to(person(request)).filter(scores__revision=shown).select_related("team")
    return list(scored.exclude(pk=found.pk).order_by("-is_baseline", "-created_at")[:100])


def _other(request: HttpRequest, found: Submission) -> Submission | None:
    """The submission to compare with: the one asked for, else the first baseline."""
    others = _others(request, found)
    asked = request.GET.get("against", "")
    return next((other for other in others if str(other.pk) == asked), others[0] if others else None)


def _board(found: Submission) -> Board:
    return found.benchmark.boards.order_by("position", "id")[0]


def _verdict(request: HttpRequest, found: Submission, score: Score, other: Submission | None, metric: str) -> str:
    figure = MetricValue.objects.filter(score=score, board=_board(found), metric=metric).first()
    if figure is None:
        return ""
    shown = cell(metric, figure, rounding_for(_board(found), score.revision, person(request)), found.pk)
    if shown is None:
        return ""
    unit = "" if ranking_rules.unit(metric) == "1" else f" {ranking_rules.unit(metric)}"
    rank, of = rank_of(submission=found, user=person(request), board=_board(found), metric=metric, revision=score.revision)
    place = f", {_ordinal(rank)} of {of}" if rank else ", not ranked: hands are missing"
    said = f"{shown.text}{unit} {ranking_rules.title(metric)}{place}."
    if other is None:
        return said
    try:
        difference = compare(
            user=person(request), a=found, b=other, board=_board(found), metric=metric, revision=score.revision
        )
    except DomainError:
        return said
    return f"{said} {difference['verdict']}"


def _figures(request: HttpRequest, found: Submission, score: Score) -> list[dict[str, Any]]:
    """Each metric with its value on each board."""
    boards = list(found.benchmark.boards.all())
    cells = {(f.board_id, f.metric): f for f in MetricValue.objects.filter(score=score)}
    roundings = {board.pk: rounding_for(board, score.revision, person(request)) for board in boards}
    rows = []
    for metric in in_order(score.metrics):
        row = [cell(metric, cells.get((board.pk, metric)), roundings[board.pk], found.pk) for board in boards]
        if any(row):
            unit = ranking_rules.unit_at(metric, score.content.get("fps"))
            rows.append({"metric": metric, "title": ranking_rules.title(metric), "unit": unit, "cells": row})
    return [{"boards": boards, "rows": rows}]


def _ordinal(number: int) -> str:
    ending = "th" if 11 <= number % 100 <= 13 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"
