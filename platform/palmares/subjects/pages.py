"""Pages of subjects."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from palmares.subjects import services
from palmares.subjects.models import Subject
from palmares.teams.models import Team
from palmares.teams.pages import can_write, person, said_to
from palmares.teams.services import first_team


@login_required
@require_http_methods(["GET", "POST"])
def subjects(request: HttpRequest) -> HttpResponse:
    """Everyone whose hands the caller's teams film; a form for one more."""
    user = person(request)
    teams = Team.objects.visible_to(user)
    if request.method == "POST":
        chosen = request.POST.get("team")
        team = get_object_or_404(teams, pk=chosen) if chosen else first_team(user=user)
        name = request.POST.get("name", "").strip()
        if not name:
            messages.error(request, "A subject needs a name; a pseudonym will do.")
            return redirect("subjects")
        with said_to(request):
            return redirect("subject", services.create_subject(team=team, name=name[:80], by=user).pk)
        return redirect("subjects")
    found = (
        Subject.objects.visible_to(user).select_related("team").annotate(upload_count=Count("uploads")).order_by("name", "id")
    )
    return render(request, "subjects/subjects.html", {"subjects": found[:500], "teams": teams})


@login_required
@require_http_methods(["GET", "POST"])
def subject(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One subject: hand shapes and uploads; rename."""
    found = get_object_or_404(Subject.objects.visible_to(person(request)).select_related("team"), pk=pk)
    if request.method == "POST":
        with said_to(request):
            services.update_subject(
                subject=found, by=person(request), name=request.POST.get("name"), notes=request.POST.get("notes")
            )
        return redirect("subject", pk)
    context = {
        "subject": found,
        "uploads": found.uploads.annotate(run_count=Count("runs")).order_by("-created_at", "-id")[:200],
        "shapes": found.hand_shapes.all()[:20],
        "can_write": can_write(person(request), found.team),
    }
    return render(request, "subjects/subject.html", context)


@login_required
@require_POST
def delete_subject(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Delete a subject with all uploads, runs and files."""
    found = get_object_or_404(Subject.objects.visible_to(person(request)).select_related("team"), pk=pk)
    with said_to(request):
        services.delete_subject(subject=found, by=person(request))
        messages.success(request, f"«{found.name}» is gone, with every upload, run and file.")
        return redirect("subjects")
    return redirect("subject", pk)
