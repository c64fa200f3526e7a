"""Pages of subjects."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from palmares.listing import listing
from palmares.queue.models import OPEN_STATUSES, Status
from palmares.subjects import services
from palmares.subjects.models import Subject
from palmares.teams.models import Role, Team
from palmares.teams.pages import by_id, can_add, can_write, chosen_team, errors_as_messages, person, posted
from palmares.teams.services import first_team

SORTS = {"name": "name", "team": "team__name", "uploads": "upload_count", "created": "created_at"}
UPLOAD_SORTS = {
    "name": "name", "status": "status", "frames": "frame_count", "size": "width", "runs": "run_count", "created": "created_at",
}  # fmt: skip
NOTES_LENGTH = 4000


@login_required
@require_http_methods(["GET", "POST"])
def subjects(request: HttpRequest) -> HttpResponse:
    """Everyone whose hands the caller's teams film; a form for one more."""
    user, team = person(request), chosen_team(request)
    teams = Team.objects.filter(memberships__user=user, memberships__role__in=[Role.OWNER, Role.MEMBER])
    if request.method == "POST":
        if not (name := posted(request, "name")):
            messages.error(request, "A subject needs a name; a pseudonym will do.")
            return redirect("subjects")
        chosen = request.POST.get("team")
        into = by_id(teams, chosen) if chosen else team or first_team(user=user)
        with errors_as_messages(request):
            return redirect("subject", services.create_subject(team=into, name=name, by=user).pk)
        return redirect("subjects")
    found = Subject.objects.visible_to(user).select_related("team").annotate(upload_count=Count("uploads"))
    found = found.filter(team=team) if team else found
    context = {
        "listing": listing(request, found, sorts=SORTS, default="name", search=("name", "notes")),
        "teams": [team] if team else list(teams),
        "can_write": can_add(request, team),
    }
    return render(request, "subjects/subjects.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def subject(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One subject: hand shapes and uploads; rename."""
    found = get_object_or_404(Subject.objects.visible_to(person(request)).select_related("team"), pk=pk)
    if request.method == "POST":
        with errors_as_messages(request):
            name, notes = posted(request, "name"), posted(request, "notes", limit=NOTES_LENGTH)
            services.update_subject(subject=found, by=person(request), name=name or found.name, notes=notes)
            messages.success(request, "Saved.")
        return redirect("subject", pk)
    uploads = found.uploads.annotate(run_count=Count("runs"))
    context = {
        "subject": found,
        "listing": listing(request, uploads, sorts=UPLOAD_SORTS, default="-created", search=("name",)),
        "shapes": found.hand_shapes.select_related("calibration")[:20],
        "open_calibrations": found.calibrations.filter(status__in=OPEN_STATUSES),
        "newest": found.calibrations.filter(status=Status.SUCCEEDED).select_related("hand_shape").first(),
        "can_write": can_write(person(request), found.team),
        "loss": found.uploads.aggregate(uploads=Count("pk", distinct=True), runs=Count("runs", distinct=True)),
    }
    return render(request, "subjects/subject.html", context)


@login_required
@require_POST
def delete_subject(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Delete a subject with all uploads, runs and files."""
    found = get_object_or_404(Subject.objects.visible_to(person(request)).select_related("team"), pk=pk)
    with errors_as_messages(request):
        services.delete_subject(subject=found, by=person(request))
        messages.success(request, f"“{found.name}” was deleted with all its uploads, runs and files.")
        return redirect("subjects")
    return redirect("subject", pk)
