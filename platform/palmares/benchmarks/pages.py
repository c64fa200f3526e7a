"""Pages of benchmarks and submissions."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.text import slugify
from django.views.decorators.http import require_http_methods, require_POST

from palmares.benchmarks import revisions, services
from palmares.benchmarks.forms import BenchmarkForm
from palmares.benchmarks.models import Benchmark, Revision
from palmares.teams.models import Role
from palmares.teams.pages import by_id, errors_as_messages, person, posted
from palmares.teams.services import role_in


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def benchmark_settings(request: HttpRequest, slug: str) -> HttpResponse:
    """What a benchmark says of itself, its rules and its boards; owners only."""
    user = person(request)
    found = get_object_or_404(Benchmark.objects.visible_to(user).select_related("team"), slug=slug)
    role = role_in(user=user, team=found.team)
    if role is None or not role.includes(Role.OWNER):
        raise PermissionDenied
    form = BenchmarkForm(request.POST or None, instance=found)
    if form.is_valid():
        with errors_as_messages(request):
            services.update_benchmark(benchmark=found, by=user, **form.cleaned_data)
            messages.success(request, "Saved.")
            return redirect("benchmark", slug)
    truth = revisions.current_truth(found)
    subsets = truth.subsets if truth else {}
    context = {
        "benchmark": found,
        "form": form,
        "boards": found.boards.all(),
        "subsets": [(name, sum(last - first + 1 for first, last in ranges)) for name, ranges in subsets.items()],
    }
    return render(request, "benchmarks/settings.html", context)


@login_required
@require_POST
def change_benchmark(request: HttpRequest, slug: str) -> HttpResponse:
    """What owners do: upload ground truth, re-score, publish or cancel a revision, add a board, delete."""
    user = person(request)
    found = get_object_or_404(Benchmark.objects.visible_to(user).select_related("team"), slug=slug)
    action = request.POST.get("action", "")
    with errors_as_messages(request):
        if action == "truth" and isinstance(file := request.FILES.get("file"), UploadedFile):
            services.add_truth(benchmark=found, by=user, file=file)
        elif action == "score-again":
            revisions.score_again(benchmark=found, by=user)
        elif action in ("publish", "cancel"):
            revision = by_id(Revision.objects.visible_to(user).filter(benchmark=found), request.POST.get("revision", ""))
            if action == "publish":
                revisions.publish_revision(revision=revision, by=user)
                messages.success(request, f"The boards now show revision {revision.number}; older ones stay at ?revision=.")
            else:
                revisions.cancel_revision(revision=revision, by=user)
        elif action == "visibility" and request.POST.get("visibility") in Benchmark.Visibility.values:
            services.update_benchmark(benchmark=found, by=user, visibility=request.POST["visibility"])
            messages.success(request, f"Its board is now visible to: {found.get_visibility_display()}.")
        elif action == "board":
            name = posted(request, "name", limit=80)
            slug_of_board = slugify(name)[:40] or "board"
            services.add_board(benchmark=found, by=user, slug=slug_of_board, name=name, tag=posted(request, "tag", limit=40))
            messages.success(request, f"The board “{name}” was added; it fills when all submissions are re-scored.")
        elif action == "delete":
            services.delete_benchmark(benchmark=found, by=user)
            return redirect("benchmarks")
    address = reverse("benchmark", args=[slug])
    return redirect(f"{address}?tab=manage" if action in ("truth", "score-again", "cancel", "visibility") else address)
