"""The folders under `PALMARES_DATA`: nobody but their owner reads what is in them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

UMASK: Final = 0o077
"""For every process that writes there: new files and folders are their owner's alone."""
FOLDERS: Final = ("log", "mail", "media", "run", "tmp")


def make_private(data: Path) -> None:
    """Make the data folder and those in it with mode 0700, and take rights of others from those that exist.

    Root starts PostgreSQL under another account, which must pass through `data` and `run` to reach its own folders: there
    the right to enter (not to list) stays.

    Raises:
        OSError: a folder cannot be made.
    """
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    for folder in (data, *(data / name for name in FOLDERS)):
        folder.mkdir(mode=0o700, exist_ok=True)
        facts = folder.stat()
        forbidden = 0o066 if os.geteuid() == 0 and folder in (data, data / "run") else 0o077
        if facts.st_mode & forbidden and facts.st_uid == os.geteuid():  # only the owner may change it
            folder.chmod(facts.st_mode & 0o7777 & ~forbidden)
