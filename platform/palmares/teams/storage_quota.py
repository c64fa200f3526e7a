"""How many bytes the files of a team may take, and how many they take.

What counts are the files that people sent, as large as they were announced, and the predictions that runs made; not the copies
for browsers. Apps above this one count their rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from django.conf import settings
from django.db import transaction
from django.dispatch import Signal
from django.template.defaultfilters import filesizeformat

from palmares.api.problems import TooLargeError
from palmares.teams.models import Team
from palmares.teams.open_work import lock_team

counting_bytes: Final = Signal()
"""Sent with a `team`; receivers return how many bytes its rows have stored."""


class StorageQuotaError(TooLargeError):
    """The files of a team would take more than it may store."""


@dataclass(frozen=True)
class StorageUse:
    """Bytes that a team has stored, and those that it may store; None where there is no limit."""

    used: int
    limit: int | None

    @property
    def percent(self) -> float:
        """Share of the limit that is used, 0 to 100; 0 where there is none."""
        return min(100.0, 100 * self.used / self.limit) if self.limit else 0.0


def storage_use(team: Team) -> StorageUse:
    """What a team has stored now, uploads that are still being received included."""
    counts: list[Any] = [count for _, count in counting_bytes.send(sender=Team, team=team)]
    own = team.storage_limit_bytes
    return StorageUse(sum(counts), settings.TEAM_STORAGE_BYTES or None if own is None else own)


def require_storage(*, team: Team, name: str, size: int) -> None:
    """Refuse a file for which a team has no room.

    Args:
        team: who stores it.
        name: of the file, for the message.
        size: its bytes.

    Raises:
        StorageQuotaError: with what is used, what is allowed, and what helps.
    """
    use = storage_use(team)
    if use.limit is not None and use.used + size > use.limit:
        raise StorageQuotaError(
            f"“{name}” has {in_words(size)}, but the team “{team}” has used {in_words(use.used)} of the {in_words(use.limit)} "
            "that it may store. Delete files that are not needed any more, or ask the server's operator for more space.",
            field="file",
        )


@transaction.atomic
def reserve_storage(*, team: Team, name: str, size: int) -> None:
    """`require_storage` under a lock on the team, which holds until the caller's transaction ends: two files sent at the same
    time cannot both take the last of the room.

    Raises:
        StorageQuotaError: there is no room.
    """
    lock_team(team)
    require_storage(team=team, name=name, size=size)


def in_words(size: int) -> str:
    """A number of bytes as people read it, `12.3 MB`."""
    return filesizeformat(size).replace("\xa0", " ")
