"""Free space on this machine's disks: files are refused, and work waits, before a disk is full."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from django.conf import settings
from django.core.files.storage import FileSystemStorage, default_storage

from palmares.api.problems import InsufficientStorageError


def free_bytes() -> int:
    """Bytes that may still be written: on the fullest of the disks that hold temporary files and, where local, the media."""
    folders = [Path(settings.FILE_UPLOAD_TEMP_DIR)]
    if isinstance(default_storage, FileSystemStorage):
        folders.append(Path(default_storage.location))
    return min(shutil.disk_usage(_existing(folder)).free for folder in folders)


def require_space(size: int) -> None:
    """Refuse a file of `size` bytes that would leave less than `MIN_FREE_BYTES`.

    Raises:
        InsufficientStorageError: nothing is stored.
    """
    if free_bytes() - size < settings.MIN_FREE_BYTES:
        raise InsufficientStorageError(
            f"The server has no space for {size / 1e6:.1f} MB at the moment. Try again later, or ask its operator to make room."
        )


def _existing(folder: Path) -> str:
    """The folder, or the nearest one above it: a new installation has no media yet."""
    return os.fspath(next(place for place in (folder, *folder.parents) if place.exists()))
