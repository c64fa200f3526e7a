"""Boxes that people draw around hands which the detector missed; methods look inside them. Whoever acts is `by`."""

from __future__ import annotations

import math
from typing import Any, Final

from django.db import transaction

from palmares.api.problems import ConflictError, InvalidError
from palmares.teams.models import Role, User
from palmares.teams.services import require_role
from palmares.uploads.models import HandBox, Upload

MOST_BOXES: Final = 200
"""Of an upload."""
LEAST_SIDE: Final = 8
"""Pixels of a box's shorter side."""


@transaction.atomic
def add_box(*, upload: Upload, by: User, frame: int, x: float, y: float, width: float, height: float, side: str) -> HandBox:
    """A box around a hand in a frame; members only.

    Args:
        upload: which.
        by: who draws.
        frame: from 0.
        x: of its left side, px of the web copy, as all.
        y: of its upper side.
        width: at least `LEAST_SIDE`.
        height: at least `LEAST_SIDE`.
        side: of the hand, `left` or `right`.

    Raises:
        InvalidError: there is no such frame, or the box is not inside the image, too small, or no box.
        ConflictError: the upload is not ready, or has too many boxes.
    """
    require_role(user=by, team=upload.subject.team, role=Role.MEMBER)
    if not upload.frame_count or not upload.width or not upload.height:
        raise ConflictError(f"“{upload}” is {upload.public_status}; its frames are not known yet.")
    if not 0 <= frame < upload.frame_count:
        raise InvalidError(f"“{upload}” has no frame {frame}; it has frames 0 to {upload.frame_count - 1}.", field="frame")
    if side not in HandBox.Side.values:
        raise InvalidError("The side of the hand is `left` or `right`.", field="side")
    _require_inside(upload, x=x, y=y, width=width, height=height)
    Upload.objects.select_for_update(of=("self",), no_key=True).get(pk=upload.pk)
    if upload.boxes.count() >= MOST_BOXES:
        raise ConflictError(f"“{upload}” has {MOST_BOXES} boxes, the maximum; delete some first.")
    return HandBox.objects.create(upload=upload, created_by=by, frame=frame, x=x, y=y, width=width, height=height, side=side)


def _require_inside(upload: Upload, **box: float) -> None:
    for name, value in box.items():
        if not math.isfinite(value):
            raise InvalidError("A box is four finite numbers, in pixels.", field=name)
    for start, size, most in (("x", "width", upload.width), ("y", "height", upload.height)):
        if box[size] < LEAST_SIDE:
            raise InvalidError(f"A box is at least {LEAST_SIDE} px wide and high.", field=size)
        if box[start] < 0 or box[start] + box[size] > (most or 0):
            raise InvalidError(
                f"The box goes from {start} = {box[start]:g} to {box[start] + box[size]:g}, expected 0 to {most}.", field=start
            )


def delete_box(*, box: HandBox, by: User) -> None:
    """Remove a box; members only. Runs that looked inside it keep what they found."""
    require_role(user=by, team=box.upload.subject.team, role=Role.MEMBER)
    box.delete()


def boxes_for_run(upload: Upload) -> list[dict[str, Any]]:
    """The boxes of an upload as a new run keeps them, so that it stays the same whatever is drawn later."""
    fields = ("frame", "x", "y", "width", "height", "side")
    return [{"id": str(box.pk), **{name: getattr(box, name) for name in fields}} for box in upload.boxes.all()]
