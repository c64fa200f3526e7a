"""Calibrating a subject's hand, and what came out."""

from __future__ import annotations

from statistics import fmean
from typing import Any, cast
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from palmares.calibrations import forms as calibration_form
from palmares.calibrations import services
from palmares.calibrations.models import Calibration
from palmares.queue.models import Status
from palmares.subjects.models import HandShape, Subject
from palmares.svg_charts import COLOURS, Axis, Line, axis_around, curves
from palmares.teams.pages import can_write, errors_as_messages, person
from palmares.uploads.models import Upload

MOST_OFFERED = 100
"""Newest videos that a person may choose from on the page; the API takes any."""
MOST_OTHERS = 20

ACTIONS = {
    "cancel": services.cancel_calibration,
    "retry": services.retry_calibration,
    "delete": services.delete_calibration,
}


THINGS = {
    "85.6": "bank card, long side",
    "53.98": "bank card, short side",
    "297": "A4 sheet, long side",
    "210": "A4 sheet, short side",
    "279.4": "US Letter sheet, long side",
    "215.9": "US Letter sheet, short side",
}
"""Things of known size (mm) that lie about: ISO/IEC 7810 ID-1, ISO 216, ANSI/ASME Y14.1."""


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def calibrate(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Choose videos and what is known of the size, and queue a calibration from them."""
    subject = get_object_or_404(Subject.objects.visible_to(person(request)).select_related("team"), pk=pk)
    if not can_write(person(request), subject.team):
        raise PermissionDenied
    ready = Upload.objects.visible_to(person(request)).filter(subject=subject, status=Status.SUCCEEDED)
    offered = list(ready.order_by("-created_at")[:MOST_OFFERED])
    ticked = {str(upload.pk) for upload in offered[: services.MAX_UPLOADS]}
    if request.method == "POST":
        ticked = set(request.POST.getlist("uploads"))
        with errors_as_messages(request):
            uploads = [upload for upload in offered if str(upload.pk) in ticked]
            made = services.start_calibration(
                subject=subject, by=person(request), uploads=uploads, **calibration_form.asked(request, uploads)
            )
            return redirect("calibration", made.pk)
    context = {
        "subject": subject,
        "uploads": offered,
        "ticked": ticked,
        "given": request.POST,
        "shown": _shown(request, offered, ticked),
        "sides": HandShape.Side.choices,
        "things": THINGS,
        "solvers": calibration_form.SOLVERS,
        "weights": calibration_form.WEIGHTS,
        "most": services.MAX_IMAGES,
    }
    return render(request, "calibrations/calibrate.html", context)


@login_required
@require_GET
def calibration(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One calibration: its images with their weights, the hand in the rest pose, and how sure it is."""
    visible = Calibration.objects.visible_to(person(request)).select_related("subject__team", "hand_shape")
    found = get_object_or_404(visible, pk=pk)
    facts = found.facts
    context = {
        "calibration": found,
        "shape": found.hand_shape,
        "images": [_image(image) for image in facts.get("images", ())],
        "convergence": _convergence(facts.get("settled_mm", [])),
        "betas": _bars(found.hand_shape.betas if found.hand_shape else [], facts.get("betas_sigma", [])),
        "solver": facts.get("solver") or found.solver,
        "others": _others(found),
        "can_write": can_write(person(request), found.subject.team),
    }
    return render(request, "calibrations/calibration.html", context)


@login_required
@require_POST
def change_calibration(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Cancel, retry or delete a calibration."""
    visible = Calibration.objects.visible_to(person(request)).select_related("subject__team", "hand_shape")
    found = get_object_or_404(visible, pk=pk)
    action = request.POST.get("action", "")
    with errors_as_messages(request):
        if action in ACTIONS:
            ACTIONS[action](calibration=found, by=person(request))
        if action == "delete":
            return redirect("subject", found.subject_id)
    return redirect("calibration", pk)


def _shown(request: HttpRequest, offered: list[Upload], ticked: set[str]) -> str:
    """Whose images are offered to measure in: the video chosen, if it is ticked, else the first that is."""
    chosen = request.POST.get("scale_upload", "")
    return chosen if chosen in ticked else next((str(upload.pk) for upload in offered if str(upload.pk) in ticked), "")


def _others(found: Calibration) -> list[dict[str, Any]]:
    """The subject's other calibrations that gave a shape, newest first, and how far their β are from this one's."""
    shape = found.hand_shape
    others = found.subject.calibrations.exclude(pk=found.pk).exclude(hand_shape=None)
    rows = []
    for each in others.select_related("hand_shape").order_by("-created_at", "-id")[:MOST_OTHERS]:
        other = cast(HandShape, each.hand_shape)
        difference = (
            fmean((a - b) ** 2 for a, b in zip(shape.betas, other.betas, strict=True))
            if shape and shape.hand_model == other.hand_model
            else None
        )
        rows.append(
            {
                "calibration": each,
                "shape": other,
                "images": len(each.facts.get("images", ())),
                "solver": each.facts.get("solver") or each.solver,
                "difference": difference,
            }
        )
    return rows


def _image(facts: dict[str, Any]) -> dict[str, Any]:
    """A crop's joints as percentages of its side."""
    return {**facts, "joints": [(round(100 * x, 2), round(100 * y, 2)) for x, y in facts.get("joints", ())]}


def _convergence(steps: list[list[float]]) -> list[dict[str, Any]]:
    """Plots of the hand's length and width (mm) over the number of images; none for fewer than two images."""
    if len(steps) < 2:
        return []
    images = Axis("number of images", 1.0, float(len(steps)))
    found = []
    for name, values in zip(("Length", "Width"), zip(*steps, strict=True), strict=True):
        line = Line(name, list(enumerate(values, start=1)), COLOURS[0])
        y = axis_around("mm", values, least=1.0)
        label = f"{name} in mm over 1 to {len(steps)} images, {values[-1]:.1f} mm at the end"
        found.append({"name": name, "last": values[-1], "drawn": curves([line], x=images, y=y, label=label)})
    return found


def _bars(betas: list[float], sigmas: list[float]) -> list[dict[str, float]]:
    """β as bars from the middle: where each begins and how long it is, in percent of ±3."""
    bars = []
    for number, beta in enumerate(betas):
        reach = 50 * min(abs(beta), 3) / 3
        left = 50 - reach if beta < 0 else 50
        bars.append(
            {
                "number": number + 1,
                "beta": beta,
                "sigma": sigmas[number] if number < len(sigmas) else 0.0,
                "left": left,
                "width": reach,
            }
        )
    return bars
