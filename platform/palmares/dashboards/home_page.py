"""The home page: what is running, a dashboard or what came out last, and the doors to everything else."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Case, Count, QuerySet, When
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from palmares.benchmarks.models import Benchmark
from palmares.dashboards.models import Dashboard
from palmares.dashboards.pages import dashboard_context
from palmares.leaderboards.public_board import off_limits_to_robots
from palmares.queue.models import OPEN_STATUSES, Status
from palmares.runs.models import Run
from palmares.teams.pages import AnyModel, can_add, chosen_team, person
from palmares.uploads.models import Upload

LATEST = 12
PUBLIC_BOARDS = 50
RUNNING = 5
"""Rows of each list, at most."""
_RUNNING_FIRST = Case(When(status=Status.RUNNING, then=0), default=1)
_UNUSED = ("shape", "options", "findings", "prediction__losses", "upload__facts", "upload__intrinsics")
"""What lists of runs do not show, and may be long."""


@require_GET
def home(request: HttpRequest) -> HttpResponse:
    """What is running, the first dashboard (what came out last where there is none), and the doors.

    People who are not signed in see what Palmarès is, and the boards that are on the web.
    """
    if not request.user.is_authenticated:
        boards_on_web = Benchmark.objects.on_the_web().select_related("team")[:PUBLIC_BOARDS]
        return off_limits_to_robots(render(request, "landing.html", {"benchmarks": boards_on_web}))
    user, team = person(request), chosen_team(request)
    runs, uploads = Run.objects.visible_to(user), Upload.objects.visible_to(user)
    if team:
        runs, uploads = runs.filter(upload__subject__team=team), uploads.filter(subject__team=team)
    runs = runs.select_related("upload__subject", "prediction").defer(*_UNUSED)
    running, open_runs = _first(runs.filter(status__in=OPEN_STATUSES).order_by(_RUNNING_FIRST, "created_at", "id"))
    waiting, open_uploads = _first(
        uploads.filter(status__in=OPEN_STATUSES).select_related("subject").order_by(_RUNNING_FIRST, "created_at", "id")
    )
    boards = Dashboard.objects.visible_to(user).select_related("team").order_by("created_at", "id")
    first = (boards.filter(team=team) if team else boards).first()
    context = {
        **(dashboard_context(request, first) if first else {}),
        "open_uploads": open_uploads,
        "open_runs": open_runs,
        "more": running - len(open_runs) + waiting - len(open_uploads),
        "latest": [] if first else runs.filter(status=Status.SUCCEEDED).order_by("-finished_at", "-id")[:LATEST],
        "compare": _worth_comparing(runs),
        "can_write": can_add(request, team),
    }
    return render(request, "home.html", context)


def _first(rows: QuerySet[AnyModel]) -> tuple[int, list[AnyModel]]:
    """How many rows are queued or running, and the first of them."""
    rows = rows.filter(status__in=OPEN_STATUSES).order_by(_RUNNING_FIRST, "created_at", "id")
    return rows.count(), list(rows[:RUNNING])


def _worth_comparing(runs: Any) -> UUID | None:
    """The upload that last got a second method, else the last with any; None where nothing has finished."""
    finished = runs.filter(status=Status.SUCCEEDED).order_by("-finished_at").values_list("upload_id", flat=True)
    recent = list(finished[:50])
    several = runs.filter(status=Status.SUCCEEDED, upload_id__in=recent).order_by().values("upload_id")
    methods = {row["upload_id"]: row["n"] for row in several.annotate(n=Count("method", distinct=True))}
    return next((pk for pk in recent if methods[pk] > 1), recent[0] if recent else None)


@require_GET
def robots(request: HttpRequest) -> HttpResponse:
    """`robots.txt`: search engines stay away, unless the operator lets them see what is on the web."""
    lines = ["User-agent: *", "Disallow: /shared/" if settings.ALLOW_ROBOTS else "Disallow: /"]
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain")
