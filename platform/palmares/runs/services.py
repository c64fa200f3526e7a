"""What people do with runs. Whoever acts is `by`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.db import transaction

from ml.catalog import FIRST_METHODS, METHODS
from palmares.api.problems import ConflictError, InvalidError
from palmares.queue import services as queue
from palmares.queue.models import Status
from palmares.runs.method_options import checked_options, require_refinable
from palmares.runs.models import Run
from palmares.runs.shape_used import OLD_SHAPE, kept
from palmares.subjects.models import FIRST_OPEN_HAND, HandShape
from palmares.teams.models import Role, Team, User
from palmares.teams.open_work import TooMuchOpenWorkError, require_open_place
from palmares.teams.services import require_role
from palmares.uploads.hand_boxes import boxes_for_run
from palmares.uploads.models import Upload

HAND_MODELS = ("open", "mano")
MOST_UPLOADS = 50
"""On which methods are run at once: as many as a page of the list has."""


@transaction.atomic
def start_run(
    *,
    upload: Upload,
    method: str,
    by: User | None,
    hand_model: str = "open",
    hand_shape: HandShape | None = None,
    start: Run | None = None,
    options: Mapping[str, Any] | None = None,
) -> Run:
    """Queue a method on an upload; members only (`by` is None where the platform itself acts).

    On an upload that is not ready yet the run waits for it. With `start`, the hands of that run are refined.

    Raises:
        InvalidError: no such method, option or hand model, one that the method cannot pose, a shape of another subject or
            model, a run of another upload, or a method that needs a video on images.
        ConflictError: the upload failed or was cancelled, so that the run could never start; or `start` has not finished.
        TooMuchOpenWorkError: the team has too many queued and running runs.
    """
    if by is not None:
        require_role(user=by, team=upload.subject.team, role=Role.MEMBER)
        require_open_place(model=Run, team=upload.subject.team)
    upload = Upload.objects.select_for_update(of=("self",)).select_related("subject__team").get(pk=upload.pk)
    _require_possible(upload, method, hand_model, hand_shape)
    kept_options = checked_options(method, options or {})
    if start is not None:
        require_refinable(method=method, upload=upload, start=start)
    if upload.status in (Status.FAILED, Status.CANCELLED):
        raise ConflictError(f"The upload “{upload}” is {upload.public_status}; retry it first.", field="upload")
    run = Run.objects.create(
        upload=upload,
        method=method,
        method_version=METHODS[method].version,
        hand_model=hand_model,
        hand_shape=hand_shape,
        shape=kept(hand_shape),
        start=start,
        start_method=start.method if start is not None else "",
        options=kept_options,
        boxes=boxes_for_run(upload),
        created_by=by,
    )
    queue.enqueue(item=run)
    return run


def _require_possible(upload: Upload, method: str, hand_model: str, hand_shape: HandShape | None) -> None:
    if method not in METHODS:
        raise InvalidError(f"There is no method {method!r}; there are {', '.join(METHODS)}.", field="method")
    if not can_take(upload, method):
        raise InvalidError(f"{METHODS[method].title} needs a video; “{upload}” is a set of images.", field="method")
    if hand_model not in HAND_MODELS:
        raise InvalidError(f"There is no hand model {hand_model!r}; there are {', '.join(HAND_MODELS)}.", field="hand_model")
    if hand_model not in METHODS[method].hand_models:
        raise InvalidError(f"The weights of {method} are of the open hand, not of `{hand_model}`.", field="hand_model")
    if hand_shape is not None and hand_shape.subject_id != upload.subject_id:
        raise InvalidError("This hand shape is another subject's.", field="hand_shape")
    if hand_shape is not None and hand_shape.hand_model == FIRST_OPEN_HAND:
        raise InvalidError(OLD_SHAPE, field="hand_shape")
    if hand_shape is not None and hand_shape.hand_model != hand_model:
        raise InvalidError(
            f"This hand shape is of the hand model {hand_shape.hand_model!r}, not {hand_model!r}.", field="hand_shape"
        )


def can_take(upload: Upload, method: str) -> bool:
    """Whether a method can run on what an upload is, a video or images."""
    return upload.kind != Upload.Kind.IMAGES or any("images" in text for text in METHODS[method].inputs)


def first_methods(upload: Upload) -> list[str]:
    """Those that run on an upload unless somebody chooses: `hmp2024` and what it starts from on a video."""
    return [name for name in FIRST_METHODS if can_take(upload, name)]


def run_methods(*, uploads: Iterable[Upload], methods: Iterable[str] = (), by: User) -> tuple[int, int]:
    """Queue methods, or where none is named the first ones, on uploads, each where it has not run yet; members only.

    Returns:
        How many runs were queued, and how many left out because such a run is queued, running or done (without a given
        hand shape or options), because the upload failed or is of images where the method needs a video, or because the
        team may have no more queued and running ones.

    Raises:
        InvalidError: no such method.
        TooMuchOpenWorkError: none could be queued, because the team has too many.
    """
    named, chosen = list(dict.fromkeys(methods)), list(uploads)
    for upload in chosen:
        require_role(user=by, team=upload.subject.team, role=Role.MEMBER)
    queued = skipped = 0
    for upload in chosen:
        names = named or first_methods(upload)
        runs = upload.runs.filter(method__in=names, hand_shape=None, start_method="", options={})
        runs = runs.exclude(status__in=[Status.FAILED, Status.CANCELLED])
        done = set(runs.values_list("method", flat=True))
        for name in names:
            impossible = upload.status in (Status.FAILED, Status.CANCELLED) or (name in METHODS and not can_take(upload, name))
            if name in done or impossible:
                skipped += 1
                continue
            try:
                start_run(upload=upload, method=name, by=by)
            except TooMuchOpenWorkError:
                if not queued:
                    raise
                skipped += 1
            else:
                queued += 1
    return queued, skipped


def cancel_run(*, run: Run, by: User) -> None:
    """Stop a run; members only. Raises `ConflictError` when it is over."""
    require_role(user=by, team=_team(run), role=Role.MEMBER)
    queue.cancel(item=run)


@transaction.atomic
def retry_run(*, run: Run, by: User) -> None:
    """Queue a run that failed or was cancelled again; members only.

    Raises:
        ConflictError: it did neither.
        TooMuchOpenWorkError: the team has too many queued and running runs.
    """
    require_role(user=by, team=_team(run), role=Role.MEMBER)
    require_open_place(model=Run, team=_team(run))
    queue.retry(item=run)


def delete_run(*, run: Run, by: User) -> None:
    """Remove a run, its prediction and their files; members only. Work under way notices and stops."""
    require_role(user=by, team=_team(run), role=Role.MEMBER)
    run.delete()


def _team(run: Run) -> Team:
    return run.upload.subject.team
