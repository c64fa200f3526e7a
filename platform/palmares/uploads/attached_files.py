"""Files that people attach to an upload: a ground truth, predictions of their own methods. Checked before they are stored."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePath
from tempfile import NamedTemporaryFile
from typing import Any, Final, Literal

from django.conf import settings
from django.core.files.base import File
from django.core.files.storage import default_storage

from palmares.api.limited_check import Checked, run_check
from palmares.api.problems import ConflictError, InvalidError
from palmares.media_storage import delete_stored_files
from palmares.queue.models import Status
from palmares.teams.storage_quota import require_storage
from palmares.uploads.models import Upload
from palmares.uploads.services import check_size, clean_name

Kind = Literal["truth", "prediction"]
ENDINGS: Final = (".npz", ".zip", ".json")
SIDES: Final = ("right", "left")
SIDE_CHOICES: Final = [(side, side) for side in SIDES]


def clip_facts(upload: Upload) -> dict[str, Any]:
    """What is known of an upload's frames, as `ml.intake.clip_facts.ClipFacts` takes it.

    Raises:
        ConflictError: its frames are not known yet.
    """
    if upload.status != Status.SUCCEEDED or not upload.frame_count or not upload.width or not upload.height:
        raise ConflictError(f"“{upload}” is {upload.public_status}, so its frames are not known; try again when it is ready.")
    return {
        "frame_count": upload.frame_count,
        "fps": upload.fps or 1.0,
        "width": upload.width,
        "height": upload.height,
        "intrinsics": upload.intrinsics,
        "is_video": upload.kind == Upload.Kind.VIDEO,
    }


def check_attached(*, upload: Upload, kind: Kind, file: File, file_format: str, side: str) -> tuple[str, Checked]:
    """Let a process with limits read the whole file; its name as people will see it, and what was found.

    Args:
        upload: that it is attached to; ready.
        kind: what the file is for.
        file: as it came.
        file_format: key of `ml.catalog.TRUTH_FORMATS` or `PREDICTION_FORMATS`.
        side: of the hands, in formats that do not say.

    Raises:
        RefusedFileError: it cannot be used; the message says why.
        ConflictError, InvalidError, TooLargeError, StorageQuotaError, UnavailableError: before or while it is read.
    """
    facts = clip_facts(upload)
    name, size = clean_name(str(file.name)), int(file.size or 0)
    check_size(name=name, size=size)
    require_storage(team=upload.subject.team, name=name, size=size)
    if (ending := PurePath(name).suffix.lower()) not in ENDINGS:
        raise InvalidError(f"“{name}” ends in {ending or 'nothing'}; expected one of {', '.join(ENDINGS)}.", field="file")
    if side not in SIDES:
        raise InvalidError(f"There is no side {side!r}, expected right or left.", field="side")
    with NamedTemporaryFile(suffix=ending, dir=settings.FILE_UPLOAD_TEMP_DIR) as copy:
        file.seek(0)
        shutil.copyfileobj(file, copy, 1 << 20)
        copy.flush()
        about = ["--kind", kind, "--format", file_format, "--side", side, "--clip", json.dumps(facts)]
        checked = run_check(module="ml.commands.check_attached", arguments=[*about, "--", copy.name], name=name)
    return name, checked


@contextmanager
def stored_source(*, prefix: str, name: str, file: File) -> Iterator[str]:
    """Store a checked file below a prefix while its row is made; its key. Where that fails, no file stays there."""
    try:
        file.seek(0)
        yield default_storage.save(f"{prefix}/source{PurePath(name).suffix.lower()}", file)
    except BaseException:
        delete_stored_files(prefix)
        raise
