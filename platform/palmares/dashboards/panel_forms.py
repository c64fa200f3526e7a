"""The form of a panel: its title, its place, and the options of its kind."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.core.files.uploadedfile import UploadedFile
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from ml.catalog import METHODS, METRICS, RUN_SLICES
from palmares.benchmarks.models import Benchmark
from palmares.dashboards import services
from palmares.dashboards.content import COLUMNS, LOWEST, OPTIONS, TALLEST, TITLES, below, new_panel
from palmares.dashboards.models import Dashboard
from palmares.dashboards.pages import CHOICES, visible_dashboard
from palmares.dashboards.viewsets import panel_of
from palmares.dashboards.visibility import Access
from palmares.teams.models import User
from palmares.teams.pages import errors_as_messages, person

LABELS: Final = {
    "source": ("Rows", "Uploads of the team, or sequences of a benchmark."),
    "benchmark": ("Benchmark", ""),
    "board": ("Board", "Slug of one of its boards; empty: all frames."),
    "metric": ("Metric", "Empty: the benchmark's own."),
    "differences": ("Only rows in which methods differ", ""),
    "reference": ("Differences from", "A method; its column stays as it is."),
    "rows": ("Rows", "At most."),
    "by": ("By", "Of the true hands."),
    "x": ("Horizontal axis", ""),
    "y": ("Vertical axis", ""),
    "upload": ("Upload", ""),
    "state": ("State", "What follows “?” in the viewer's address: runs, frame, camera."),
    "markdown": ("Text", "Markdown: headings, lists, tables, links."),
    "alt": ("Description", "For people who do not see the image."),
}
SOURCES: Final = {"uploads": "Uploads", "benchmark": "Sequences of a benchmark"}
_PLACES: Final = {"x": (0, COLUMNS - 1), "y": (0, LOWEST), "w": (1, COLUMNS), "h": (1, TALLEST)}


@login_required
@require_http_methods(["GET", "POST"])
def new(request: HttpRequest, pk: UUID) -> HttpResponse:
    """A new panel below the others."""
    kind = request.GET.get("kind", "")
    if kind not in OPTIONS:
        raise Http404(f"There is no kind of panel {kind!r}.")
    found = visible_dashboard(request, pk)
    content = services.version_of(found).content
    return _form(request, found, content, new_panel(kind, OPTIONS[kind], y=below(content["panels"])))


@login_required
@require_http_methods(["GET", "POST"])
def edit(request: HttpRequest, pk: UUID, panel: str) -> HttpResponse:
    """The options of a panel."""
    found = visible_dashboard(request, pk)
    content = services.version_of(found).content
    with errors_as_messages(request):
        return _form(request, found, content, panel_of(content, panel))
    return redirect("dashboard", pk)


def _form(request: HttpRequest, found: Dashboard, content: dict[str, Any], panel: dict[str, Any]) -> HttpResponse:
    user = person(request)
    if request.method == "POST":
        with errors_as_messages(request):
            sent = _sent(request, found, panel, user)
            others = [each for each in content["panels"] if each["id"] != panel["id"]]
            based_on = request.POST.get("based_on", "")
            services.save_dashboard(
                dashboard=found,
                by=user,
                content={**content, "panels": [*others, sent]},
                based_on=int(based_on) if based_on.isascii() and based_on.isdigit() and len(based_on) < 10 else None,
            )
            return redirect(f"{reverse('dashboard', args=[found.pk])}?edit=1")
        return redirect(request.get_full_path())
    context = {
        "dashboard": found,
        "panel": panel,
        "title": TITLES[panel["kind"]],
        "fields": [_field(name, panel, user, found) for name in OPTIONS[panel["kind"]] if name != "image"],
        "takes_image": "image" in panel["options"],
        "places": [(name, panel[name], *ends) for name, ends in _PLACES.items()],
    }
    return render(request, "dashboards/panel_form.html", context)


def _sent(request: HttpRequest, found: Dashboard, panel: dict[str, Any], by: User) -> dict[str, Any]:
    """The panel with what the form sent."""
    post = request.POST
    options: dict[str, Any] = {}
    for name, usual in OPTIONS[panel["kind"]].items():
        text = post.get(name if name not in _PLACES else f"option-{name}", "").replace("\x00", "").replace("\r\n", "\n")
        options[name] = bool(text) if isinstance(usual, bool) else _whole(text, usual) if isinstance(usual, int) else text
    if "image" in options:
        options["image"] = panel["options"].get("image", "")
        file = request.FILES.get("image")
        if isinstance(file, UploadedFile):
            options["image"] = str(services.add_image(dashboard=found, file=file, by=by).pk)
    place = {name: _whole(post.get(name, ""), panel[name]) for name in _PLACES}
    place["x"] = min(place["x"], COLUMNS - min(place["w"], COLUMNS))
    return {**panel, **place, "title": post.get("title", "").replace("\x00", "").strip()[:120], "options": options}


def _whole(text: str, usual: int) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else usual


def _field(name: str, panel: dict[str, Any], user: User, found: Dashboard) -> dict[str, Any]:
    """Label, hint, value and choices of one option."""
    label, hint = LABELS[name]
    value = panel["options"].get(name, OPTIONS[panel["kind"]][name])
    choices = _choices_of(name, panel["kind"], user, found)
    if choices is not None and value and value not in dict(choices):
        choices.append((value, f"{value} (deleted)"))
    plain = "check" if isinstance(value, bool) else "number" if isinstance(value, int) else "text"
    widget = plain if choices is None else "select"
    return {
        "name": f"option-{name}" if name in _PLACES else name,
        "label": label,
        "hint": hint,
        "value": value,
        "choices": choices,
        "widget": "textarea" if name == "markdown" else widget,
    }


def _choices_of(name: str, kind: str, user: User, found: Dashboard) -> list[tuple[str, str]] | None:
    """What an option can be: values and texts; None for anything."""
    if name in ("metric", "x", "y"):
        metrics = [(m.name, m.title if m.needs_truth else f"{m.title} (no ground truth)") for m in METRICS.values()]
        return [("", "The benchmark's own"), *metrics] if name == "metric" and kind != "metrics" else metrics
    if name in ("by", "source"):
        return [(slug, slug.capitalize()) for slug in RUN_SLICES] if name == "by" else list(SOURCES.items())
    if name == "benchmark":
        return [("", "None"), *Benchmark.objects.visible_to(user).values_list("slug", "name")[:CHOICES]]
    if name == "reference":
        return [("", "No method: values as they are"), *((m.name, m.title) for m in METHODS.values())]
    if name == "upload":
        uploads = Access(found.team, None).uploads().values_list("pk", "name")[:CHOICES]
        return [("", "None"), *((str(pk), text) for pk, text in uploads)]
    return None
