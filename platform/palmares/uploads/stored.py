"""Files go when their row goes, whichever way it goes."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path
from typing import Any

from django.core.files.storage import FileSystemStorage, default_storage
from django.db import transaction
from django.db.models.signals import post_delete
from django.dispatch import receiver

from palmares.uploads.models import Upload
from palmares.uploads.partial import forget_partial

logger = logging.getLogger(__name__)


def forget_files(prefix: str) -> None:
    """Remove everything stored under a folder's key. Never raises: what cannot be removed is logged."""
    try:
        _remove(prefix)
    except Exception:
        logger.exception("cannot remove %s from the storage", prefix)


def _remove(prefix: str) -> None:
    if isinstance(default_storage, FileSystemStorage):
        shutil.rmtree(Path(default_storage.path(prefix)), ignore_errors=True)
        return
    folders, files = default_storage.listdir(prefix)
    for name in files:
        default_storage.delete(f"{prefix}/{name}")
    for name in folders:
        _remove(f"{prefix}/{name}")


@receiver(post_delete, sender=Upload)
def _forget_upload(instance: Upload, **_: Any) -> None:
    upload_id = instance.pk  # Django takes it from the instance before the transaction is over
    transaction.on_commit(lambda: forget_files(f"uploads/{upload_id}"), robust=True)
    transaction.on_commit(lambda: forget_partial(upload_id), robust=True)
