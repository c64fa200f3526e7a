"""Stored files whose row is gone: what a deletion could not remove while the storage was away."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Final
from uuid import UUID

from django.core.files.storage import default_storage
from django.db.models import Model
from django.utils import timezone

from palmares.benchmarks.models import Benchmark
from palmares.calibrations.models import Calibration
from palmares.media_storage import delete_stored_files
from palmares.runs.models import Run, RunScore
from palmares.submissions.models import PendingFile, Submission
from palmares.uploads.models import GroundTruth, Upload

logger = logging.getLogger(__name__)

OWNERS: Final[dict[str, tuple[type[Model], ...]]] = {
    "uploads": (Upload,),
    "truths": (GroundTruth,),
    "runs": (Run,),
    "scores": (RunScore,),
    "calibrations": (Calibration,),
    "benchmarks": (Benchmark,),
    "submissions": (Submission,),
    "partial": (Upload, PendingFile),
}
"""Whose rows name the folders under each prefix of the storage."""
YOUNG: Final = timedelta(hours=1)
"""Files may be stored before their row is committed."""


def sweep_orphans() -> int:
    """Delete the folders of rows that no longer exist; how many."""
    removed = 0
    for prefix, models in OWNERS.items():
        folders = {name: key for name in _folders(prefix) if (key := _uuid(name))}
        known: set[UUID] = set()
        for model in models:
            known |= set(model._default_manager.filter(pk__in=folders.values()).values_list("pk", flat=True))
        for name, key in folders.items():
            if key not in known and not _is_young(f"{prefix}/{name}"):
                logger.info("removing %s/%s, of which no row knows", prefix, name)
                delete_stored_files(f"{prefix}/{name}")
                removed += 1
    return removed


def _folders(prefix: str) -> list[str]:
    try:
        return list(default_storage.listdir(prefix)[0])
    except FileNotFoundError:
        return []


def _uuid(name: str) -> UUID | None:
    try:
        return UUID(name)
    except ValueError:
        return None


def _is_young(folder: str) -> bool:
    """Whether any file in it was written lately."""
    inner, files = default_storage.listdir(folder)
    now = timezone.now()
    return any(now - default_storage.get_modified_time(f"{folder}/{name}") < YOUNG for name in files) or any(
        _is_young(f"{folder}/{name}") for name in inner
    )
