"""Pages of dashboards: the list, one dashboard, its panels as fragments, its versions."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import AnonymousUser
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from ml.catalog import METHODS
from palmares.api.problems import DomainError
from palmares.benchmarks.models import Benchmark
from palmares.dashboards import services
from palmares.dashboards.content import ALIGNMENTS, TITLES
from palmares.dashboards.drawings import VIRIDIS, draw_hands, draw_pck, draw_points, joint_scale
from palmares.dashboards.models import Dashboard
from palmares.dashboards.panels.data import PanelData, panel_data
from palmares.dashboards.run_values import method_facts
from palmares.dashboards.version_comparison import compare_versions
from palmares.dashboards.viewsets import panel_of
from palmares.dashboards.visibility import Access, Filters
from palmares.queue.models import OPEN_STATUSES
from palmares.runs.models import RunScore
from palmares.subjects.models import Subject
from palmares.submissions.models import Submission
from palmares.teams.models import Membership, Role, Team
from palmares.teams.pages import by_id, can_write, chosen_team, errors_as_messages, person, posted

CHOICES = 200
"""Subjects and uploads that the filters offer; addresses and the API take any."""
FOLLOWED = 50
"""Runs in progress whose end updates the panels; as many of their scores, and submissions of benchmarks that panels show."""
LIVE = ("metrics", "board", "pck", "joints", "scatter", "significance", "smooth", "slices", "failures")
"""Kinds whose content changes when a run finishes."""


@login_required
@require_http_methods(["GET", "POST"])
def dashboards(request: HttpRequest) -> HttpResponse:
    """The dashboards of one's teams, and a form for a new one."""
    user, team = person(request), chosen_team(request)
    writes = Membership.objects.filter(user=user, role__in=[Role.OWNER, Role.MEMBER]).values("team")
    writable = Team.objects.filter(pk__in=writes)
    if request.method == "POST":
        with errors_as_messages(request):
            chosen = by_id(writable, request.POST.get("team", ""))
            made = services.create_dashboard(team=chosen, name=posted(request, "name", limit=120), by=user)
            return redirect("dashboard", made.pk)
        return redirect("dashboards")
    found = Dashboard.objects.visible_to(user).select_related("team")
    context = {"dashboards": found.filter(team=team) if team else found, "writable": writable}
    return render(request, "dashboards/dashboards.html", context)


