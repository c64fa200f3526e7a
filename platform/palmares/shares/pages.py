"""Pages of share links: make one, list and revoke a team's, and the page that a link opens."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from palmares.shares import services
from palmares.shares.models import ShareLink
from palmares.shares.targets import find_target
from palmares.teams.models import Membership, Role
from palmares.teams.pages import chosen_team, errors_as_messages, person

LISTED = 200
"""Newest links of a list; the API has all."""


@login_required
@require_GET
def share_links(request: HttpRequest) -> HttpResponse:
    """The links of one's teams, with their last use."""
    user, team = person(request), chosen_team(request)
    found = ShareLink.objects.visible_to(user).select_related("team", "created_by")
    if team:
        found = found.filter(team=team)
    writes = Membership.objects.filter(user=user, role__in=[Role.OWNER, Role.MEMBER])
    context = {"links": found[:LISTED], "writable": set(writes.values_list("team_id", flat=True))}
    return render(request, "shares/links.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def new_share(request: HttpRequest) -> HttpResponse:
    """A form that makes a link to the thing that the query names."""
    given = request.POST if request.method == "POST" else request.GET
    asked = {name: given.get(name, "")[:4000].replace("\x00", "") for name in ("kind", "id", "state")}
    with errors_as_messages(request):
        target = find_target(user=person(request), **asked)
        if request.method == "POST":
            days = given.get("expires_in_days", "")
            _, token = services.create_share(
                by=person(request),
                expires_in_days=int(days) if days.isascii() and days.isdigit() and len(days) < 5 else 0,
                media=bool(given.get("media")),
                truth=bool(given.get("truth")),
                names=bool(given.get("names")),
                allowed_sites=given.get("allowed_sites", "")[:4000].split(),
                **asked,
            )
            url = request.build_absolute_uri(reverse("shared", args=[token]))
            messages.success(request, f"The link is shown this once: {url}", extra_tags="copy")
            return redirect("share-links")
        return render(request, "shares/new.html", {"target": target, "asked": asked, "longest": services.LONGEST_DAYS})
    return redirect("share-links")


@login_required
@require_POST
def revoke_share(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Close a link."""
    link = get_object_or_404(ShareLink.objects.visible_to(person(request)).select_related("team"), pk=pk)
    with errors_as_messages(request):
        services.revoke_share(link=link, by=person(request))
        messages.success(request, "The link was revoked: it opens nothing any more.")
    return redirect("share-links")
