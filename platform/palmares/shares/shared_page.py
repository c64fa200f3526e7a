"""The page that a share link opens: read-only, without a session, embeddable only by the link's sites."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final
from urllib.parse import urlsplit

from csp.constants import SELF
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.views.decorators.clickjacking import xframe_options_exempt
from django.views.decorators.http import require_GET

from ml.catalog import PROTOCOLS
from palmares.api.problems import DomainError, TooManyRequestsError
from palmares.leaderboards.public_board import board_context
from palmares.shares.models import ShareLink
from palmares.shares.services import count_opening, open_link
from palmares.shares.shared_dashboard import dashboard_page, panel_page, panel_viewer_page
from palmares.shares.shared_viewer import viewer_context
from palmares.shares.targets import current_target, runs_of
from palmares.shares.throttles import AddressThrottle, LinkThrottle
from palmares.teams.models import Visitor
from palmares.uploads.models import Upload

ROBOTS: Final = "noindex, nofollow"
Page = Callable[[HttpRequest, ShareLink, str], tuple[str, dict[str, Any]]]
"""Template and context of what a link opens; takes the request, the link and its token."""


class _Asked:
    """What a throttle looks at."""

    def __init__(self, token: str) -> None:
        self.kwargs = {"token": token}


@require_GET
@xframe_options_exempt
def shared(request: HttpRequest, token: str) -> HttpResponse:
    """What a link opens, or a sentence that says why it opens nothing."""

    def page(request: HttpRequest, link: ShareLink, token: str) -> tuple[str, dict[str, Any]]:
        found = _PAGES[ShareLink.Kind(link.kind)](request, link, token)
        count_opening(link)
        return found

    return answer(request, token, page)


@require_GET
@xframe_options_exempt
def shared_panel(request: HttpRequest, token: str, panel: str) -> HttpResponse:
    """The content of a panel of a shared dashboard."""
    return answer(request, token, partial(panel_page, panel=panel))


@require_GET
@xframe_options_exempt
def shared_panel_viewer(request: HttpRequest, token: str, panel: str) -> HttpResponse:
    """The viewer in a panel of a shared dashboard."""
    return answer(request, token, partial(panel_viewer_page, panel=panel))


def answer(request: HttpRequest, token: str, page: Page) -> HttpResponse:
    """A page of a link with its headers; where the link is closed or the site may not embed it, a sentence that says so."""
    framed = request.headers.get("Sec-Fetch-Dest") in ("iframe", "frame", "embed", "object")
    context: dict[str, Any] = {"framed": framed, "token": token}
    ancestors: list[str] = [SELF]
    status = 200
    try:
        _throttle(request, token)
        link = open_link(token=token)
        if framed and not _may_embed(request, link):
            # Said in the frame itself; nothing of what is shared is in it, so that any site may show it.
            ancestors, status = ["*"], 403
            template = "shares/closed.html"
            context |= {"heading": "Not embedded here", "reason": _not_allowed(request)}
        else:
            ancestors += link.allowed_sites
            template, more = page(request, link, token)
            context |= {**more, "link": link}
    except DomainError as error:
        ancestors, status, template = ["*"], error.status, "shares/closed.html"
        context |= {"heading": _HEADINGS.get(error.status, "This link opens nothing"), "reason": error.detail}
    response = render(request, template, context, status=status)
    response._csp_replace = {"frame-ancestors": ancestors}  # type: ignore[attr-defined]
    response.headers["X-Robots-Tag"] = ROBOTS
    return response


_HEADINGS: Final = {410: "This link is closed", 404: "No such link", 429: "Too many requests"}


def _throttle(request: HttpRequest, token: str) -> None:
    if not all(throttle().allow_request(request, _Asked(token)) for throttle in (LinkThrottle, AddressThrottle)):  # type: ignore[arg-type]
        raise TooManyRequestsError("This link was opened too often from your address. Try again in a minute.")


def _site(request: HttpRequest) -> str:
    """Origin of the page that a frame is in, as far as the browser says; else empty."""
    parts = urlsplit(request.headers.get("Referer", ""))
    return f"{parts.scheme}://{parts.netloc}".lower() if parts.netloc else ""


def _may_embed(request: HttpRequest, link: ShareLink) -> bool:
    """Where the browser names no site, `frame-ancestors` of the answer decides."""
    site = _site(request)
    own = f"{request.scheme}://{request.get_host()}".lower()
    return not site or site == own or site in link.allowed_sites


def _not_allowed(request: HttpRequest) -> str:
    return (
        f"The site {_site(request)} may not embed this link. The team that shared it can make a link that lists this site "
        "under “Sites that may embed it”."
    )


def _viewer_page(request: HttpRequest, link: ShareLink, token: str) -> tuple[str, dict[str, Any]]:
    upload: Upload = current_target(link)
    runs = runs_of(link, upload)
    return "shares/viewer.html", viewer_context(link, token, upload, runs, link.state, missing=len(link.runs) - len(runs))


def _board_page(request: HttpRequest, link: ShareLink, token: str) -> tuple[str, dict[str, Any]]:
    benchmark = current_target(link)
    query = QueryDict(link.state, mutable=True)
    query["page"] = request.GET.get("page", "")[:6]
    context = board_context(benchmark, query, Visitor(benchmark=benchmark, team=link.team_id), address=request.path)
    return "shares/board.html", {**context, "title": benchmark.name, "protocol": PROTOCOLS[benchmark.protocol]}


_PAGES: Final[dict[ShareLink.Kind, Page]] = {
    ShareLink.Kind.VIEWER: _viewer_page,
    ShareLink.Kind.BOARD: _board_page,
    ShareLink.Kind.DASHBOARD: dashboard_page,
}
