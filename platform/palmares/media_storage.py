"""Stored files are deleted with their row, whichever way the row is deleted."""

from __future__ import annotations

import errno
import logging
import shutil
from pathlib import Path
from typing import Any, Final

from boto3.exceptions import Boto3Error
from botocore.exceptions import BotoCoreError, ClientError
from django.core.files.storage import FileSystemStorage, default_storage
from django.db import transaction
from django.db.models.signals import post_delete
from s3transfer.exceptions import RetriesExceededError

logger = logging.getLogger(__name__)

STORAGE_ERRORS: Final = (BotoCoreError, Boto3Error, ClientError, RetriesExceededError)
"""What an object storage raises that cannot be reached, refuses to answer or stops midway, after the client's own retries."""


_DISK_FULL: Final = (errno.ENOSPC, errno.EDQUOT)
_DATABASE_DISK_FULL: Final = "53100"
"""PostgreSQL's code."""


def is_disk_full(error: BaseException | None) -> bool:
    """Whether an error means that a disk, the operating system's quota or the database's disk is full."""
    if isinstance(error, OSError):
        return error.errno in _DISK_FULL
    return getattr(getattr(error, "__cause__", None), "sqlstate", None) == _DATABASE_DISK_FULL


def delete_files_with(*models: str) -> None:
    """Delete what is stored under a row's `storage_prefix` when the deletion of the row is committed.

    Args:
        models: labels such as `runs.Run`; their rows have a `storage_prefix`.
    """
    for label in models:
        post_delete.connect(_delete_files, sender=label, dispatch_uid=f"files of {label}")  # type: ignore[arg-type]


def delete_stored_files(prefix: str) -> None:
    """Remove everything stored under a prefix. Never raises: what cannot be removed is logged."""
    try:
        _remove(prefix)
    except Exception:
        logger.exception("cannot remove %s from the storage", prefix)


def keep_only(parent: str, *kept: str) -> None:
    """Remove the folders under `parent` but those `kept` (by name): what earlier attempts stored. Never raises."""
    try:
        folders, _ = default_storage.listdir(parent)
    except FileNotFoundError:
        return
    except Exception:
        logger.exception("cannot list %s in the storage", parent)
        return
    for name in folders:
        if name not in kept:
            delete_stored_files(f"{parent}/{name}")


def _delete_files(instance: Any, **_: Any) -> None:
    prefix = instance.storage_prefix  # now: Django takes the pk from the instance before the transaction ends
    transaction.on_commit(lambda: delete_stored_files(prefix), robust=True)


def _remove(prefix: str) -> None:
    if isinstance(default_storage, FileSystemStorage):
        shutil.rmtree(Path(default_storage.path(prefix)), ignore_errors=True)
        return
    folders, files = default_storage.listdir(prefix)
    for name in files:
        default_storage.delete(f"{prefix}/{name}")
    for name in folders:
        _remove(f"{prefix}/{name}")
