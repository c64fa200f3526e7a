"""What people do with subjects and what is known of their hands. Whoever acts is `by`."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from typing import Any

from django.db import IntegrityError, transaction

from palmares.api.problems import ConflictError, InvalidError
from palmares.subjects.models import UNSORTED, HandShape, Subject
from palmares.teams.models import Role, Team, User
from palmares.teams.services import require_role

BETAS = 10


def create_subject(*, team: Team, name: str, by: User | None, notes: str = "") -> Subject:
    """A new subject of a team; members only (`by` is None where the platform itself acts).

    Raises:
        ConflictError: the team has a subject of that name.
    """
    if by is not None:
        require_role(user=by, team=team, role=Role.MEMBER)
    try:
        with transaction.atomic():
            return Subject.objects.create(team=team, name=name, notes=notes, created_by=by)
    except IntegrityError as error:
        raise _taken(team, name) from error


def update_subject(*, subject: Subject, by: User, name: str | None = None, notes: str | None = None) -> Subject:
    """Change the name or the notes; members only.

    Raises:
        ConflictError: the team has another subject of that name.
    """
    require_role(user=by, team=subject.team, role=Role.MEMBER)
    subject.name = subject.name if name is None else name
    subject.notes = subject.notes if notes is None else notes
    try:
        with transaction.atomic():
            subject.save(update_fields=["name", "notes"])
    except IntegrityError as error:
        raise _taken(subject.team, subject.name) from error
    return subject


def delete_subject(*, subject: Subject, by: User) -> None:
    """Remove a subject with all uploads, runs, predictions and their files; members only."""
    require_role(user=by, team=subject.team, role=Role.MEMBER)
    subject.delete()


def unsorted_subject(*, team: Team, by: User | None) -> Subject:
    """Where uploads go that name no subject."""
    subject, _ = Subject.objects.get_or_create(team=team, name=UNSORTED, defaults={"created_by": by})
    return subject


def add_hand_shape(
    *,
    subject: Subject,
    by: User,
    betas: Sequence[float],
    side: str = HandShape.Side.BOTH,
    source: str = HandShape.Source.GIVEN,
    hand_model: str = "open",
    length_mm: float | None = None,
    width_mm: float | None = None,
    details: dict[str, Any] | None = None,
) -> HandShape:
    """Keep what is known of a subject's hand; members only.

    Args:
        subject: whose hand.
        by: who says so.
        betas: ten numbers in standard deviations of `hand_model`'s shape space.
        side: of the hand; `both` for one shape, mirrored.
        source: how it came about.
        hand_model: `open` or `mano`.
        length_mm: wrist to middle fingertip, mm.
        width_mm: index MCP to pinky MCP, mm.
        details: uncertainty, scale source, frames used with weights.

    Raises:
        InvalidError: not ten finite numbers.
    """
    require_role(user=by, team=subject.team, role=Role.MEMBER)
    if len(betas) != BETAS or not all(isfinite(beta) for beta in betas):
        raise InvalidError(f"betas: {len(betas)} numbers, expected {BETAS} finite ones.", field="betas")
    return HandShape.objects.create(
        subject=subject,
        side=side,
        source=source,
        hand_model=hand_model,
        betas=list(betas),
        length_mm=length_mm,
        width_mm=width_mm,
        details=details or {},
    )


def _taken(team: Team, name: str) -> ConflictError:
    return ConflictError(f"The team “{team}” has a subject named “{name}” already; names differ within a team.", field="name")
