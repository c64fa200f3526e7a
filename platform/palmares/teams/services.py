"""What people do with teams: make them, invite, join, change roles, leave.

Whoever acts is `by`; a team that `by` does not belong to does not exist for them (`NotFoundError`).
"""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.core.mail import send_mail
from django.db import transaction
from django.db.models import QuerySet
from django.dispatch import Signal
from django.utils import timezone

from palmares.api.idempotency import forget_answers
from palmares.api.problems import ConflictError, ForbiddenError, GoneError, NotFoundError, TooManyRequestsError
from palmares.teams.models import Invitation, Membership, Role, Team, User
from palmares.teams.secret import digest, new_secret

leaving = Signal()
"""Sent before an owner's deletion of `team`; receivers may object with a `ConflictError`."""
MAX_SENT_PER_HOUR = 30
"""Invitations that one user can send."""
MAX_RECEIVED_PER_HOUR = 3
"""Invitations that one address can receive, from anyone."""
NO_SUCH_TEAM = "There is no such team, or you are not in it."


def role_in(*, user: User | AnonymousUser, team: Team) -> Role | None:
    """The role of `user` in `team`; None for anybody else."""
    if not user.is_authenticated:
        return None
    role = Membership.objects.filter(team=team, user=user).values_list("role", flat=True).first()
    return Role(role) if role else None


def require_role(*, user: User, team: Team, role: Role) -> None:
    """Stop unless `user` has at least `role` in `team`.

    Raises:
        NotFoundError: `user` is not in the team.
        ForbiddenError: the role is too small.
    """
    actual = role_in(user=user, team=team)
    if actual is None:
        raise NotFoundError(NO_SUCH_TEAM)
    if not actual.includes(role):
        raise ForbiddenError(f"Your role in the team “{team}” is {actual.value}; this needs the role {role.value}.")


@transaction.atomic
def create_team(*, name: str, by: User) -> Team:
    """A new team, owned by `by`."""
    team = Team.objects.create(name=name)
    Membership.objects.create(team=team, user=by, role=Role.OWNER)
    return team


@transaction.atomic
def first_team(*, user: User) -> Team:
    """The team that `user` has been in longest with the right to upload; a new one of their own if there is none."""
    User.objects.select_for_update().get(pk=user.pk)
    membership = (
        Membership.objects.filter(user=user, role__in=[Role.OWNER, Role.MEMBER])
        .select_related("team")
        .order_by("created_at", "id")
        .first()
    )
    return membership.team if membership else create_team(name=f"Team of {user.email.split('@')[0]}"[:80], by=user)


def rename_team(*, team: Team, name: str, by: User) -> Team:
    """Give the team another name; owners only."""
    require_role(user=by, team=team, role=Role.OWNER)
    team.name = name
    team.save(update_fields=["name"])
    return team


@transaction.atomic
def delete_team(*, team: Team, by: User) -> None:
    """Remove the team and everything it owns, files included; owners only.

    Raises:
        ConflictError: a receiver of `leaving` has a reason against it.
    """
    require_role(user=by, team=team, role=Role.OWNER)
    Team.objects.select_for_update().get(pk=team.pk)
    leaving.send(sender=Team, team=team)
    team.delete()


@transaction.atomic
def set_role(*, membership: Membership, role: Role, by: User) -> Membership:
    """Change what a member may do; owners only.

    Raises:
        ConflictError: it would leave the team without an owner.
    """
    require_role(user=by, team=membership.team, role=Role.OWNER)
    if role != Role.OWNER:
        _keep_an_owner(membership)
        _withdraw_invitations(membership)
    membership.role = role
    membership.save(update_fields=["role"])
    return membership


@transaction.atomic
def remove_member(*, membership: Membership, by: User) -> None:
    """Take a member out of the team: owners may remove anyone, everyone may leave.

    Raises:
        ConflictError: it would leave the team without an owner.
    """
    own = membership.user == by
    require_role(user=by, team=membership.team, role=Role.VIEWER if own else Role.OWNER)
    _keep_an_owner(membership)
    _withdraw_invitations(membership)
    forget_answers(user_id=membership.user_id)
    membership.delete()


def _limit_invitations(by: User, email: str) -> None:
    """Bound the invitations that one user can send and that one address can receive."""
    User.objects.select_for_update(no_key=True).get(pk=by.pk)
    recent = Invitation.objects.filter(created_at__gt=timezone.now() - timedelta(hours=1))
    sent, received = recent.filter(invited_by=by).count(), recent.filter(email=email).count()
    if sent >= MAX_SENT_PER_HOUR or received >= MAX_RECEIVED_PER_HOUR:
        raise TooManyRequestsError("Too many invitations in the last hour; try again later.")


