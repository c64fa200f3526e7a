"""An upload with its runs, one run on its way, and the Run / Compare page."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_GET, require_POST
from rest_framework.renderers import JSONRenderer

from ml.catalog import (
    FIRST_METHODS,
    METHODS,
    METRICS,
    PREDICTION_FORMATS,
    SERIES_METRICS,
    TRUTH_FORMATS,
    TRUTH_SERIES_METRICS,
    MethodEntry,
)
from palmares.api.problems import InvalidError
from palmares.queue.models import Status
from palmares.runs import services
from palmares.runs.external_runs import add_external_run
from palmares.runs.keypoint_strips import keypoint_strips, source_legend
from palmares.runs.loss_plots import loss_plots
from palmares.runs.models import Run, RunScore
from palmares.runs.score_tables import by_alignment, of_runs
from palmares.runs.serializers import RunSerializer
from palmares.runs.shape_used import choice
from palmares.runs.viewer_runs import IN_VIEWER, runs_to_offer
from palmares.subjects.models import HandShape, Subject
from palmares.teams.models import Role, User
from palmares.teams.pages import by_id, can_write, chosen_team, errors_as_messages, ids_of, person, posted
from palmares.teams.services import role_in
from palmares.uploads import services as uploads
from palmares.uploads.models import Upload
from palmares.uploads.pages import CHOICES, visible_upload
from palmares.uploads.serializers import UploadSerializer

ACTIONS = {"cancel": services.cancel_run, "retry": services.retry_run, "delete": services.delete_run}
COMMENTS = 50
"""Open comments that the page of an upload lists; the viewer has all."""
ALL = "all"
"""The value by which a form names every method."""
SHAPES = 20
"""Newest hand shapes that a method's form offers; the API takes any."""


