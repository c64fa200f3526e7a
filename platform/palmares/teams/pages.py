"""Pages of teams, invitations and one's own account; and what every page shares."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TypeVar, cast
from uuid import UUID

from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db.models import Case, Model, QuerySet, Value, When
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_http_methods, require_POST

from palmares.api.problems import DomainError, NotFoundError
from palmares.teams import access, services
from palmares.teams.models import Invitation, Membership, Role, Team, Token, User
from palmares.teams.storage_quota import storage_use

CHOSEN_TEAM = "team"
"""Where the session keeps the team that lists are narrowed to."""
NAME_LENGTH = 80

AnyModel = TypeVar("AnyModel", bound=Model)


def person(request: HttpRequest) -> User:
    """Who is signed in (pages that call this require it)."""
    return cast(User, request.user)


def posted(request: HttpRequest, name: str, *, limit: int = NAME_LENGTH) -> str:
    """What a form sent as `name`: at most `limit` characters, none of them NUL, no space around."""
    return request.POST.get(name, "").replace("\x00", "").strip()[:limit]


def by_id(found: QuerySet[AnyModel], text: str) -> AnyModel:
    """The row of an id that a form sent; 404 for what is no id, or not among `found`."""
    try:
        return get_object_or_404(found, pk=UUID(text))
    except ValueError as error:
        raise Http404(f"{text!r} is not an id") from error


def ids_of(texts: Sequence[str], *, most: int) -> list[UUID]:
    """Those of the first `most` texts that are ids, each once."""
    found = []
    for text in dict.fromkeys(texts[:most]):
        with suppress(ValueError):
            found.append(UUID(text))
    return found


@contextmanager
def errors_as_messages(request: HttpRequest) -> Iterator[None]:
    """Turn a service's refusal into a message on the next page."""
    try:
        yield
    except DomainError as error:
        messages.error(request, error.detail)


def can_write(user: User, team: Team) -> bool:
    """Whether to offer what only members may do."""
    role = services.role_in(user=user, team=team)
    return role is not None and role.includes(Role.MEMBER)


def chosen_team(request: HttpRequest) -> Team | None:
    """The team that lists are narrowed to; None for all of the person's teams."""
    chosen = request.session.get(CHOSEN_TEAM)
    return Team.objects.visible_to(person(request)).filter(pk=chosen).first() if chosen else None


def can_add(request: HttpRequest, team: Team | None) -> bool:
    """Whether to offer adding things to `team`, or with None to any team.

    Who is in no team gets one of their own with the first thing they add.
    """
    memberships = Membership.objects.filter(user=person(request))
    roles = set((memberships.filter(team=team) if team else memberships).values_list("role", flat=True))
    return not roles or roles != {Role.VIEWER}


@login_required
@require_POST
def choose_team(request: HttpRequest) -> HttpResponse:
    """Narrow lists to one team, or with an empty choice widen them to all; then back to where one was."""
    chosen = request.POST.get("team", "")
    if chosen:
        request.session[CHOSEN_TEAM] = str(by_id(Team.objects.visible_to(person(request)), chosen).pk)
    else:
        request.session.pop(CHOSEN_TEAM, None)
    after = request.POST.get("next", "")
    ours = after.startswith("/") and url_has_allowed_host_and_scheme(after, allowed_hosts={request.get_host()})
    return redirect(after if ours else "home")


@login_required
@require_http_methods(["GET", "POST"])
def account(request: HttpRequest) -> HttpResponse:
    """Teams and API tokens of the person who is signed in."""
    user = person(request)
    shown = ""
    if request.method == "POST":
        with errors_as_messages(request):
            _, shown = access.create_token(user=user, name=posted(request, "name") or "token")
    tokens = Token.objects.filter(user=user, expiry__gt=timezone.now())
    memberships = Membership.objects.filter(user=user).select_related("team")
    return render(request, "teams/account.html", {"tokens": tokens, "memberships": memberships, "shown": shown})


