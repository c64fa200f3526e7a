"""Runs of methods that ran elsewhere: their predictions are sent, checked, and shown as those of any run. Who acts is `by`."""

from __future__ import annotations

from typing import Final
from uuid import uuid4

from django.core.exceptions import ValidationError
from django.core.files.base import File
from django.core.validators import URLValidator
from django.db import transaction

from ml.catalog import METHODS, PREDICTION_FORMATS
from palmares.api.problems import InvalidError
from palmares.queue.services import enqueue
from palmares.runs.models import Run
from palmares.teams.models import Role, User
from palmares.teams.open_work import require_open_place
from palmares.teams.services import require_role
from palmares.teams.storage_quota import reserve_storage
from palmares.uploads.attached_files import check_attached, stored_source
from palmares.uploads.models import Upload

MAX_METHOD_NAME: Final = 80
_TAKEN: Final = {text.casefold() for entry in METHODS.values() for text in (entry.name, entry.title)}


def add_external_run(
    *,
    upload: Upload,
    by: User,
    file: File,
    method_name: str,
    file_format: str,
    version: str = "",
    link: str = "",
    side: str = "right",
) -> Run:
    """Check predictions of an external method, store them and queue the run that makes meshes and metrics of them.

    Args:
        upload: ready.
        by: member of its team.
        file: as it came.
        method_name: as tables and plots will call it.
        file_format: key of `ml.catalog.PREDICTION_FORMATS`.
        version: of the method.
        link: to its paper or code.
        side: of the hands, in formats that do not say.

    Raises:
        RefusedFileError, InvalidError, TooLargeError, StorageQuotaError, ConflictError, TooMuchOpenWorkError: nothing is
            stored.
    """
    team = upload.subject.team
    require_role(user=by, team=team, role=Role.MEMBER)
    with transaction.atomic():
        require_open_place(model=Run, team=team)
    method = _checked_name(method_name)
    if file_format not in PREDICTION_FORMATS:
        raise InvalidError(f"There is no format {file_format!r}; there are {', '.join(PREDICTION_FORMATS)}.", field="format")
    if link:
        try:
            URLValidator(schemes=("http", "https"))(link)
        except ValidationError as error:
            raise InvalidError(f"“{link}” is not an address, expected https://…", field="link") from error
    name, checked = check_attached(upload=upload, kind="prediction", file=file, file_format=file_format, side=side)
    run = Run(
        id=uuid4(), upload=upload, method=method, method_version=version.strip(), hand_model="", created_by=by, link=link,
        source_name=name, source_bytes=int(file.size or 0), source_format=file_format, source_side=side,
        findings=checked.findings,
    )  # fmt: skip
    with stored_source(prefix=run.storage_prefix, name=name, file=file) as run.source, transaction.atomic():
        require_open_place(model=Run, team=team)
        reserve_storage(team=team, name=name, size=run.source_bytes)
        enqueue(item=run)
    return run


def _checked_name(name: str) -> str:
    """The name of a method as it is kept.

    Raises:
        InvalidError: it is empty, too long, or one of the platform's own methods.
    """
    clean = " ".join("".join(c if c.isprintable() else " " for c in name).split())
    if not 0 < len(clean) <= MAX_METHOD_NAME:
        raise InvalidError(f"A method's name has 1 to {MAX_METHOD_NAME} characters, not {len(clean)}.", field="method_name")
    if clean.casefold() in _TAKEN:
        raise InvalidError(f"“{clean}” is a method of the platform; name yours differently.", field="method_name")
    return clean
