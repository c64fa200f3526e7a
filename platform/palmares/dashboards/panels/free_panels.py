"""Panels of a viewer state, of text and of an image."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

import nh3
from django.http import QueryDict
from markdown_it import MarkdownIt

from palmares.api.problems import NotFoundError
from palmares.dashboards.content import is_id
from palmares.dashboards.models import DashboardImage
from palmares.dashboards.panels.nothing_yet import NothingYetError
from palmares.dashboards.visibility import Access
from palmares.queue.models import Status
from palmares.runs.viewer_runs import IN_VIEWER, runs_to_offer

_TAGS: Final = {
    "p", "br", "hr", "h1", "h2", "h3", "h4", "h5", "h6", "strong", "em", "s", "code", "pre", "blockquote", "ul", "ol", "li",
    "a", "table", "thead", "tbody", "tr", "th", "td",
}  # fmt: skip


def viewer(access: Access, options: Mapping[str, Any]) -> dict[str, Any]:
    """The viewer of an upload in a state; `runs` are those that it may open."""
    if not options["upload"]:
        raise NothingYetError("No upload is chosen for this panel.")
    upload = access.uploads().filter(pk=options["upload"]).first()
    if upload is None:
        raise NotFoundError("The upload that this panel shows has been deleted.")
    named = QueryDict(options["state"].removeprefix("?")).get("runs", "")
    wanted = [UUID(text) for text in named.split(",") if is_id(text)][:IN_VIEWER]
    runs = upload.runs.filter(status=Status.SUCCEEDED)
    found = list(runs.filter(pk__in=wanted).values_list("pk", flat=True)) if wanted else runs_to_offer(runs)
    if not found:
        if wanted:
            raise NotFoundError("All runs that this panel shows have been deleted.")
        raise NothingYetError("No run of this upload has finished yet.")
    return {
        "title": upload.name if access.names else "Clip",
        "upload": str(upload.pk),
        "state": options["state"].removeprefix("?"),
        "runs": [str(pk) for pk in found],
        "missing": len(wanted) - len(found) if wanted else 0,
    }


def text(access: Access, options: Mapping[str, Any]) -> dict[str, Any]:
    """Markdown and the HTML made of it, which holds no scripts, images or styles."""
    return {"markdown": options["markdown"], "html": markdown_html(options["markdown"])}


def markdown_html(source: str) -> str:
    """CommonMark with tables as HTML of few tags; HTML in it is shown as text."""
    rendered = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"]).render(source)
    return nh3.clean(
        rendered,
        tags=_TAGS,
        attributes={"a": {"href"}},
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer nofollow",
    )


def image(access: Access, options: Mapping[str, Any]) -> dict[str, Any]:
    """An image of the dashboard."""
    if not options["image"]:
        raise NothingYetError("No image was added yet.")
    found = DashboardImage.objects.filter(pk=options["image"], dashboard__team=access.team).first()
    if found is None:
        raise NotFoundError("The image of this panel has been deleted.")
    return {"image": str(found.pk), "dashboard": str(found.dashboard_id), "alt": options["alt"]}
