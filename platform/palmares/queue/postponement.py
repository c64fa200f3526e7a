"""For how long work waits for something outside that is away, such as the file storage, and when it is given up.

The pause is half of the time since the row first had to wait, so that a short outage delays work by seconds and a long one
costs few attempts.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from palmares.queue.models import WorkItem

SHORTEST_PAUSE: Final = timedelta(seconds=5)
LONGEST_PAUSE: Final = timedelta(minutes=5)
PATIENCE: Final = timedelta(hours=6)
"""For so long attempts do not count. After it they do, and the row fails with the last of them."""


def put_off(row: WorkItem, now: datetime) -> None:
    """Set from when a row, held by the caller, may be taken again; not saved.

    Args:
        row: as it was claimed.
        now: the database's time.
    """
    row.postponed_since = row.postponed_since or now
    waited = now - row.postponed_since
    if waited < PATIENCE:
        row.attempts -= 1
    row.not_before = now + min(max(waited / 2, SHORTEST_PAUSE), LONGEST_PAUSE)


def given_up(row: WorkItem, reason: str) -> str:
    """What a postponed row fails with: `reason`, and since when."""
    if row.postponed_since is None:
        raise ValueError(f"{row.pk} was not postponed")
    since = row.postponed_since.astimezone(UTC)
    return f"{reason} when this was tried on {since:%-d %B %Y at %H:%M} UTC and whenever it was tried again. Retry it later."
