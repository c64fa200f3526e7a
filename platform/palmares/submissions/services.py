"""What people do with submissions: send, cancel, retry, change, delete. Whoever acts is `by`."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePath
from tempfile import NamedTemporaryFile, TemporaryDirectory
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.core.files.base import File
from django.core.files.storage import FileSystemStorage, default_storage
from django.db import transaction
from django.utils import timezone

from palmares.api.limited_check import Checked
from palmares.api.problems import ConflictError, InvalidError
from palmares.benchmarks.models import Benchmark, Truth
from palmares.benchmarks.revisions import current_truth, imported_truth, lock_benchmark
from palmares.media_storage import delete_stored_files
from palmares.queue.models import Status
from palmares.runs.models import Run
from palmares.submissions.file_check import check_file
from palmares.submissions.models import Submission
from palmares.submissions.quotas import check_quota, note_use, place_in_quota, today
from palmares.submissions.rank_comparison import request_comparisons_with
from palmares.submissions.scorings import cancel_scorings, score_under_all
from palmares.teams.models import Role, Team, User
from palmares.teams.services import first_team, require_role
from palmares.teams.storage_quota import require_storage, reserve_storage
from palmares.uploads.services import check_size, clean_name

ENDINGS = (".json", ".zip", ".txt", ".npz")


def checked_name(*, name: str, size: int) -> str:
    """A prediction's name as people will see it.

    Raises:
        InvalidError, TooLargeError: by name and size alone, it cannot be one.
    """
    name = clean_name(name)
    check_size(name=name, size=size)
    if (ending := PurePath(name).suffix.lower()) not in ENDINGS:
        raise InvalidError(
            f"“{name}” ends in {ending or 'nothing'}; a prediction is one of {', '.join(ENDINGS)}.", field="file"
        )
    return name


def submit(
    *, benchmark: Benchmark, by: User, file: File, method: str, sha256: str, team: Team | None = None, **facts: Any
) -> Submission:
    """Check a prediction, take a place in the day's quota and queue its scoring; members of the team only.

    Args:
        benchmark: one that `by` may see.
        by: who sends it.
        file: the prediction as the protocol asks for it.
        method: what it was made with, as boards will name it.
        sha256: of the file.
        team: whose it is; the first that `by` may upload for, if not given.
        facts: description, links, is_public, shape, is_optimised.

    Raises:
        RefusedFileError, InvalidError, TooLargeError, StorageQuotaError, ConflictError, QuotaError: nothing is stored, no
            quota taken.
    """
    team = team or first_team(user=by)
    require_role(user=by, team=team, role=Role.MEMBER)
    truth = _imported_truth(benchmark)
    name = checked_name(name=str(file.name), size=int(file.size or 0))
    ending = PurePath(name).suffix.lower()
    check_quota(benchmark, team, by)
    require_storage(team=team, name=name, size=int(file.size or 0))
    checked = _checked(benchmark, truth, file, name, ending)
    made = Submission(
        id=uuid4(), benchmark=benchmark, team=team, created_by=by, method=method, name=name,
        size_bytes=int(file.size or 0), sha256=sha256, findings=checked.findings, quota_day=today(), **facts,
    )  # fmt: skip
    prefix = made.storage_prefix
    try:
        file.seek(0)
        made.source = default_storage.save(f"{prefix}/source{ending}", file)
        with place_in_quota(benchmark, team, by):
            reserve_storage(team=team, name=name, size=made.size_bytes)
            made.save()
            note_use(made, by)
            score_under_all(made)
    except BaseException:
        delete_stored_files(prefix)
        raise
    return made


@transaction.atomic
def submit_runs(*, benchmark: Benchmark, team: Team, method: str, runs: list[Run], **facts: Any) -> Submission:
    """A submission made of runs of the platform, one a sequence; scored when the last of them has ended. Takes no quota."""
    lock_benchmark(benchmark.pk)
    _truth(benchmark)
    made = Submission.objects.create(benchmark=benchmark, team=team, method=method, name=f"{method}.zip", **facts)
    made.runs.set(runs)
    score_under_all(made)
    return made


@transaction.atomic
def cancel_submission(*, submission: Submission, by: User) -> None:
    """Stop the scoring of a submission; members only. Raises `ConflictError` when it is over."""
    require_role(user=by, team=submission.team, role=Role.MEMBER)
    lock_benchmark(submission.benchmark_id)
    submission.refresh_from_db()
    if submission.is_final:
        raise ConflictError(f"This is already {submission.status}; there is nothing to cancel.")
    cancel_scorings(submission)
    submission.refresh_from_db()


def retry_submission(*, submission: Submission, by: User) -> None:
    """Queue a submission that failed or was cancelled again, in today's quota; members only.

    Raises:
        ConflictError, QuotaError: it did neither, the truth is still being read, the deadline is over, or the day's quota is.
    """
    require_role(user=by, team=submission.team, role=Role.MEMBER)
    _imported_truth(submission.benchmark)
    with place_in_quota(submission.benchmark, submission.team, submission.created_by, takes=submission.quota_day is not None):
        submission.refresh_from_db()
        if submission.status not in (Status.FAILED, Status.CANCELLED):
            raise ConflictError(f"This is {submission.status}; only failed or cancelled work can be retried.")
        if submission.quota_day is not None:
            submission.quota_day = today()
            submission.save(update_fields=["quota_day"])
            note_use(submission, submission.created_by)
        score_under_all(submission)
    submission.refresh_from_db()


@transaction.atomic
def change_submission(*, submission: Submission, by: User, **facts: Any) -> Submission:
    """Change what is said of a submission, or whether others see it; members only."""
    require_role(user=by, team=submission.team, role=Role.MEMBER)
    for field, value in facts.items():
        setattr(submission, field, value)
    submission.save(update_fields=[*facts])
    if "is_public" in facts:
        request_comparisons_with(submission)
    return submission


@transaction.atomic
def delete_submission(*, submission: Submission, by: User) -> None:
    """Remove a submission's files and scores; members only. The place it took in its day's quota stays taken."""
    require_role(user=by, team=submission.team, role=Role.MEMBER)
    lock_benchmark(submission.benchmark_id)
    cancel_scorings(submission)
    request_comparisons_with(submission)
    submission.scores.all().delete()
    gone = {"source": "", "description": "", "links": [], "findings": []}
    Submission.objects.filter(pk=submission.pk).update(deleted_at=timezone.now(), **gone)
    prefix = submission.storage_prefix
    transaction.on_commit(lambda: delete_stored_files(prefix), robust=True)


@contextmanager
def local_files(prefix: str) -> Iterator[Path]:
    """What lies under a storage prefix, as a folder on this machine; a copy where the storage is elsewhere."""
    if isinstance(default_storage, FileSystemStorage):
        yield Path(default_storage.path(prefix))
        return
    with TemporaryDirectory(dir=settings.FILE_UPLOAD_TEMP_DIR) as folder:
        _, names = default_storage.listdir(prefix)
        for name in names:
            with default_storage.open(f"{prefix}/{name}", "rb") as source, (Path(folder) / name).open("wb") as sink:
                shutil.copyfileobj(source, sink, 1 << 20)
        yield Path(folder)


def _truth(benchmark: Benchmark) -> Truth | None:
    """The truth that predictions are checked by; None while the first one is being imported."""
    if benchmark.deadline is not None and timezone.now() > benchmark.deadline:
        raise ConflictError(f"The deadline of “{benchmark}” was {benchmark.deadline:%d %B %Y, %H:%M} UTC.")
    if current_truth(benchmark) is None:
        raise ConflictError(f"“{benchmark}” has no ground truth yet; ask its owner.")
    return imported_truth(benchmark)


def _imported_truth(benchmark: Benchmark) -> Truth:
    truth = _truth(benchmark)
    if truth is None:
        raise ConflictError(f"The ground truth of “{benchmark}” is still being imported; try again in a minute.")
    return truth


def _checked(benchmark: Benchmark, truth: Truth, file: File, name: str, ending: str) -> Checked:
    with local_files(truth.folder) as folder, NamedTemporaryFile(suffix=ending, dir=settings.FILE_UPLOAD_TEMP_DIR) as copy:
        file.seek(0)
        shutil.copyfileobj(file, copy, 1 << 20)
        copy.flush()
        return check_file(protocol=benchmark.protocol, truth=truth_path(folder), file=Path(copy.name), name=name)


def truth_path(folder: Path) -> Path:
    """What the protocol's reader opens: the one file of a folder, or the folder."""
    files = list(folder.iterdir())
    return files[0] if len(files) == 1 else folder
