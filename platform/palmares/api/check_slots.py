"""At most `SLOTS` untrusted files are checked on a machine at a time, by whichever web process.

A slot is a lock on a file and a temporary folder. The operating system releases the lock when its last holder ends, and whoever
takes the slot next empties the folder: a process that is killed leaves nothing behind for long.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from django.conf import settings

from palmares.api.problems import UnavailableError

SLOTS: Final = 2
WAIT_SECONDS = 5.0
"""How long a request waits for a slot before it is answered 503."""
_POLL_SECONDS: Final = 0.1


@dataclass(frozen=True)
class Slot:
    """A place to check one file.

    Attributes:
        lock: open file descriptor; a process that inherits it keeps the slot until it ends.
        folder: empty, for temporary files; removed afterwards.
    """

    lock: int
    folder: Path


@contextmanager
def check_slot() -> Iterator[Slot]:
    """Wait for a slot.

    Raises:
        UnavailableError: none became free within `WAIT_SECONDS`.
    """
    root = Path(settings.FILE_UPLOAD_TEMP_DIR) / "checks"
    root.mkdir(parents=True, exist_ok=True)
    number, lock = _acquire(root)
    folder = root / str(number)
    try:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o700)
        yield Slot(lock, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def _acquire(root: Path) -> tuple[int, int]:
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        for number in range(SLOTS):
            lock = os.open(root / f"{number}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(lock)
                continue
            except BaseException:
                os.close(lock)
                raise
            return number, lock
        if time.monotonic() > deadline:
            raise UnavailableError("Other files are being checked at the moment. Send this one again in a minute.")
        time.sleep(_POLL_SECONDS)
