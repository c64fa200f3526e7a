"""Home, an upload with its runs, and the Run / Compare page."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_GET, require_POST
from rest_framework.renderers import JSONRenderer

from ml.catalog import METHODS
from palmares.queue.models import OPEN_STATUSES, Status
from palmares.runs import services
from palmares.runs.models import Run
from palmares.runs.serializers import RunSerializer
from palmares.subjects.models import HandShape
from palmares.teams.pages import can_write, person, said_to
from palmares.uploads.models import Upload
from palmares.uploads.pages import visible_upload
from palmares.uploads.serializers import UploadSerializer

ACTIONS = {"cancel": services.cancel_run, "retry": services.retry_run, "delete": services.delete_run}
IN_VIEWER = 9
"""Runs that one page compares; keys 1 to 9 toggle them."""


@login_required
@require_GET
def home(request: HttpRequest) -> HttpResponse:
    """What is running, what came out last, and the doors."""
    user = person(request)
    runs = Run.objects.visible_to(user).select_related("upload__subject", "prediction")
    finished = runs.filter(status=Status.SUCCEEDED).order_by("-finished_at")[:12]
    context = {
        "open_uploads": Upload.objects.visible_to(user).filter(status__in=OPEN_STATUSES).select_related("subject")[:10],
        "open_runs": [_described(run) for run in runs.filter(status__in=OPEN_STATUSES)[:20]],
        "latest": [_described(run) for run in finished],
        "compare": finished[0].upload_id if finished else None,
    }
    return render(request, "home.html", context)


@login_required
@require_GET
@ensure_csrf_cookie
def upload(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One upload: its filmstrip, its facts, its runs, and what may be run on it."""
    found = visible_upload(request, pk)
    runs = found.runs.select_related("prediction", "hand_shape")
    context = {
        "upload": found,
        "shown": UploadSerializer(found, context={"request": request}).data,
        "runs": [_described(run) for run in runs],
        "methods": METHODS.values(),
        "shapes": found.subject.hand_shapes.all()[:20],
        "can_write": can_write(person(request), found.subject.team),
    }
    return render(request, "uploads/upload.html", context)


@login_required
@require_GET
@ensure_csrf_cookie
def viewer(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The Run / Compare page; which runs, which frame and from where is in the query, for the page to read."""
    found = visible_upload(request, pk)
    runs = found.runs.select_related("prediction", "hand_shape", "upload")[:IN_VIEWER]
    state = {
        "upload": UploadSerializer(found, context={"request": request}).data,
        "runs": RunSerializer(runs, many=True, context={"request": request}).data,
    }
    return render(request, "runs/viewer.html", {"viewer": json.loads(JSONRenderer().render(state))})


@login_required
@require_GET
def run(request: HttpRequest, pk: UUID) -> HttpResponse:
    """To the run in its viewer."""
    found = get_object_or_404(Run.objects.visible_to(person(request)), pk=pk)
    return redirect(f"{reverse('viewer', args=[found.upload_id])}?runs={found.pk}")


@login_required
@require_POST
def start_run(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Queue a method on an upload."""
    found = visible_upload(request, pk)
    chosen = request.POST.get("hand_shape")
    shape = get_object_or_404(HandShape.objects.visible_to(person(request)), pk=chosen) if chosen else None
    with said_to(request):
        services.start_run(
            upload=found,
            method=request.POST.get("method", ""),
            by=person(request),
            hand_shape=shape,
            hand_model=shape.hand_model if shape else "open",
        )
    return redirect("upload", pk)


@login_required
@require_POST
def change_run(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Cancel, retry or delete a run."""
    found = get_object_or_404(Run.objects.visible_to(person(request)).select_related("upload__subject__team"), pk=pk)
    act = ACTIONS.get(request.POST.get("action", ""))
    if act is not None:
        with said_to(request):
            act(run=found, by=person(request))
    return redirect("upload", found.upload_id)


def _described(run: Run) -> dict[str, Any]:
    """A run with what the catalogue says of its method."""
    entry = METHODS.get(run.method)
    return {
        "run": run,
        "title": entry.title if entry else run.method,
        "colour": entry.colour if entry else "#BBBBBB",
        "summary": run.prediction.summary if run.prediction else {},
    }
