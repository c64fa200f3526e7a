"""A shared dashboard: its page, the content of its panels, and the viewers in them."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, QueryDict
from django.urls import reverse

from palmares.api.problems import NotFoundError
from palmares.dashboards.content import ALIGNMENTS
from palmares.dashboards.models import Dashboard
from palmares.dashboards.pages import grid, panel_context
from palmares.dashboards.panels.data import panel_data
from palmares.dashboards.services import version_of
from palmares.dashboards.viewsets import panel_of
from palmares.dashboards.visibility import Access, Filters
from palmares.runs.models import Run
from palmares.shares.models import ShareLink
from palmares.shares.shared_viewer import viewer_context
from palmares.shares.targets import current_target


def dashboard_page(request: HttpRequest, link: ShareLink, token: str) -> tuple[str, dict[str, Any]]:
    """The newest version with the filters of the link. Who opens it may choose the alignment, and nothing else."""
    found: Dashboard = current_target(link)
    version = version_of(found)
    filters = _filters(link, version.content, request)
    base = reverse("shared", args=[token])
    context = {
        "title": found.name,
        "panels": grid(version.content["panels"], lambda name: f"{base}panels/{name}/?alignment={filters.alignment}"),
        "alignments": [(name, title) for name, (_, title) in ALIGNMENTS.items()],
        "filters": filters,
    }
    return "shares/dashboard.html", context


def panel_page(request: HttpRequest, link: ShareLink, token: str, panel: str) -> tuple[str, dict[str, Any]]:
    """The content of one panel, for the page to put in its place."""
    access, shown = _panel(request, link, panel)
    data = panel_data(access, shown)
    base = reverse("shared", args=[token])
    image = f"/api/v1{base}images/{data.data.get('image')}/"
    context = panel_context(data, addresses=False, viewer=f"{base}panels/{panel}/viewer/", image=image)
    return "dashboards/panel.html", context


def panel_viewer_page(request: HttpRequest, link: ShareLink, token: str, panel: str) -> tuple[str, dict[str, Any]]:
    """The viewer of a panel.

    Raises:
        NotFoundError: the panel is no viewer, or what it shows is gone.
    """
    access, shown = _panel(request, link, panel)
    data = panel_data(access, shown)
    if data.kind != "viewer" or data.problem:
        raise NotFoundError(data.problem or "This panel is no viewer.")
    upload = access.uploads().select_related("subject").get(pk=data.data["upload"])
    runs = upload.runs.filter(pk__in=data.data["runs"]).select_related("prediction", "upload")
    ordered = sorted(runs, key=lambda run: data.data["runs"].index(str(run.pk)))
    context = viewer_context(link, token, upload, ordered, data.data["state"], missing=data.data["missing"])
    return "shares/viewer.html", context


def opened_runs(link: ShareLink) -> list[Run]:
    """The runs that the viewers of a shared dashboard show."""
    found: Dashboard = current_target(link)
    access = Access(found.team, None, names=link.names, truth=link.truth)
    panels = [panel for panel in version_of(found).content["panels"] if panel["kind"] == "viewer"]
    shown = [pk for panel in panels for pk in panel_data(access, panel).data.get("runs", ())]
    return list(Run.objects.filter(pk__in=shown).select_related("prediction", "upload"))


def _panel(request: HttpRequest, link: ShareLink, name: str) -> tuple[Access, dict[str, Any]]:
    if link.kind != ShareLink.Kind.DASHBOARD:
        raise NotFoundError("This link does not open that.")
    found: Dashboard = current_target(link)
    content = version_of(found).content
    filters = _filters(link, content, request)
    return Access(found.team, None, names=link.names, truth=link.truth, filters=filters), panel_of(content, name)


def _filters(link: ShareLink, content: dict[str, Any], request: HttpRequest) -> Filters:
    query = QueryDict(link.state, mutable=True)
    if request.GET.get("alignment") in ALIGNMENTS:
        query["alignment"] = request.GET["alignment"]
    return Filters.of_query(query, content["filters"])