@login_required
@require_GET
@ensure_csrf_cookie
def upload(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One upload: its filmstrip, its facts, its runs, and what may be run on it."""
    found = visible_upload(request, pk)
    runs = found.runs.select_related("prediction", "score")
    context = {
        "upload": found,
        "shown": UploadSerializer(found, context={"request": request}).data,
        "runs": runs,
        "scores": of_runs(runs),
        "doors": _doors(found),
        "first_methods": [METHODS[name].title for name in services.first_methods(found)],
        "subjects": Subject.objects.filter(team=found.subject.team)[:CHOICES],
        "focal_px": f"{camera['focal_px']:g}" if (camera := found.facts.get("camera", {})).get("focal_px") else "",
        "can_write": can_write(person(request), found.subject.team),
        "truth_formats": TRUTH_FORMATS,
        "prediction_formats": PREDICTION_FORMATS,
        "comments": found.comments.filter(resolved_at=None).select_related("created_by")[:COMMENTS],
    }
    return render(request, "uploads/upload.html", context)


def _doors(found: Upload) -> list[dict[str, Any]]:
    """Each method that can run on an upload, with the subject's hand shapes that it can take, newest first.

    Of these the newest that was not typed in is preselected.
    """
    newest = list(found.subject.hand_shapes.all()[:SHAPES])
    doors = []
    for method in METHODS.values():
        if services.can_take(found, method.name):
            fitting = [shape for shape in newest if shape.hand_model in method.hand_models]
            best = next((shape.pk for shape in fitting if shape.source != HandShape.Source.GIVEN), None)
            doors.append({"method": method, "shapes": [(s.pk, choice(s)) for s in fitting], "preselected": best})
    return doors


@login_required
@require_GET
@ensure_csrf_cookie
def viewer(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The Run / Compare page; which runs, which frame and from where is in the query, for the page to read."""
    found = visible_upload(request, pk)
    runs = _runs_to_compare(found, request.GET.get("runs", ""))
    bare = request.GET.get("bare") == "1"  # in a panel of a dashboard
    shown = UploadSerializer(found, context={"request": request}).data
    state = viewer_data(shown, list(RunSerializer(runs, many=True, context={"request": request}).data))
    if not bare:
        state |= {"comments": _comment_rights(person(request), found)}
    may_start = can_write(person(request), found.subject.team)
    if not bare:
        state |= {"boxes": {"can_write": may_start}}
    if not bare and may_start and (refining := _refining_methods(found)):
        state |= {"refining": {"name": refining[0].name, "title": refining[0].title}}
    context = {
        "viewer": json.loads(JSONRenderer().render(state)),
        "upload": found,
        "can_write": may_start,
        "base": "bare.html" if bare else "base.html",
        "framed": bare,
        "title": found.name,
    }
    return render(request, "runs/viewer.html", context)


def _refining_methods(upload: Upload) -> list[MethodEntry]:
    """Those that can refine the hands of other runs of an upload."""
    return [method for method in METHODS.values() if method.refines and services.can_take(upload, method.name)]


def _comment_rights(user: User, upload: Upload) -> dict[str, Any]:
    """What somebody may do with comments on an upload, as the viewer's script takes it."""
    role = role_in(user=user, team=upload.subject.team)
    can_write = role is not None and role.includes(Role.MEMBER)
    return {"can_write": can_write, "email": user.email, "is_owner": role == Role.OWNER}


def _runs_to_compare(upload: Upload, named: str) -> list[Run]:
    """The runs that the page offers, newest first, and among them those that the address names (ids with commas between)."""
    wanted = ids_of([text.strip() for text in named.split(",")], most=IN_VIEWER)
    offered = runs_to_offer(upload.runs.all(), wanted=wanted)
    return list(upload.runs.select_related("prediction", "upload").filter(pk__in=offered))


def viewer_data(upload: Mapping[str, Any], runs: Sequence[Any]) -> dict[str, Any]:
    """What the viewer's script is given: an upload and its runs as the API shows them, and the metrics of the catalogue."""
    return {
        "upload": upload,
        "runs": runs,
        "metrics": [metric_facts(name) for name in SERIES_METRICS],
        "truth_metrics": [metric_facts(name) for name in TRUTH_SERIES_METRICS],
        "first_methods": FIRST_METHODS,
    }


def metric_facts(name: str) -> dict[str, str | int]:
    """A metric of the catalogue as the viewer's script takes it."""
    entry = METRICS[name]
    shown = ("name", "title", "unit", "direction", "definition", "decimals")
    return {key: getattr(entry, key) for key in shown}


@login_required
@require_GET
def run(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One run: on its way its progress; at its end the viewer, unless its details are asked for (`?details`)."""
    runs = Run.objects.visible_to(person(request))
    found = get_object_or_404(
        runs.select_related("upload__subject__team", "upload__ground_truth", "prediction", "score"), pk=pk
    )
    address = f"{reverse('viewer', args=[found.upload_id])}?runs={found.pk}"
    if found.status == Status.SUCCEEDED and "details" not in request.GET and not request.headers.get("HX-Request"):
        return redirect(address)
    score: RunScore | None = getattr(found, "score", None)
    strips = keypoint_strips(found)
    context = {
        "run": found,
        "method": METHODS.get(found.method),
        "address": address,
        "score": score,
        "table": by_alignment(score) if score is not None and score.folder else None,
        "can_write": can_write(person(request), found.upload.subject.team),
        "loss_plots": loss_plots(found.prediction.losses) if found.prediction is not None else [],
        "keypoint_strips": strips,
        "keypoint_legend": source_legend(strips),
        "refining": _refining_methods(found.upload),
    }
    return render(request, "runs/run.html", context)


@login_required
@require_POST
def add_sample(request: HttpRequest) -> HttpResponse:
    """Add a rendered clip to the chosen team, else to the caller's first, and run the first methods on it."""
    made = None
    with errors_as_messages(request):
        made = uploads.add_sample(team=chosen_team(request), by=person(request))
        services.run_methods(uploads=[made], by=person(request))
    return redirect("upload", made.pk) if made else redirect("uploads")


@login_required
@require_POST
def start_run(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Queue a method on an upload."""
    found = visible_upload(request, pk)
    chosen, start = request.POST.get("hand_shape"), request.POST.get("start")
    shape = by_id(HandShape.objects.visible_to(person(request)), chosen) if chosen else None
    made = None
    with errors_as_messages(request):
        made = services.start_run(
            upload=found,
            method=request.POST.get("method", ""),
            by=person(request),
            hand_shape=shape,
            hand_model=shape.hand_model if shape else "open",
            start=by_id(Run.objects.visible_to(person(request)), start) if start else None,
        )
    return redirect("run", made.pk) if made is not None and made.start_method else redirect("upload", pk)


@login_required
@require_POST
def add_run(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Add predictions of an external method to an upload."""
    found = visible_upload(request, pk)
    with errors_as_messages(request):
        file = request.FILES.get("file")
        if not isinstance(file, UploadedFile):
            raise InvalidError("Choose the file of the predictions first.", field="file")
        made = add_external_run(
            upload=found,
            by=person(request),
            file=file,
            method_name=posted(request, "method_name", limit=200),
            file_format=posted(request, "format"),
            version=posted(request, "version", limit=40),
            link=posted(request, "link", limit=300),
            side=posted(request, "side") or "right",
        )
        messages.success(request, f"“{made.method}” was added; its meshes and metrics are being made.")
    return redirect("upload", pk)


@login_required
@require_POST
def run_methods(request: HttpRequest) -> HttpResponse:
    """Queue methods (`all`, or the first ones where none is named) on one or several uploads, each where it has not run yet."""
    found = [visible_upload(request, each) for each in ids_of(request.POST.getlist("uploads"), most=services.MOST_UPLOADS)]
    methods = [name for name in request.POST.getlist("methods") if name]
    methods = list(METHODS) if ALL in methods else methods
    if not found:
        messages.error(request, "Select one or several uploads first.")
        return redirect("uploads")
    with errors_as_messages(request):
        queued, skipped = services.run_methods(uploads=found, methods=methods, by=person(request))
        left_out = f"; {skipped} left out: already run, not possible, or too many at once" if skipped else ""
        messages.success(request, f"{queued} run{'' if queued == 1 else 's'} queued{left_out}.")
    return redirect("upload", found[0].pk) if len(found) == 1 else redirect("uploads")


@login_required
@require_POST
def change_run(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Cancel, retry or delete a run."""
    found = get_object_or_404(Run.objects.visible_to(person(request)).select_related("upload__subject__team"), pk=pk)
    action = request.POST.get("action", "")
    if action in ACTIONS:
        with errors_as_messages(request):
            ACTIONS[action](run=found, by=person(request))
    back_to_run = request.POST.get("from") == "run" and action != "delete"
    return redirect("run", pk) if back_to_run else redirect("upload", found.upload_id)
