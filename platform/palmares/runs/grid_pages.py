"""The grid of several clips and methods: what the page's script draws under one time cursor and one camera."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_http_methods

from ml.catalog import METHODS
from palmares.queue.models import Status
from palmares.runs.method_names import colour_of, title_of
from palmares.runs.models import Run
from palmares.teams.pages import ids_of
from palmares.uploads.models import GroundTruth, Upload
from palmares.uploads.pages import visible_upload
from palmares.uploads.serializers import UploadSerializer

MOST_CLIPS: Final = 4
MOST_METHODS: Final = 6
_TRUTH_COLOUR: Final = "#BBBBBB"


@login_required
@require_http_methods(["GET", "POST"])
@ensure_csrf_cookie
def clip_grid(request: HttpRequest) -> HttpResponse:
    """`uploads` and `methods` of the query, ids and names with commas between; a form's choice is sent on to that address."""
    if request.method == "POST":
        chosen = {name: ",".join(request.POST.getlist(name)) for name in ("uploads", "methods")}
        return redirect(f"{reverse('clip-grid')}?{urlencode(chosen, safe=',')}")
    ids = ids_of(request.GET.get("uploads", "").split(","), most=MOST_CLIPS + 1)
    found = [visible_upload(request, each) for each in ids]
    clips = [upload for upload in found if upload.folder and upload.frame_count][:MOST_CLIPS]
    if not clips:
        messages.error(request, "Select one or several uploads that are ready first.")
        return redirect("uploads")
    if len(found) > len(clips):
        messages.info(request, f"Only {len(clips)} of the uploads are shown: the first ready ones, at most {MOST_CLIPS}.")
    named = [name for name in request.GET.get("methods", "").split(",") if name]
    return render(request, "runs/grid.html", {"grid": grid_data(clips, named)})


def grid_data(clips: list[Upload], named: list[str]) -> dict[str, Any]:
    """Columns (the ground truth where a clip has one, then methods) and for each clip a cell by column.

    Args:
        clips: uploads that are ready.
        named: methods, by name; empty for those that ran on the clips, the catalogue's first.
    """
    newest: dict[tuple[Any, str], Run] = {}
    for run in Run.objects.filter(upload__in=clips, status=Status.SUCCEEDED).order_by("created_at", "id"):
        newest[run.upload_id, run.method] = run
    there = dict.fromkeys(method for _, method in newest)
    order = [*(name for name in METHODS if name in there), *(name for name in there if name not in METHODS)]
    methods = [name for name in dict.fromkeys(named) if name in there] or order
    methods = methods[:MOST_METHODS]
    columns = [{"title": title_of(name), "colour": colour_of(name)} for name in methods]
    truths = [_truth(upload) for upload in clips]
    has_truth = any(truths)
    if has_truth:
        columns.insert(0, {"title": "Ground truth", "colour": _TRUTH_COLOUR})
    rows = []
    for upload, truth in zip(clips, truths, strict=True):
        cells = [_cell(newest.get((upload.pk, name))) for name in methods]
        rows.append(_clip(upload) | {"cells": [truth, *cells] if has_truth else cells})
    return {"columns": columns, "clips": rows}


def _clip(upload: Upload) -> dict[str, Any]:
    media = UploadSerializer(upload).data["media"]
    shown = {name: getattr(upload, name) for name in ("name", "frame_count", "width", "height")}
    return shown | {
        "fps": upload.fps or 30,
        "address": reverse("viewer", args=[upload.pk]),
        "video": media["web_video"],
        "poster": media["poster"],
    }


def _cell(run: Run | None) -> dict[str, str] | None:
    if run is None:
        return None
    viewer = reverse("viewer", args=[run.upload_id])
    return {"track": reverse("run-track", kwargs={"pk": run.pk}), "address": f"{viewer}?runs={run.pk}&"}


def _truth(upload: Upload) -> dict[str, str] | None:
    truth: GroundTruth | None = getattr(upload, "ground_truth", None)
    if truth is None or not truth.folder:
        return None
    return {"track": reverse("upload-truth-track", args=[upload.pk]), "address": f"{reverse('viewer', args=[upload.pk])}?"}
