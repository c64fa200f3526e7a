"""One attempt at one row: claim, work, publish; and whatever goes wrong, the row says so."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Protocol

from billiard.exceptions import SoftTimeLimitExceeded
from django.db import Error, OperationalError, connections

from ml.progress import ProgressCallback
from palmares.media_storage import STORAGE_ERRORS, is_disk_full
from palmares.queue import services
from palmares.queue.exceptions import CancelledError, LeaseLostError, WorkerTooOldError, WorkFailedError
from palmares.queue.models import WorkItem
from workers.app import LEASE_SECONDS, SOFT_LIMIT_SECONDS
from workers.lease import Lease, WorkerStoppingError
from workers.lease_files import lease_file
from workers.storage import scratch_folder

logger = logging.getLogger(__name__)
Publish = Callable[[], None]
_PATH: Final = re.compile(r"(?<![\w/.])(?:/[^\s/'\",:;)]+){2,}/?")
"""An absolute path of two names or more."""


class Work(Protocol):
    """What is to be done for one kind of row."""

    def folder(self, item: Any) -> str:
        """Storage prefix for what this attempt makes; named by the lease, so that no other writes there."""

    def perform(self, item: Any, scratch: Path, report: ProgressCallback) -> Publish:
        """Do it and store the files under `folder`; the function returned points the row at them.

        Raises:
            WorkFailedError: it can never be done, for a reason the person who asked can act on.
        """

    def discard(self, item: Any) -> None:
        """Remove what this attempt stored, unless the row points at it."""

    def cleanup(self, item: Any) -> None:
        """It has ended for good: remove what nothing points at any more."""


def attempt(model: type[WorkItem], pk: str, load: Callable[[], Work]) -> None:
    """Work on a row, if there is anything to do. Does not raise for what befalls the work.

    Args:
        model: the kind of row.
        pk: which.
        load: imports and makes the work; what goes wrong there is written to the row as well.
    """
    item = services.claim(model=model, pk=pk, seconds=LEASE_SECONDS)
    if item is None:
        logger.info("nothing to do for %s %s", model._meta.model_name, pk)
        return
    _attempt(item, load)


def attempt_next(queue: str, loaders: dict[type[WorkItem], Callable[[], Work]]) -> None:
    """Work on the row of a queue whose turn it is, if there is any; `loaders` import and make the work by kind of row."""
    item = services.claim_next(queue=queue, seconds=LEASE_SECONDS)
    if item is None:
        logger.info("nothing to do in the queue %s", queue)
        return
    _attempt(item, loaders[type(item)])


def _attempt(item: WorkItem, load: Callable[[], Work]) -> None:
    work: Work | None = None
    try:
        with lease_file(item):
            try:
                work = load()
            except Exception as error:
                _give_up(item, None, error)
                return
            _perform(item, work)
    except LeaseLostError as error:
        logger.warning("stopped: %s", error)
        if work is not None:
            work.discard(item)
    except Error:
        # The database is away: the lease runs out and the reaper takes over.
        logger.exception("cannot write down what became of %s %s", item._meta.model_name, item.pk)


def _perform(item: WorkItem, work: Work) -> None:
    try:
        with scratch_folder(item) as scratch, Lease(item, LEASE_SECONDS) as lease:
            publish = work.perform(item, scratch, lease.report)
            _retry_until_committed(lambda: services.succeed(item=item, publish=publish))
    except (LeaseLostError, Error):
        raise
    except BaseException as error:
        failure = error
        _retry_until_committed(lambda: _give_up(item, work, failure))
    if item.is_final:
        work.cleanup(item)


def _retry_until_committed(write: Callable[[], None]) -> None:
    """Write, for as long as the lease may last, even where the database was away and this thread's connection is dead.

    Written twice, because the answer was lost, the second one finds the lease gone and changes nothing.
    """
    deadline = time.monotonic() + LEASE_SECONDS
    while True:
        connections.close_all()
        try:
            write()
            return
        except OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(1)


def _give_up(item: WorkItem, work: Work | None, error: BaseException) -> None:
    if work is not None:
        work.discard(item)
    if not services.is_held(item=item):
        raise LeaseLostError(f"{item.pk} was deleted or is another worker's") from error
    name = f"{item._meta.model_name} {item.pk}"
    match error:
        case CancelledError():
            services.stop(item=item)
        case WorkerStoppingError():
            services.release(item=item, reason="The worker was stopped.", counts=False)
        case WorkerTooOldError():
            logger.info("%s is left to a newer worker: %s", name, error)
            services.release(item=item, reason=str(error), counts=False, stage=str(error))
        case WorkFailedError():
            logger.info("%s failed: %s", name, error)
            services.fail(item=item, error=str(error))
        case SoftTimeLimitExceeded():
            services.fail(item=item, error=f"It took longer than {SOFT_LIMIT_SECONDS // 60} minutes, the most that is allowed.")
        case _ if isinstance(error, STORAGE_ERRORS):
            logger.exception("%s could not go on", name)
            services.postpone(item=item, reason="The file storage did not answer", stage="Waiting for the file storage")
        case _ if is_disk_full(error):
            logger.exception("%s waits for disk space", name)
            services.release(item=item, reason="The disk is full.", counts=False, stage="Waiting for disk space")
        case MemoryError() | OSError():
            logger.exception("%s could not go on", name)
            services.release(item=item, reason=f"The machine could not go on ({_named(error)}). Try again later.")
        case Exception():
            logger.exception("%s failed", name)
            services.fail(
                item=item, error=f"Something went wrong inside ({_named(error)}); the worker's log says more of {item.pk}."
            )
        case _:  # the process is ending
            services.release(item=item, reason="The worker was stopped.", counts=False)
            raise error


def _named(error: BaseException) -> str:
    """Class and text for people who may not see this machine's paths."""
    text = (error.strerror or "") if isinstance(error, OSError) else _PATH.sub("…", str(error))
    return f"{type(error).__name__}: {text}"[:300].removesuffix(": ")
