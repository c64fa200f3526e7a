"""Between the storage and a folder of one's own on disk."""

from __future__ import annotations

import hashlib
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from django.conf import settings
from django.core.files.storage import FileSystemStorage, default_storage

from palmares.queue.models import WorkItem
from palmares.uploads.partial import MovableFile

_OLD_SECONDS: Final = 24 * 3600


@contextmanager
def scratch_folder(item: WorkItem) -> Iterator[Path]:
    """A folder for one attempt, gone afterwards; what killed attempts left is removed by `remove_scratch`."""
    folder = _scratch_path(item.pk, item.lease)
    folder.parent.mkdir(parents=True, exist_ok=True)
    for left in folder.parent.glob(f"{item.pk}-*"):
        shutil.rmtree(left, ignore_errors=True)
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def remove_scratch(pk: object, lease: object) -> None:
    """Remove the folder of an attempt whose process is dead: it may hold a copy of a video that was deleted since."""
    shutil.rmtree(_scratch_path(pk, lease), ignore_errors=True)


def remove_old_scratch() -> None:
    """Remove the folders of attempts that began more than a day ago, of which no lease's file is left."""
    base = _scratch_path("", "").parent
    for left in base.iterdir() if base.exists() else ():
        with suppress(FileNotFoundError):
            if left.stat().st_mtime < time.time() - _OLD_SECONDS:
                shutil.rmtree(left, ignore_errors=True)


def _scratch_path(pk: object, lease: object) -> Path:
    return Path(settings.FILE_UPLOAD_TEMP_DIR) / "work" / f"{pk}-{lease}"


def fetch(key: str, folder: Path) -> Path:
    """A stored file as one on disk: itself, where the storage is local, else a copy in `folder`."""
    if isinstance(default_storage, FileSystemStorage):
        return Path(default_storage.path(key))
    target = folder / hashlib.sha256(key.encode()).hexdigest()[:16] / key.rsplit("/", 1)[-1]
    if target.exists():  # fetched before in this attempt; what is stored under a key never changes
        return target
    target.parent.mkdir(exist_ok=True)
    unfinished = target.with_suffix(".part")
    with default_storage.open(key, "rb") as source, unfinished.open("wb") as sink:
        shutil.copyfileobj(source, sink, 1 << 20)
    return unfinished.rename(target)


def store_folder(folder: Path, prefix: str) -> None:
    """Store all files of a folder under a prefix that holds none yet. On a local disk they are moved."""
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        store_file(path, f"{prefix}/{path.relative_to(folder).as_posix()}")


def store_file(path: Path, key: str) -> None:
    """Store one file under a key that holds none yet. On a local disk it is moved."""
    with path.open("rb") as stream:
        written = default_storage.save(key, MovableFile(stream, str(path)))
    if written != key:
        default_storage.delete(written)
        raise FileExistsError(f"{key} is in the storage already")
