"""What people do with calibrations. Whoever acts is `by`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any
from uuid import UUID

from django.core.files.storage import default_storage
from django.db import transaction

from palmares.api.problems import ConflictError, InvalidError
from palmares.calibrations.models import Calibration
from palmares.queue import services as queue
from palmares.queue.models import Status
from palmares.subjects.models import HandShape, Subject
from palmares.teams.models import Role, User
from palmares.teams.open_work import require_open_place
from palmares.teams.services import require_role
from palmares.uploads.models import Upload

MAX_IMAGES = 20
MAX_UPLOADS = 20
WEIGHTS = ("confidence", "uniform")
SOLVERS = ("joint-bundle", "shrinkage", "poster", "mean")
"""Those of `ml.identity.calibration`, which the web does not load."""
PREVIOUS_NAMES = {"fitted": "joint-bundle", "fused": "shrinkage"}
"""Names of version 0.1, which the API still takes."""
MOST_MM = 100_000
"""What no length, distance or size in pixels reaches."""
SCALES = {"length_mm": (), "object": ("size_mm", "size_px"), "distance": ("distance_mm",)}
"""Sources of scale, and the numbers that each needs beside `upload` and `frame`."""


@transaction.atomic
def start_calibration(
    *,
    subject: Subject,
    by: User,
    uploads: Sequence[Upload],
    side: str = HandShape.Side.BOTH,
    max_images: int = MAX_IMAGES,
    weights: str = "confidence",
    solver: str = "",
    scale: dict[str, Any] | None = None,
) -> Calibration:
    """Queue a calibration; members only. It waits for uploads that are not ready yet.

    Args:
        subject: whose hand.
        by: who asks.
        uploads: of that subject, at least one.
        side: `left`, `right`, or `both` for one shape, mirrored.
        max_images: images used, 2 to 20.
        weights: `confidence` or `uniform`.
        solver: of `SOLVERS`, or one of their `PREVIOUS_NAMES`; empty for the default.
        scale: `{"length_mm": …}` from a ruler, `{"object": {"size_mm", "size_px", "upload", "frame"}}` for a thing of known
            size that faces the camera beside the hand, `{"distance": {"distance_mm", "upload", "frame"}}` to the hand.

    Raises:
        InvalidError: an upload of another subject, a side, weights, a solver or a scale that are not among these, or a
            distance in an upload whose camera is not known.
        ConflictError: an upload failed.
        TooMuchOpenWorkError: the team has too many queued and running calibrations.
    """
    require_role(user=by, team=subject.team, role=Role.MEMBER)
    require_open_place(model=Calibration, team=subject.team)
    if subject.is_unsorted:
        raise InvalidError(
            f"“{subject}” collects uploads of several people. Move those of one person to a subject of their own first.",
            field="subject",
        )
    if side not in HandShape.Side.values:
        raise InvalidError(f"There is no side {side[:20]!r}; there are {', '.join(HandShape.Side.values)}.", field="side")
    if weights not in WEIGHTS:
        raise InvalidError(f"There are no weights {weights[:20]!r}; there are {', '.join(WEIGHTS)}.", field="weights")
    solver = PREVIOUS_NAMES.get(solver, solver)
    if solver and solver not in SOLVERS:
        raise InvalidError(f"There is no solver {solver[:20]!r}; there are {', '.join(SOLVERS)}.", field="solver")
    if not 1 <= len(uploads) <= MAX_UPLOADS:
        raise InvalidError(f"{len(uploads)} uploads; a calibration takes 1 to {MAX_UPLOADS}.", field="uploads")
    if not 2 <= max_images <= MAX_IMAGES:
        raise InvalidError(f"max_images is {max_images}; a calibration takes 2 to {MAX_IMAGES} images.", field="max_images")
    for upload in uploads:
        if upload.subject_id != subject.pk:
            raise InvalidError(f"“{upload}” shows another subject.", field="uploads")
        if upload.status in (Status.FAILED, Status.CANCELLED):
            raise ConflictError(f"The upload “{upload}” is {upload.public_status}; retry it first.", field="uploads")
    made = Calibration(subject=subject, created_by=by, side=side, max_images=max_images, weights=weights, solver=solver)
    made.scale = checked_scale(scale or {}, uploads)
    made.save()
    made.uploads.set(uploads)
    queue.enqueue(item=made)
    return made


def delete_crops_of(*, upload: Upload) -> None:
    """Remove the crops that calibrations cut from an upload which is being deleted; the shapes stay, without the images."""
    for calibration in upload.calibrations.select_for_update(of=("self",)).exclude(folder=""):
        images = calibration.facts.get("images", [])
        for number, image in enumerate(images):
            if image.get("upload") == str(upload.pk):
                images[number] = {key: image[key] for key in ("side", "weight") if key in image} | {"is_deleted": True}
                transaction.on_commit(
                    partial(default_storage.delete, f"{calibration.folder}/frame-{number:02d}.jpg"), robust=True
                )
        calibration.save(update_fields=["facts"])


def camera_is_known(upload: Upload) -> bool:
    """Whether the focal length is more than a stated guess: given with the upload, or that of the camera that rendered it."""
    return bool(upload.intrinsics) or "camera" in upload.facts or "synthetic" in upload.facts


def needs_a_camera(upload: Upload) -> str:
    """Why a distance in this upload tells nothing of the size, without a full stop."""
    return (
        f"the distance tells the size only with a calibrated camera, and of “{upload}” the focal length is a guess; give the "
        "camera's `intrinsics` or `focal_px` on the upload first (send the video once more with them), or use a ruler or a card"
    )


def checked_scale(scale: dict[str, Any], uploads: Sequence[Upload]) -> dict[str, Any]:
    """The sources of scale, cleaned.

    Raises:
        InvalidError: what is wrong, and what would be right.
    """
    by_id = {upload.pk: upload for upload in uploads}
    cleaned: dict[str, Any] = {}
    for kind, value in scale.items():
        if kind not in SCALES:
            raise InvalidError(f"There is no source of scale {kind!r}; there are {', '.join(SCALES)}.", field="scale")
        if kind == "length_mm":
            cleaned[kind] = _number(value, "length_mm")
            continue
        if not isinstance(value, dict):
            raise InvalidError(f"`{kind}` is an object with {', '.join((*SCALES[kind], 'upload', 'frame'))}.", field="scale")
        cleaned[kind] = {name: _number(value.get(name), f"{kind}.{name}") for name in SCALES[kind]}
        try:
            upload = by_id.get(UUID(str(value.get("upload"))))
        except ValueError as error:
            raise InvalidError(f"`{kind}` needs the id of an `upload` and a `frame`.", field="scale") from error
        if upload is None:
            raise InvalidError(f"`{kind}.upload` is not one of the uploads to calibrate from.", field="scale")
        frame = _frame(value.get("frame", 0), f"{kind}.frame", upload)
        if kind == "distance" and not camera_is_known(upload):
            why = needs_a_camera(upload)
            raise InvalidError(f"{why[0].upper()}{why[1:]}.", field="scale")
        cleaned[kind] |= {"upload": str(upload.pk), "frame": frame}
    return cleaned


def _number(value: Any, name: str) -> float:
    expected = f"expected a number above 0 and below {MOST_MM}"
    if value is None:
        raise InvalidError(f"`{name}` is missing, {expected}.", field="scale")
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < MOST_MM:
        raise InvalidError(f"`{name}` is {str(value)[:20]!r}, {expected}.", field="scale")
    return float(value)


def _frame(value: Any, name: str, upload: Upload) -> int:
    """The index of a frame of the upload; of one that is not ready yet, how many it has is not known."""
    most = upload.frame_count or 1_000_000_000
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < most:
        last = f"0 to {most - 1}" if upload.frame_count else "a whole number from 0"
        raise InvalidError(
            f"`{name}` is {str(value)[:20]!r}, expected the index of a frame of “{upload}”, {last}.", field="scale"
        )
    return value


def cancel_calibration(*, calibration: Calibration, by: User) -> None:
    """Stop a calibration; members only. Raises `ConflictError` when it is over."""
    require_role(user=by, team=calibration.subject.team, role=Role.MEMBER)
    queue.cancel(item=calibration)


@transaction.atomic
def retry_calibration(*, calibration: Calibration, by: User) -> None:
    """Queue one that failed or was cancelled again; members only.

    Raises:
        ConflictError: it did neither.
        TooMuchOpenWorkError: the team has too many queued and running calibrations.
    """
    require_role(user=by, team=calibration.subject.team, role=Role.MEMBER)
    require_open_place(model=Calibration, team=calibration.subject.team)
    queue.retry(item=calibration)


@transaction.atomic
def delete_calibration(*, calibration: Calibration, by: User) -> None:
    """Remove a calibration with its shape and files; members only. Runs that used the shape keep what they computed."""
    require_role(user=by, team=calibration.subject.team, role=Role.MEMBER)
    shape = calibration.hand_shape
    calibration.delete()
    if shape is not None:
        shape.delete()
