"""A submitted file in the viewer: one sequence of it becomes a run of an external method on the upload that shows it."""

from __future__ import annotations

import zipfile
from pathlib import PurePosixPath
from typing import IO, Final

from django.core.files.base import ContentFile, File

from palmares.api.problems import ConflictError, NotFoundError
from palmares.queue.models import Status
from palmares.runs.external_runs import add_external_run
from palmares.runs.models import Run
from palmares.stored_object import open_seekable
from palmares.submissions.models import Submission
from palmares.teams.models import Role, User
from palmares.teams.services import require_role
from palmares.uploads.models import Upload

MAX_BYTES: Final = 1 << 30
"""Largest file of one sequence, unpacked."""


def run_of_sequence(*, submission: Submission, sequence: str, upload: Upload, by: User) -> Run:
    """The run that shows one sequence of a submitted file; made if there is none. Members of both teams only.

    Args:
        submission: of a file of canonical predictions, one a sequence.
        sequence: its name.
        upload: that shows it.
        by: who opens it.

    Raises:
        NotFoundError: the file does not hold the sequence.
        ConflictError: the file is not of canonical predictions, or too large.
    """
    require_role(user=by, team=submission.team, role=Role.MEMBER)
    if submission.benchmark.protocol != "palmares" or not submission.source:
        raise ConflictError("Only files of canonical predictions can be opened in the viewer.")
    version = f"submission {str(submission.pk)[:8]}"
    known = Run.objects.filter(upload=upload, method=submission.method, method_version=version)
    found = known.exclude(status__in=[Status.FAILED, Status.CANCELLED]).first()
    if found is not None:
        return found
    with open_seekable(submission.source) as source:
        return add_external_run(
            upload=upload,
            by=by,
            file=_member(source, sequence),
            method_name=submission.method,
            file_format="palmares",
            version=version,
        )


def _member(source: IO[bytes], sequence: str) -> File:
    """The file of a sequence within a submitted archive, which was checked when it was taken in; or the only one."""
    name = f"{sequence}.npz"
    try:
        with zipfile.ZipFile(source) as archive:
            infos = archive.infolist()
            if any(info.filename.endswith(".npy") for info in infos):  # one canonical .npz
                source.seek(0)
                return ContentFile(source.read(MAX_BYTES), name=name)
            info = next((each for each in infos if PurePosixPath(each.filename).name == name), None)
            if info is None:
                raise NotFoundError(f"The file holds no predictions of “{sequence}”.")
            if info.file_size > MAX_BYTES:
                raise ConflictError(f"The predictions of “{sequence}” are larger than {MAX_BYTES >> 20} MB.")
            return ContentFile(archive.read(info), name=name)
    except (zipfile.BadZipFile, OSError) as error:
        raise NotFoundError("The submitted file cannot be read any more.") from error