@login_required
@require_POST
def delete_token(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Delete a token of one's own."""
    get_object_or_404(Token, id=pk, user=person(request)).delete()
    messages.success(request, "The token was deleted; scripts that use it no longer have access.")
    return redirect("account")


@login_required
@require_http_methods(["GET", "POST"])
def delete_account(request: HttpRequest) -> HttpResponse:
    """Delete one's own account, once its email address is typed."""
    user = person(request)
    alone, shared = services.lone_teams(user=user)
    if request.method == "POST":
        if posted(request, "email", limit=254).lower() != user.email.lower():
            messages.error(request, "That is not the email address of this account; nothing was deleted.")
            return redirect("account-delete")
        try:
            services.delete_account(user=user)
        except DomainError as error:
            messages.error(request, error.detail)
            return redirect("account-delete")
        logout(request)
        messages.success(request, "Your account was deleted.")
        return redirect("account_login")
    return render(request, "account/delete.html", {"teams": alone, "handed_over": shared})


@login_required
@require_POST
def delete_team(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Delete a team with everything in it; owners only."""
    found = get_object_or_404(Team.objects.visible_to(person(request)), pk=pk)
    with errors_as_messages(request):
        services.delete_team(team=found, by=person(request))
        messages.success(request, f"The team “{found}” was deleted.")
        return redirect("account")
    return redirect("team", pk)


@login_required
@require_POST
def new_team(request: HttpRequest) -> HttpResponse:
    """Create a team and go there."""
    name = posted(request, "name")
    if not name:
        messages.error(request, "A team needs a name.")
        return redirect("account")
    with errors_as_messages(request):
        return redirect("team", services.create_team(name=name, by=person(request)).pk)
    return redirect("account")


@login_required
@require_http_methods(["GET", "POST"])
def team(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Members, storage and invitations; another name."""
    user = person(request)
    found = get_object_or_404(Team.objects.visible_to(user), pk=pk)
    if request.method == "POST":
        with errors_as_messages(request):
            if not (name := posted(request, "name")):
                messages.error(request, "A team needs a name.")
            else:
                services.rename_team(team=found, name=name, by=user)
        return redirect("team", pk)
    by_rank = Case(*(When(role=role, then=Value(rank)) for rank, role in enumerate(Role)))
    memberships = found.memberships.select_related("user").order_by(by_rank, "user__email")
    own = next(m for m in memberships if m.user_id == user.pk)
    context = {
        "team": found,
        "own": own,
        "role": Role(own.role),
        "is_owner": own.role == Role.OWNER,
        "can_leave": not any(found in teams for teams in services.lone_teams(user=user)),
        "roles": Role,
        "memberships": memberships,
        "invitations": found.invitations.filter(accepted_at=None, expires_at__gt=timezone.now()),
        "storage": storage_use(found),
    }
    return render(request, "teams/team.html", context)


@login_required
@require_POST
def invite(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Invite someone; the link is shown once."""
    found = get_object_or_404(Team.objects.visible_to(person(request)), pk=pk)
    link = request.build_absolute_uri(reverse("invitation", args=["TOKEN"])).replace("TOKEN", "{token}")
    role, email = request.POST.get("role", ""), posted(request, "email", limit=254)
    try:
        validate_email(email)
        chosen = Role(role)
    except (ValidationError, ValueError):
        messages.error(request, "An invitation needs an email address, like ada@example.org, and a role.")
        return redirect("team", pk)
    with errors_as_messages(request):
        _, token = services.invite(team=found, email=email, role=chosen, by=person(request), link=link)
        messages.success(request, f"Invited {email}. The link, shown only now: {link.format(token=token)}", "copy")
    return redirect("team", pk)


@login_required
@require_POST
def revoke(request: HttpRequest, pk: UUID, invitation: UUID) -> HttpResponse:
    """Withdraw an invitation."""
    get_object_or_404(Team.objects.visible_to(person(request)), pk=pk)
    found = get_object_or_404(Invitation.objects.select_related("team"), pk=invitation, team_id=pk)
    with errors_as_messages(request):
        services.revoke_invitation(invitation=found, by=person(request))
        messages.success(request, f"The invitation of {found.email} was revoked; its link no longer works.")
    return redirect("team", pk)


@login_required
@require_POST
def member_change(request: HttpRequest, pk: UUID, member: UUID) -> HttpResponse:
    """Change a member's role, or remove the member."""
    user = person(request)
    get_object_or_404(Team.objects.visible_to(user), pk=pk)
    found = get_object_or_404(Membership.objects.select_related("team", "user"), pk=member, team_id=pk)
    with errors_as_messages(request):
        if "remove" in request.POST:
            services.remove_member(membership=found, by=user)
            leaving = f"You left “{found.team}”." if found.user_id == user.pk else f"{found.user} is no longer in the team."
            messages.success(request, leaving)
        elif request.POST.get("role") in Role.values:
            services.set_role(membership=found, role=Role(request.POST["role"]), by=user)
            messages.success(request, f"{found.user} is {found.role} now.")
    still_in = Team.objects.visible_to(user).filter(pk=pk).exists()
    return redirect("team", pk) if still_in else redirect("account")


@login_required
@require_http_methods(["GET", "POST"])
def invitation(request: HttpRequest, token: str) -> HttpResponse:
    """See an invitation and accept it."""
    try:
        found = services.find_invitation(token=token)
        if request.method == "POST":
            membership = services.accept_invitation(token=token, by=person(request))
            messages.success(request, f"You are now a member of “{membership.team}”.")
            return redirect("team", membership.team_id)
    except DomainError as error:
        status = 404 if isinstance(error, NotFoundError) else 410
        return render(request, "teams/invitation.html", {"problem": error.detail}, status=status)
    return render(request, "teams/invitation.html", {"invitation": found, "role": Role(found.role)})
