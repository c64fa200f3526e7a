"""Holding a row while working on it."""

from __future__ import annotations

import logging
import threading
import time
from types import TracebackType
from typing import Final, Self

from django.db import Error, connection

from palmares.queue import services
from palmares.queue.exceptions import CancelledError, LeaseLostError
from palmares.queue.models import WorkItem
from workers.app import is_stopping

logger = logging.getLogger(__name__)

BEAT_SECONDS: Final = 1.0
"""How often progress is written and a wish to cancel is noticed."""


class WorkerStoppingError(Exception):
    """This worker has been told to go; the row is given back."""


class Lease:
    """A claimed row and the thread that keeps it ours; a context manager.

    `report` goes to the computation. It costs nothing, may be called from any thread, and raises what the computation
    must stop for: `CancelledError`, `LeaseLostError` or `WorkerStoppingError`.
    """

    def __init__(self, item: WorkItem, seconds: float) -> None:
        self._item = item
        self._seconds = seconds
        self._stage, self._progress = "", 0.0
        self._trouble: Exception | None = None
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._beat, name=f"lease of {item.pk}", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._end.set()
        self._thread.join()

    def report(self, stage: str, fraction: float) -> None:
        """ProgressCallback what is being done and how much of it, 0 … 1."""
        self._stage, self._progress = stage, fraction
        if self._trouble is not None:
            raise self._trouble
        if is_stopping():
            raise WorkerStoppingError

    def _beat(self) -> None:
        heard = time.monotonic()
        try:
            while not self._end.wait(BEAT_SECONDS):
                try:
                    services.heartbeat(item=self._item, stage=self._stage, progress=self._progress, seconds=self._seconds)
                    heard = time.monotonic()
                except CancelledError as error:
                    heard = time.monotonic()
                    self._trouble = error
                except LeaseLostError as error:
                    self._trouble = error
                    return
                except Error as error:  # the database is away: go on until the lease has run out
                    logger.warning("no heartbeat for %s: %s", self._item.pk, error)
                    connection.close()
                    if time.monotonic() - heard > self._seconds:
                        self._trouble = LeaseLostError("the database was away for longer than the lease")
                        return
        finally:
            connection.close()
