"""A locked file for each lease that a process of this machine holds, so that others see at once when it was killed.

The system gives up a process's locks when the process ends, however it ends. Without the file, the row of a killed worker
waits until its lease has run out, and its temporary files stay for a day.
"""

from __future__ import annotations

import fcntl
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import Final

import redis
from django.apps import apps
from django.conf import settings
from django.db import Error, connection

from palmares.local.embedded_servers import try_lock
from palmares.queue import services
from palmares.queue.models import WorkItem
from workers.storage import remove_old_scratch, remove_scratch

logger = logging.getLogger(__name__)

LOOK_SECONDS: Final = 1.0
_OLD_SECONDS: Final = 24 * 3600.0


@contextmanager
def lease_file(item: WorkItem) -> Iterator[None]:
    """Hold the file of the lease under which a row was claimed. Where it cannot be written, the lease does without."""
    with ExitStack() as stack:
        try:
            path = _folder() / f"{_machine()}_{item._meta.label}_{item.pk}_{item.lease}"
            unlocked = path.with_name(f"{path.name}.new")  # renamed once it is locked: nobody takes it for a dead process's
            stream = stack.enter_context(unlocked.open("w"))
            fcntl.flock(stream, fcntl.LOCK_EX)
            unlocked.rename(path)
            stack.callback(path.unlink, missing_ok=True)  # called before the file is closed
        except OSError as error:
            logger.warning("no file for the lease of %s: %s", item.pk, error)
        yield


def release_lost() -> int:
    """Put the rows of killed processes of this machine on their way again, and remove their files; how many there were.

    Raises:
        django.db.Error: the database is away; try again later.
    """
    lost = 0
    for path in _folder().iterdir():
        with suppress(FileNotFoundError):
            if path.name.startswith(f"{_machine()}_") and path.suffix != ".new":
                lost += _release(path)
            elif path.stat().st_mtime < time.time() - _OLD_SECONDS:  # of an earlier boot: its lease has long run out
                path.unlink()
    remove_old_scratch()
    return lost


def keep_releasing(is_stopping: Callable[[], bool]) -> None:
    """`release_lost` again and again, from a thread of the worker's parent process."""
    threading.Thread(target=_keep_releasing, args=(is_stopping,), name="lost leases", daemon=True).start()


def _keep_releasing(is_stopping: Callable[[], bool]) -> None:
    while not is_stopping():
        try:
            with closing(connection):
                if lost := release_lost():
                    logger.info("%d lost their worker", lost)
        except (Error, redis.RedisError, OSError) as error:
            logger.warning("lost work cannot be looked for: %s", error)
        time.sleep(LOOK_SECONDS)


def _release(path: Path) -> bool:
    with path.open() as stream:
        if not try_lock(stream):
            return False
        _, label, pk, lease = path.name.split("_")
        # a row that was finished, between the listing of its file and now, is no longer held under this lease
        found = services.release_lost(model=apps.get_model(label), pk=pk, lease=lease)
        remove_scratch(pk, lease)
        path.unlink(missing_ok=True)
    return found


def _folder() -> Path:
    folder = Path(settings.FILE_UPLOAD_TEMP_DIR) / "leases"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _machine() -> str:
    """What tells this machine, since its last start, from others that may share the folder without sharing locks."""
    with suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return socket.gethostname().replace("_", "-")