@login_required
@require_GET
@ensure_csrf_cookie
def dashboard(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One dashboard: its filters, and a grid of panels that load by themselves."""
    found = visible_dashboard(request, pk)
    context = dashboard_context(request, found)
    return render(request, "dashboards/dashboard.html", context)


def visible_dashboard(request: HttpRequest, pk: UUID) -> Dashboard:
    """A dashboard that the person may see; 404 else."""
    return get_object_or_404(Dashboard.objects.visible_to(person(request)).select_related("team"), pk=pk)


def dashboard_context(request: HttpRequest, found: Dashboard) -> dict[str, Any]:
    """What the page of a dashboard shows around its panels; the home page shows it, too."""
    version = services.version_of(found)
    problem = ""
    try:
        filters = Filters.of_query(request.GET, version.content["filters"])
    except DomainError as error:
        filters, problem = Filters.of_query(None, version.content["filters"]), error.detail
    access = Access(found.team, person(request), filters=filters)
    base = reverse("dashboard", args=[found.pk])
    return {
        "dashboard": found,
        "version": version,
        "panels": grid(version.content["panels"], lambda name: f"{base}panels/{name}/?{filters.query}"),
        "filters": filters,
        "is_filtered": any(name in request.GET for name in vars(filters)),
        "filter_problem": problem,
        "choices": _choices(found, filters, version.content["panels"]),
        "running": _in_progress(access, version.content["panels"]),
        "kinds": TITLES,
        "can_write": can_write(person(request), found.team),
    }


def _in_progress(access: Access, panels: list[dict[str, Any]]) -> list[tuple[str, UUID]]:
    """Kind and id of the work that changes panels when it ends."""
    runs = access.runs().filter(status__in=OPEN_STATUSES)
    scores = RunScore.objects.filter(run__in=access.runs(), status__in=OPEN_STATUSES)
    submissions = Submission.objects.visible_to(access.user or AnonymousUser()).filter(
        benchmark__slug__in=_benchmarks_of(panels)
    )
    work: list[tuple[str, QuerySet[Any]]] = [
        ("run", runs),
        ("runscore", scores),
        ("submission", submissions.in_status(*OPEN_STATUSES)),
    ]
    return [(kind, pk) for kind, rows in work for pk in rows.order_by("created_at").values_list("pk", flat=True)[:FOLLOWED]]


def _benchmarks_of(panels: list[dict[str, Any]]) -> set[str]:
    """Slugs of the benchmarks that panels show."""
    return {panel["options"].get("benchmark") for panel in panels} - {None, ""}


def grid(panels: list[dict[str, Any]], address: Any) -> list[dict[str, Any]]:
    """Panels in reading order, with the address of each one's content."""
    ordered = sorted(panels, key=lambda panel: (panel["y"], panel["x"]))
    return [
        {**panel, "address": address(panel["id"]), "live": panel["kind"] in LIVE, "kind_title": TITLES[panel["kind"]]}
        for panel in ordered
    ]


def _choices(found: Dashboard, filters: Filters, panels: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What the filters offer: name, label, options (value, text, chosen) of each."""
    subjects = Subject.objects.filter(team=found.team).values_list("pk", "name")[:CHOICES]
    uploads = Access(found.team, None).uploads().values_list("pk", "name")[:CHOICES]
    methods = dict.fromkeys([*METHODS, *filters.methods])
    boards = Benchmark.objects.filter(slug__in=_benchmarks_of(panels)).values_list("boards__slug", "boards__name").distinct()
    slices = {slug: name for slug, name in boards if slug and slug != "all"}
    many = [
        ("subjects", "Subjects", [(str(pk), name) for pk, name in subjects], filters.subjects),
        ("uploads", "Uploads", [(str(pk), name) for pk, name in uploads], filters.uploads),
        ("methods", "Methods", [(name, method_facts(name).title) for name in methods], filters.methods),
    ]
    alignments = [(name, title) for name, (_, title) in ALIGNMENTS.items()]
    one = [
        ("slice", "Slice", [("", "All frames"), *slices.items()], (filters.slice,)),
        (
            "alignment",
            "Alignment",
            [("", "As in each panel"), *alignments],
            (filters.alignment,),
        ),
    ]
    return [
        {
            "name": name,
            "label": label,
            "many": (name, label, options, chosen) in many,
            "count": len([value for value in chosen if value]),
            "options": [(value, text, value in chosen) for value, text in options],
        }
        for name, label, options, chosen in (*many, *one)
    ]


@login_required
@require_GET
def panel(request: HttpRequest, pk: UUID, panel: str) -> HttpResponse:
    """The content of one panel, for the page to put in its place."""
    found = visible_dashboard(request, pk)
    try:
        content = services.version_of(found).content
        shown = panel_of(content, panel)
        access = Access(found.team, person(request), filters=Filters.of_query(request.GET, content["filters"]))
        data = panel_data(access, shown)
    except DomainError as error:
        data = PanelData("text", "", problem=error.detail)
    viewer = ""
    if data.kind == "viewer" and not data.problem:
        viewer = f"{reverse('viewer', args=[data.data['upload']])}?bare=1&{data.data['state']}"
    return render(request, "dashboards/panel.html", panel_context(data, addresses=True, viewer=viewer))


def panel_context(data: PanelData, *, addresses: bool, viewer: str = "", image: str = "") -> dict[str, Any]:
    """What the template of a panel's content needs.

    Args:
        data: of the panel.
        addresses: whether things in it lead to their own pages.
        viewer: address of a viewer panel's frame.
        image: address of an image panel's file; that of the API where empty.
    """
    context: dict[str, Any] = {
        "panel": data,
        "data": data.data,
        "addresses": addresses,
        "template": f"dashboards/panels/{data.kind}.html",
        "viewer": viewer,
    }
    if data.problem:
        return context
    if data.kind in ("scatter", "smooth"):
        context["drawn"] = draw_points(data.data, addresses=addresses)
    if data.kind == "pck":
        context["drawn"] = draw_pck(data.data)
    if data.kind == "joints":
        context |= {"hands": draw_hands(data.data), "top": joint_scale(data.data), "scale": VIRIDIS}
    if data.kind == "failures":
        context["truth_is_drawn"] = any(frame["truth"] for group in data.data["groups"] for frame in group["frames"])
    if data.kind == "image":
        own = reverse("dashboard-image", args=[data.data["dashboard"], data.data["image"]])
        context["image"] = image or own
    return context


@login_required
@require_POST
def change_dashboard(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Rename or delete a dashboard, keep its filters, remove a panel, name or restore a version."""
    found, user = visible_dashboard(request, pk), person(request)
    action, number = request.POST.get("action", ""), request.POST.get("number", "")
    version = int(number) if number.isascii() and number.isdigit() and len(number) < 10 else 0
    address = reverse("dashboard", args=[pk])
    with errors_as_messages(request):
        if action == "delete":
            services.delete_dashboard(dashboard=found, by=user)
            messages.success(request, f"The dashboard “{found.name}” was deleted.")
            return redirect("dashboards")
        if action == "rename":
            services.rename_dashboard(dashboard=found, name=posted(request, "name", limit=120), by=user)
        elif action == "filters":
            content = services.version_of(found).content
            kept = Filters.of_query(request.GET, content["filters"])
            saved = {name: list(v) if isinstance(v, tuple) else v for name, v in vars(kept).items()}
            services.save_dashboard(dashboard=found, by=user, content={**content, "filters": saved})
            messages.success(request, "The dashboard now opens with these filters.")
        elif action == "remove":
            content = services.version_of(found).content
            panels = [each for each in content["panels"] if each["id"] != request.POST.get("panel")]
            services.save_dashboard(dashboard=found, by=user, content={**content, "panels": panels})
            return redirect(f"{address}?edit=1")
        elif action == "restore":
            services.restore_version(dashboard=found, number=version, by=user)
            messages.success(request, f"Version {version} is shown again, as version {found.version}.")
        elif action == "name":
            services.name_version(dashboard=found, number=version, name=posted(request, "name", limit=120), by=user)
            return redirect("dashboard-versions", pk)
    return redirect(address)


@login_required
@require_GET
def versions(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Every save of a dashboard; with `a` and `b` what changed between two of them."""
    found = visible_dashboard(request, pk)
    listed = list(found.versions.select_related("created_by").defer("content"))
    numbers = {version.number for version in listed}
    chosen = [int(text) for text in (request.GET.get("a", ""), request.GET.get("b", "")) if text.isascii() and text.isdigit()]
    compared = None
    if len(chosen) == 2 and set(chosen) <= numbers:
        a, b = (services.version_of(found, number).content for number in chosen)
        compared = compare_versions(a, b)
    else:  # the two newest are offered
        chosen = [version.number for version in listed[1::-1]]
        chosen = [chosen[0], chosen[-1]]
    context = {
        "dashboard": found,
        "versions": listed,
        "chosen": chosen,
        "compared": compared,
        "can_write": can_write(person(request), found.team),
    }
    return render(request, "dashboards/versions.html", context)
