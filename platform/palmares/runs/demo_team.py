"""The demo team: synthetic subjects, their hands calibrated from rendered videos, and every method at work on these."""

from __future__ import annotations

from typing import Final

from django.db import transaction

from ml.catalog import QUICKEST_FIRST
from palmares.calibrations.services import start_calibration
from palmares.runs.services import start_run
from palmares.subjects.models import Subject
from palmares.teams.models import Membership, Role, Team, User
from palmares.teams.services import create_team
from palmares.uploads.models import Upload
from palmares.uploads.services import create_synthetic

EMAIL: Final = "demo@palmares.local"
TEAM: Final = "Demo"
SUBJECTS: Final = {"Synthetic A": 201.5, "Synthetic B": 193.5}
"""Each subject's name, and the length of the hand (mm) as a ruler would give it."""


def ensure_demo(*, again: bool = False) -> User:
    """The demo user, with team, subjects, one synthetic upload each, and a calibration and runs of all methods queued.

    What is there stays as it is, so that a second call changes nothing.

    Args:
        again: add one more upload a subject, with other motion, and runs on it.

    Returns:
        The user, who has no password and signs in by a link.
    """
    user = _demo_user()
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)
        team = _demo_team(user)
        for number, name in enumerate(SUBJECTS):
            subject, _ = Subject.objects.get_or_create(
                team=team,
                name=name,
                defaults={"created_by": user, "notes": "Rendered from the open hand, with its truth kept."},
            )
            takes = Upload.objects.filter(subject=subject).count()
            if takes == 0 or again:
                _add_take(subject, number, takes, user)
    return user


def _demo_user() -> User:
    user = User.objects.filter(email=EMAIL).first()
    return user or User.objects.create_user(EMAIL, None, first_name="Demo")


def _demo_team(user: User) -> Team:
    membership = Membership.objects.filter(user=user, role=Role.OWNER, team__name=TEAM).select_related("team").first()
    return membership.team if membership else create_team(name=TEAM, by=user)


def _add_take(subject: Subject, number: int, takes: int, user: User) -> None:
    facts = {"subject": number, "seed": number + len(SUBJECTS) * takes}
    upload = create_synthetic(subject=subject, name=f"{subject.name}, take {takes + 1}.mp4", facts=facts, by=user)
    for method in QUICKEST_FIRST:
        start_run(upload=upload, method=method, by=user)
    if not takes:
        start_calibration(subject=subject, uploads=[upload], scale={"length_mm": SUBJECTS[subject.name]}, by=user)
