"""What handles of submissions and of runs share: work on the server that one waits for."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar, Final, Self

from palmares_client.api_errors import ScoringFailedError

FINISHED: Final = ("succeeded", "failed", "cancelled")
POLL_S: Final = (0.5, 5.0)
"""Seconds between two requests for a status: at first, and after a while."""

StatusCallback = Callable[[dict[str, Any]], None]
"""Called with the work's data each time its status was requested."""


class WorkHandle(ABC):
    """Work on the server.

    Attributes:
        data: as the server sent it last: `id`, `status`, `stage`, `progress`, `place`, `seconds_left`, `error`, …
    """

    KIND: ClassVar[str]
    """What it is called in messages."""
    data: dict[str, Any]

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.id} {self.data['method']!r}: {self.status}>"

    @property
    def id(self) -> str:
        """Its id, as in the address of its page."""
        return str(self.data["id"])

    @property
    def status(self) -> str:
        """`queued`, `running`, `succeeded`, `failed` or `cancelled`, as of the last request."""
        return str(self.data["status"])

    @abstractmethod
    def refresh(self) -> Self:
        """Request its data again."""

    def wait(self, timeout_s: float | None = None, on_status: StatusCallback | None = None) -> Self:
        """Wait until it is done: a submission is scored, a run has its meshes and metrics.

        Args:
            timeout_s: longest time to wait, in seconds; without it there is no limit.
            on_status: called with its data after each request: stage, fraction done, place in the queue, time left.

        Raises:
            ScoringFailedError: it failed or was cancelled; the message says why.
            TimeoutError: it is still queued or running.
        """
        began, pause = time.monotonic(), POLL_S[0]
        while True:
            self.refresh()
            if on_status:
                on_status(self.data)
            if self.status in FINISHED:
                break
            if timeout_s is not None and time.monotonic() - began + pause > timeout_s:
                raise TimeoutError(f"{self.KIND} {self.id} is still {self.status} after {timeout_s:.0f} s.")
            time.sleep(pause)
            pause = min(1.3 * pause, POLL_S[1])
        if self.status != "succeeded":
            raise ScoringFailedError(self.data.get("error") or f"{self.KIND} {self.id} was {self.status}.")
        return self
