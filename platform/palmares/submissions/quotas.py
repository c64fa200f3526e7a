"""How many submissions are scored: per day of a team and a person; with a private truth, per year of a person and of all.

A person is a verified email address: who makes more accounts or teams, or deletes them, gets no more.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from allauth.account.models import EmailAddress
from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.dispatch import receiver
from django.utils.crypto import salted_hmac

from palmares.api.problems import ConflictError, DomainError, ForbiddenError
from palmares.benchmarks.models import Benchmark
from palmares.benchmarks.private_truth import shows_details
from palmares.benchmarks.revisions import lock_benchmark
from palmares.submissions.models import TAKES_QUOTA, QuotaUse, Scoring, Submission
from palmares.teams.models import Team, User
from palmares.teams.services import leaving

YEAR: Final = timedelta(days=365)


class QuotaError(DomainError):
    """There is no place left in a quota."""

    status = 429


def today() -> date:
    """The day (UTC) whose quota is taken now."""
    return datetime.now(UTC).date()


def left_today(*, benchmark: Benchmark, team: Team) -> int:
    """How many more submissions a team may have scored today (UTC)."""
    return max(0, benchmark.daily_limit - _taken_today(benchmark=benchmark, team=team))


@contextmanager
def place_in_quota(benchmark: Benchmark, team: Team, by: User | None, *, takes: bool = True) -> Iterator[None]:
    """A place in all quotas, looked for and taken under one lock."""
    with transaction.atomic():
        lock_benchmark(benchmark.pk)
        if by is not None:
            User.objects.select_for_update(no_key=True).get(pk=by.pk)
        Team.objects.select_for_update(no_key=True).get(pk=team.pk)
        if takes:
            check_quota(benchmark, team, by)
        yield


def check_quota(benchmark: Benchmark, team: Team, by: User | None) -> None:
    """Whether there is a place in every quota.

    Raises:
        QuotaError: there is none.
        ForbiddenError: the truth is private, and `by` has no verified email address.
    """
    if left_today(benchmark=benchmark, team=team) == 0:
        raise QuotaError(
            f"Your team has used its {benchmark.daily_limit} scored submissions of today; the next day begins at 00:00 UTC."
        )
    if by is not None and _taken_today(benchmark=benchmark, created_by=by) >= benchmark.daily_limit:
        raise QuotaError(
            f"You have used your {benchmark.daily_limit} scored submissions of today, in all your teams; the next day begins "
            "at 00:00 UTC."
        )
    if _is_private_to(benchmark, by):
        _check_year(benchmark, by)


def note_use(submission: Submission, by: User | None) -> None:
    """Remember that a submission takes a place in the quotas of a private truth; also when it is deleted with its team."""
    if submission.quota_day is not None and _is_private_to(submission.benchmark, by):
        facts = {"benchmark": submission.benchmark, "person": _person(by) or _account(by), "day": submission.quota_day}
        QuotaUse.objects.update_or_create(submission=submission, defaults=facts)


def _is_private_to(benchmark: Benchmark, by: User | None) -> bool:
    return not benchmark.shows_frames if by is None else not shows_details(benchmark, by)


def _check_year(benchmark: Benchmark, by: User | None) -> None:
    person = _person(by)
    if by is not None and not person and not benchmark.allows_unverified:
        raise ForbiddenError(
            f"The ground truth of “{benchmark}” is private: verify your email address (page “Account”) before you submit to it."
        )
    is_open = Scoring.objects.filter(submission=OuterRef("submission"), status__in=TAKES_QUOTA)
    uses = QuotaUse.objects.filter(Q(submission=None) | Exists(is_open), benchmark=benchmark, day__gt=today() - YEAR)
    mine = person or _account(by)
    if uses.filter(person=mine).count() >= benchmark.yearly_person_limit:
        raise QuotaError(
            f"You have used your {benchmark.yearly_person_limit} scored submissions of the last 365 days on this benchmark, "
            "whose ground truth is private."
        )
    if uses.count() >= benchmark.yearly_limit:
        raise QuotaError(
            f"All {benchmark.yearly_limit} scored submissions of the last 365 days are used on this benchmark, whose ground "
            "truth is private; ask its owner."
        )


def _person(by: User | None) -> str:
    """A verified mailbox as an unreadable name: not its address, and the same for `name+tag@`; empty where none is verified."""
    address = EmailAddress.objects.filter(user=by, verified=True).order_by("pk").values_list("email", flat=True).first()
    if address is None:
        return ""
    name, _, domain = address.lower().rpartition("@")
    return salted_hmac("palmares.submissions.person", f"{name.partition('+')[0]}@{domain}", algorithm="sha256").hexdigest()


def _account(by: User | None) -> str:
    return f"account {by.pk}" if by is not None else ""


def _taken_today(**of: Any) -> int:
    return Submission.objects.taking_quota().filter(quota_day=today(), **of).count()


@receiver(leaving)
def _keep_todays_quota(team: Team, **_: Any) -> None:
    used = Submission.objects.taking_quota().filter(team=team, quota_day=today())
    if used.exclude(benchmark__team=team).exists():
        raise ConflictError("This team has submissions in today's quota; it can be deleted from 00:00 UTC on.")
