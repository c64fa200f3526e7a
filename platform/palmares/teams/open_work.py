"""How much work of one team may wait or run at the same time: what is above that would only fill the queue."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings

from palmares.api.problems import TooManyRequestsError
from palmares.queue.models import OPEN_STATUSES, WorkItem
from palmares.teams.models import Team


class TooMuchOpenWorkError(TooManyRequestsError):
    """A team has as much queued and running work as it may have."""

    retry_after: ClassVar[int | None] = 60


def lock_team(team: Team) -> None:
    """Lock a team's row until the caller's transaction ends, so that two requests do not both take the last place."""
    Team.objects.select_for_update(no_key=True).get(pk=team.pk)


def require_open_place(*, model: type[WorkItem], team: Team) -> None:
    """Refuse one more piece of work of a kind, where the team has `TEAM_OPEN_RUNS` that are queued or running. Locks the team.

    Raises:
        TooMuchOpenWorkError: with how many there are.
    """
    lock_team(team)
    count = model._default_manager.filter(**{model.TEAM: team.pk}, status__in=OPEN_STATUSES).count()
    if count >= settings.TEAM_OPEN_RUNS:
        kinds = model._meta.verbose_name_plural
        raise TooMuchOpenWorkError(
            f"The team “{team}” has {count} queued and running {kinds}; at most {settings.TEAM_OPEN_RUNS} are allowed at the "
            "same time. Wait until some have finished, or cancel those that are not needed."
        )
