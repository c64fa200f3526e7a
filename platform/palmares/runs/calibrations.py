"""What people do with calibrations. Whoever acts is `by`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db import transaction

from palmares.api.problems import ConflictError, InvalidError
from palmares.queue import services as queue
from palmares.queue.models import Status
from palmares.runs.models import Calibration
from palmares.subjects.models import HandShape, Subject
from palmares.teams.models import Role, User
from palmares.teams.services import require_role
from palmares.uploads.models import Upload

MAX_IMAGES = 20
MAX_UPLOADS = 20
WEIGHTS = ("confidence", "uniform")
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
    scale: dict[str, Any] | None = None,
) -> Calibration:
    """Queue a calibration; members only. It waits for uploads that are not ready yet.

    Args:
        subject: whose hand.
        by: who asks.
        uploads: of that subject, at least one.
        side: `left`, `right`, or `both` for one shape, mirrored.
        max_images: pictures used, 2 to 20.
        weights: `confidence` or `uniform`.
        scale: `{"length_mm": …}` from a ruler, `{"object": {"size_mm", "size_px", "upload", "frame"}}` for a thing of known
            size that faces the camera beside the hand, `{"distance": {"distance_mm", "upload", "frame"}}` to the hand.

    Raises:
        InvalidError: an upload of another subject, or a side, weights or a scale that are not among these.
        ConflictError: an upload failed.
    """
    require_role(user=by, team=subject.team, role=Role.MEMBER)
    if side not in HandShape.Side.values:
        raise InvalidError(f"There is no side {side[:20]!r}; there are {', '.join(HandShape.Side.values)}.", field="side")
    if weights not in WEIGHTS:
        raise InvalidError(f"There are no weights {weights[:20]!r}; there are {', '.join(WEIGHTS)}.", field="weights")
    if not 1 <= len(uploads) <= MAX_UPLOADS:
        raise InvalidError(f"{len(uploads)} uploads; a calibration takes 1 to {MAX_UPLOADS}.", field="uploads")
    if not 2 <= max_images <= MAX_IMAGES:
        raise InvalidError(f"max_images is {max_images}; a calibration takes 2 to {MAX_IMAGES} pictures.", field="max_images")
    for upload in uploads:
        if upload.subject_id != subject.pk:
            raise InvalidError(f"«{upload}» shows another subject.", field="uploads")
        if upload.status in (Status.FAILED, Status.CANCELLED):
            raise ConflictError(f"The upload «{upload}» is {upload.public_status}; retry it first.", field="uploads")
    made = Calibration(subject=subject, created_by=by, side=side, max_images=max_images, weights=weights)
    made.scale = checked_scale(scale or {}, {upload.pk for upload in uploads})
    made.save()
    made.uploads.set(uploads)
    queue.enqueue(item=made)
    return made


def checked_scale(scale: dict[str, Any], uploads: set[UUID]) -> dict[str, Any]:
    """The sources of scale, cleaned.

    Raises:
        InvalidError: what is wrong, and what would be right.
    """
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
            upload, frame = UUID(str(value.get("upload"))), int(value.get("frame", 0))
        except (TypeError, ValueError, OverflowError) as error:
            raise InvalidError(f"`{kind}` needs the id of an `upload` and a `frame`.", field="scale") from error
        if upload not in uploads:
            raise InvalidError(f"`{kind}.upload` is not one of the uploads to calibrate from.", field="scale")
        if not 0 <= frame < 1_000_000_000:
            raise InvalidError(f"`{kind}.frame` is {frame}, expected the index of a frame.", field="scale")
        cleaned[kind] |= {"upload": str(upload), "frame": frame}
    return cleaned


def _number(value: Any, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e5:
        raise InvalidError(f"`{name}` is {str(value)[:20]!r}, expected a number above 0.", field="scale")
    return float(value)


def cancel_calibration(*, calibration: Calibration, by: User) -> None:
    """Stop a calibration; members only. Raises `ConflictError` when it is over."""
    require_role(user=by, team=calibration.subject.team, role=Role.MEMBER)
    queue.cancel(item=calibration)


def retry_calibration(*, calibration: Calibration, by: User) -> None:
    """Queue one that failed or was cancelled again; members only. Raises `ConflictError` otherwise."""
    require_role(user=by, team=calibration.subject.team, role=Role.MEMBER)
    queue.retry(item=calibration)


@transaction.atomic
def delete_calibration(*, calibration: Calibration, by: User) -> None:
    """Remove a calibration with its shape and files; members only. Runs that used the shape keep what they computed."""
    require_role(user=by, team=calibration.subject.team, role=Role.MEMBER)
    shape = calibration.hand_shape
    calibration.delete()
    if shape is not None:
        shape.delete()
