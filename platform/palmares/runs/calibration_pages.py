"""Calibrating a subject's hand, and what came out."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from palmares.api.problems import InvalidError
from palmares.queue.models import Status
from palmares.runs import calibrations as services
from palmares.runs.models import Calibration
from palmares.subjects.models import Subject
from palmares.teams.pages import can_write, person, said_to
from palmares.uploads.models import Upload

ACTIONS = {
    "cancel": services.cancel_calibration,
    "retry": services.retry_calibration,
    "delete": services.delete_calibration,
}


@login_required
@require_POST
def start_calibration(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Queue a calibration of a subject from the uploads that were ticked; all ready ones where none was."""
    subject = get_object_or_404(Subject.objects.visible_to(person(request)).select_related("team"), pk=pk)
    ready = Upload.objects.visible_to(person(request)).filter(subject=subject, status=Status.SUCCEEDED)
    ticked = {text for text in request.POST.getlist("uploads") if text}
    chosen = [upload for upload in ready.order_by("-created_at")[:200] if not ticked or str(upload.pk) in ticked]
    with said_to(request):
        made = services.start_calibration(
            subject=subject,
            by=person(request),
            uploads=chosen[: services.MAX_UPLOADS],
            side=request.POST.get("side") or "both",
            scale=_scale(request),
        )
        return redirect("calibration", made.pk)
    return redirect("subject", pk)


@login_required
@require_GET
def calibration(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One calibration: its pictures with their weights, the hand at rest, and how sure it is."""
    visible = Calibration.objects.visible_to(person(request)).select_related("subject__team", "hand_shape")
    found = get_object_or_404(visible, pk=pk)
    facts = found.facts
    context = {
        "calibration": found,
        "shape": found.hand_shape,
        "pictures": [_picture(picture) for picture in facts.get("pictures", ())],
        "settled": _settled(facts.get("settled_mm", [])),
        "betas": _bars(found.hand_shape.betas if found.hand_shape else [], facts.get("betas_sigma", [])),
        "others": found.subject.calibrations.exclude(pk=found.pk).select_related("hand_shape")[:20],
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
    with said_to(request):
        if action in ACTIONS:
            ACTIONS[action](calibration=found, by=person(request))
        if action == "delete":
            return redirect("subject", found.subject_id)
    return redirect("calibration", pk)


def _scale(request: HttpRequest) -> dict[str, Any]:
    text = request.POST.get("length_mm", "").strip().replace(",", ".")
    if not text:
        return {}
    try:
        return {"length_mm": float(text)}
    except ValueError as error:
        raise InvalidError(f"«{text[:20]}» is no length in millimetres.", field="length_mm") from error


def _picture(facts: dict[str, Any]) -> dict[str, Any]:
    """A crop's joints as percentages of its side."""
    return {**facts, "joints": [(round(100 * x, 2), round(100 * y, 2)) for x, y in facts["joints"]]}


def _settled(steps: list[list[float]]) -> dict[str, Any] | None:
    """How length and width settled, as points of a drawing 100 wide and 40 high each."""
    if len(steps) < 2:
        return None
    drawn = {}
    for name, values in zip(("length", "width"), zip(*steps, strict=True), strict=True):
        low, high = min(values), max(values)
        span = max(high - low, 1.0)
        points = [
            f"{100 * i / (len(values) - 1):.2f},{38 - 36 * (v - (low + high - span) / 2) / span:.2f}"
            for i, v in enumerate(values)
        ]
        drawn[name] = {"points": " ".join(points), "low": low, "high": high, "last": values[-1]}
    return {**drawn, "count": len(steps)}


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
