"""Pages of teams, invitations and one's own account; and what every page shares."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from palmares.api.problems import DomainError, NotFoundError
from palmares.teams import access, services
from palmares.teams.models import Invitation, Membership, Role, Team, Token, User


def person(request: HttpRequest) -> User:
    """Who is signed in (pages that call this require it)."""
    return cast(User, request.user)


@contextmanager
def said_to(request: HttpRequest) -> Iterator[None]:
    """Turn a service's refusal into a message on the next page."""
    try:
        yield
    except DomainError as error:
        messages.error(request, error.detail)


def can_write(user: User, team: Team) -> bool:
    """Whether to offer what only members may do."""
    role = services.role_in(user=user, team=team)
    return role is not None and role.includes(Role.MEMBER)


@login_required
@require_http_methods(["GET", "POST"])
def account(request: HttpRequest) -> HttpResponse:
    """Teams and API tokens of the person who is signed in."""
    user = person(request)
    shown = ""
    if request.method == "POST":
        with said_to(request):
            _, shown = access.create_token(user=user, name=request.POST.get("name", "").strip()[:80] or "token")
    tokens = Token.objects.filter(user=user, expiry__gt=timezone.now())
    memberships = Membership.objects.filter(user=user).select_related("team")
    return render(request, "teams/account.html", {"tokens": tokens, "memberships": memberships, "shown": shown})


@login_required
@require_POST
def delete_token(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Delete a token of one's own."""
    get_object_or_404(Token, id=pk, user=person(request)).delete()
    messages.success(request, "The token was deleted; whatever used it is signed out.")
    return redirect("account")


@login_required
@require_POST
def new_team(request: HttpRequest) -> HttpResponse:
    """Create a team and go there."""
    name = request.POST.get("name", "").strip()
    if not name:
        messages.error(request, "A team needs a name.")
        return redirect("account")
    with said_to(request):
        return redirect("team", services.create_team(name=name[:80], by=person(request)).pk)
    return redirect("account")


@login_required
@require_GET
def team(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Members and invitations."""
    found = get_object_or_404(Team.objects.visible_to(person(request)), pk=pk)
    role = services.role_in(user=person(request), team=found)
    context = {
        "team": found,
        "role": role,
        "is_owner": role == Role.OWNER,
        "roles": Role,
        "memberships": found.memberships.select_related("user"),
        "invitations": found.invitations.filter(accepted_at=None, expires_at__gt=timezone.now()),
    }
    return render(request, "teams/team.html", context)


@login_required
@require_POST
def invite(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Invite someone; the link is shown once."""
    found = get_object_or_404(Team.objects.visible_to(person(request)), pk=pk)
    link = request.build_absolute_uri(reverse("invitation", args=["TOKEN"])).replace("TOKEN", "{token}")
    role, email = request.POST.get("role", ""), request.POST.get("email", "").strip()
    if role not in Role.values or "@" not in email:
        messages.error(request, "An invitation needs an email address and a role.")
        return redirect("team", pk)
    with said_to(request):
        _, token = services.invite(team=found, email=email, role=Role(role), by=person(request), link=link)
        messages.success(request, f"Invited {email}. The link, shown only now: {link.format(token=token)}")
    return redirect("team", pk)


@login_required
@require_POST
def revoke(request: HttpRequest, pk: UUID, invitation: UUID) -> HttpResponse:
    """Withdraw an invitation."""
    found = get_object_or_404(Invitation.objects.select_related("team"), pk=invitation, team_id=pk)
    get_object_or_404(Team.objects.visible_to(person(request)), pk=pk)
    with said_to(request):
        services.revoke_invitation(invitation=found, by=person(request))
    return redirect("team", pk)


@login_required
@require_POST
def member_change(request: HttpRequest, pk: UUID, member: UUID) -> HttpResponse:
    """Change a member's role, or remove the member."""
    get_object_or_404(Team.objects.visible_to(person(request)), pk=pk)
    found = get_object_or_404(Membership.objects.select_related("team", "user"), pk=member, team_id=pk)
    with said_to(request):
        if "remove" in request.POST:
            services.remove_member(membership=found, by=person(request))
        elif request.POST.get("role") in Role.values:
            services.set_role(membership=found, role=Role(request.POST["role"]), by=person(request))
    still_in = Team.objects.visible_to(person(request)).filter(pk=pk).exists()
    return redirect("team", pk) if still_in else redirect("account")


@login_required
@require_http_methods(["GET", "POST"])
def invitation(request: HttpRequest, token: str) -> HttpResponse:
    """See an invitation and accept it."""
    try:
        found = services.find_invitation(token=token)
        if request.method == "POST":
            membership = services.accept_invitation(token=token, by=person(request))
            messages.success(request, f"You are in «{membership.team}» now.")
            return redirect("team", membership.team_id)
    except DomainError as error:
        status = 404 if isinstance(error, NotFoundError) else 410
        return render(request, "teams/invitation.html", {"problem": error.detail}, status=status)
    return render(request, "teams/invitation.html", {"invitation": found})