def _withdraw_invitations(membership: Membership) -> None:
    """Open ones that a member sent who is an owner no longer: their links would be a way back in."""
    _expire(Invitation.objects.filter(team=membership.team, invited_by=membership.user))


def _expire(invitations: QuerySet[Invitation]) -> None:
    """Kept, not deleted: they count among those of the last hour."""
    now = timezone.now()
    invitations.filter(accepted_at=None, expires_at__gt=now).update(expires_at=now)


def _keep_an_owner(membership: Membership) -> None:
    Team.objects.select_for_update().get(pk=membership.team_id)
    owners = Membership.objects.filter(team=membership.team, role=Role.OWNER)
    if owners.filter(pk=membership.pk).exists() and not owners.exclude(pk=membership.pk).exists():
        raise ConflictError("A team needs an owner: make another member an owner first.")


@transaction.atomic
def invite(*, team: Team, email: str, role: Role, by: User, link: str = "") -> tuple[Invitation, str]:
    """Invite someone by email; owners only. An earlier open invitation of that address is replaced.

    Whether the address has an account makes no difference to anything that is answered or sent.

    Args:
        team: what they are invited to.
        email: where the invitation goes.
        role: what they will be.
        by: an owner.
        link: address of the page that accepts it, with `{token}` where the token goes; mailed if given.

    Returns:
        The invitation, and its token, which is kept nowhere.
    """
    require_role(user=by, team=team, role=Role.OWNER)
    email = email.lower()
    _limit_invitations(by, email)
    _expire(Invitation.objects.filter(team=team, email=email))
    token = new_secret()
    invitation = Invitation.objects.create(team=team, email=email, role=role, invited_by=by, token_hash=digest(token))
    if link:
        body = (
            f"{by} invites you to the team “{team}” on Palmarès.\n\n{link.format(token=token)}\n\nThe link is good for 14 days."
        )
        transaction.on_commit(
            lambda: send_mail("An invitation to Palmarès", body, settings.DEFAULT_FROM_EMAIL, [email], fail_silently=True),
            robust=True,
        )
    return invitation, token


def lone_teams(*, user: User) -> tuple[list[Team], list[Team]]:
    """Teams that `user` alone owns: those with no other member, and those with other members."""
    owned = Team.objects.filter(memberships__user=user, memberships__role=Role.OWNER)
    lone = [team for team in owned if not team.memberships.filter(role=Role.OWNER).exclude(user=user).exists()]
    alone = [team for team in lone if not team.memberships.exclude(user=user).exists()]
    return alone, [team for team in lone if team not in alone]


@transaction.atomic
def delete_account(*, user: User) -> None:
    """Delete a user, their tokens, memberships and the teams in which nobody else is.

    Raises:
        ConflictError: a team with other members would be left without an owner, or cannot be deleted today.
    """
    User.objects.select_for_update().get(pk=user.pk)
    alone, shared = lone_teams(user=user)
    if shared:
        raise ConflictError(f"You are the only owner of “{shared[0]}”: make another member an owner first, or delete the team.")
    for team in alone:
        delete_team(team=team, by=user)
    user.delete()


def revoke_invitation(*, invitation: Invitation, by: User) -> None:
    """Withdraw an invitation; owners only."""
    require_role(user=by, team=invitation.team, role=Role.OWNER)
    _expire(Invitation.objects.filter(pk=invitation.pk))


def find_invitation(*, token: str) -> Invitation:
    """The open invitation of a token.

    Raises:
        NotFoundError: there is none.
        GoneError: it was used, or is too old.
    """
    invitation = Invitation.objects.select_related("team", "invited_by").filter(token_hash=digest(token)).first()
    if invitation is None:
        raise NotFoundError("There is no such invitation; perhaps it was revoked.")
    if invitation.accepted_at:
        raise GoneError("This invitation has been used.")
    if invitation.expires_at < timezone.now():
        raise GoneError("This invitation has expired; ask for a new one.")
    return invitation


@transaction.atomic
def accept_invitation(*, token: str, by: User) -> Membership:
    """Join the team. Whoever is in it already keeps the larger of the two roles.

    Raises:
        NotFoundError: there is no such invitation.
        GoneError: it was used, or is too old.
    """
    Invitation.objects.select_for_update().filter(token_hash=digest(token)).first()
    invitation = find_invitation(token=token)
    role = Role(invitation.role)
    membership, created = Membership.objects.get_or_create(team=invitation.team, user=by, defaults={"role": role})
    if not created and not Role(membership.role).includes(role):
        membership.role = role
        membership.save(update_fields=["role"])
    invitation.accepted_at = timezone.now()
    invitation.save(update_fields=["accepted_at"])
    return membership
