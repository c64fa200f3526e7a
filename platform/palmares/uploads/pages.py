"""Pages of uploads."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.files.uploadedfile import UploadedFile
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from palmares.api.problems import InvalidError
from palmares.listing import listing
from palmares.subjects.models import Subject
from palmares.subjects.pages import UPLOAD_SORTS
from palmares.teams.models import Role
from palmares.teams.pages import by_id, can_add, chosen_team, errors_as_messages, person, posted
from palmares.uploads import services
from palmares.uploads.ground_truths import attach_truth, remove_truth
from palmares.uploads.intrinsics import GivenCamera
from palmares.uploads.models import Upload

SORTS = UPLOAD_SORTS | {"subject": "subject__name"}
CHOICES = 500
"""Subjects that a form offers at most; beyond that, one uploads from the subject's own page."""
ACTIONS = {"cancel": services.cancel_upload, "retry": services.retry_upload}


@login_required
@require_http_methods(["GET", "POST"])
def uploads(request: HttpRequest) -> HttpResponse:
    """Everything uploaded, newest first, and the place to drop more."""
    user, team = person(request), chosen_team(request)
    subjects = Subject.objects.filter(
        team__memberships__user=user, team__memberships__role__in=[Role.OWNER, Role.MEMBER]
    ).select_related("team")
    if request.method == "POST":  # without JavaScript
        chosen = request.POST.get("subject")
        subject = by_id(subjects, chosen) if chosen else None
        file = request.FILES.get("file")
        if not isinstance(file, UploadedFile):
            messages.error(request, "Choose a video, an image or a ZIP of images first.")
            return redirect("uploads")
        with errors_as_messages(request):
            return redirect("upload", services.receive(by=user, file=file, subject=subject, team=None if subject else team).pk)
        return redirect("uploads")
    found = Upload.objects.visible_to(user).select_related("subject").annotate(run_count=Count("runs"))
    found = found.filter(subject__team=team) if team else found
    context = {
        "listing": listing(request, found, sorts=SORTS, default="-created", search=("name", "subject__name")),
        "subjects": (subjects.filter(team=team) if team else subjects)[:CHOICES],
        "team": team,
        "can_write": can_add(request, team),
        "with_subject": True,
    }
    return render(request, "uploads/uploads.html", context)


def visible_upload(request: HttpRequest, pk: UUID) -> Upload:
    """The upload, or 404."""
    visible = Upload.objects.visible_to(person(request)).select_related("subject__team", "ground_truth")
    return get_object_or_404(visible, pk=pk)


@login_required
@require_POST
def delete_upload(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Delete an upload with its runs and files."""
    found = visible_upload(request, pk)
    with errors_as_messages(request):
        services.delete_upload(upload=found, by=person(request))
        messages.success(request, f"“{found.name}” was deleted with its runs and files.")
        return redirect("subject", found.subject_id)
    return redirect("upload", pk)


@login_required
@require_POST
def change_upload(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Cancel or retry the ingestion, or edit name, subject and camera."""
    found = visible_upload(request, pk)
    if request.POST.get("action") == "edit":
        with errors_as_messages(request):
            services.update_upload(upload=found, by=person(request), **_edited(request, found))
            messages.success(request, "Saved.")
        return redirect("upload", pk)
    act = ACTIONS.get(request.POST.get("action", ""))
    if act is not None:
        with errors_as_messages(request):
            act(upload=found, by=person(request))
    return redirect("upload", pk)


@login_required
@require_POST
def change_truth(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Attach a ground truth, in place of the one there may be, or remove it."""
    found = visible_upload(request, pk)
    with errors_as_messages(request):
        if request.POST.get("action") == "remove":
            remove_truth(upload=found, by=person(request))
            messages.success(request, "The ground truth was removed, with all scores against it.")
            return redirect("upload", pk)
        file = request.FILES.get("file")
        if not isinstance(file, UploadedFile):
            raise InvalidError("Choose the file of the ground truth first.", field="file")
        attach_truth(
            upload=found,
            by=person(request),
            file=file,
            file_format=posted(request, "format"),
            side=posted(request, "side") or "right",
        )
        messages.success(request, "The ground truth was accepted; the runs of this upload will be scored against it.")
    return redirect("upload", pk)


def _edited(request: HttpRequest, found: Upload) -> dict[str, Any]:
    """What the form of an upload's page says, as `services.update_upload` takes it; a camera only where it was changed."""
    changes: dict[str, Any] = {"name": posted(request, "name", limit=services.MAX_NAME) or found.name}
    if chosen := request.POST.get("subject"):
        changes["subject"] = by_id(Subject.objects.filter(team=found.subject.team), chosen)
    text = posted(request, "focal_px", limit=20).replace(",", ".")
    if text != posted(request, "focal_px_before", limit=20):
        try:
            changes["camera"] = GivenCamera(focal_px=float(text) if text else None)
        except ValueError as error:
            raise InvalidError(f"Focal length: “{text}” is not a number of pixels.", field="focal_px") from error
    return changes
