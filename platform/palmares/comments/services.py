"""What people do with comments: write, change, resolve, delete. Whoever acts is `by`."""

from __future__ import annotations

from typing import Final

from django.db import transaction
from django.utils import timezone

from palmares.api.problems import ConflictError, ForbiddenError, InvalidError
from palmares.comments.models import Comment
from palmares.runs.models import Run
from palmares.runs.scores import JOINTS
from palmares.teams.models import Role, User
from palmares.teams.services import require_role, role_in
from palmares.uploads.models import Upload

MOST_COMMENTS: Final = 1000
"""Of an upload."""
LONGEST: Final = 2000


@transaction.atomic
def add_comment(
    *, upload: Upload, by: User, frame: int, text: str, run: Run | None = None, joint: int | None = None, side: str = ""
) -> Comment:
    """A comment on a frame of an upload; members only.

    Args:
        upload: which.
        by: who writes.
        frame: from 0.
        text: plain text.
        run: of the upload, whose method it is about.
        joint: 0 (wrist) to 20, of the hand of `side`.
        side: `left` or `right`; given with `joint`.

    Raises:
        InvalidError: there is no such frame, the run is another upload's, a joint without side, no text.
        ConflictError: the upload has too many comments.
    """
    require_role(user=by, team=upload.subject.team, role=Role.MEMBER)
    if not 0 <= frame < (upload.frame_count or 0):
        last = (upload.frame_count or 0) - 1
        there = f"it has frames 0 to {last}" if last >= 0 else "its frames are not known yet"
        raise InvalidError(f"“{upload}” has no frame {frame}; {there}.", field="frame")
    if run is not None and run.upload_id != upload.pk:
        raise InvalidError("The run is of another upload.", field="run")
    if joint is not None and not 0 <= joint < len(JOINTS):
        raise InvalidError(f"`joint` is a number from 0 (wrist) to {len(JOINTS) - 1}.", field="joint")
    if (joint is None) != (side == "") or side not in ("", *Comment.Side.values):
        raise InvalidError("A joint needs the `side` of its hand, `left` or `right`, and a side needs a joint.", field="side")
    Upload.objects.select_for_update(of=("self",), no_key=True).get(pk=upload.pk)
    if upload.comments.count() >= MOST_COMMENTS:
        raise ConflictError(f"“{upload}” has {MOST_COMMENTS} comments, the maximum; delete some first.")
    method = "" if run is None else run.title
    return Comment.objects.create(
        upload=upload, frame=frame, run=run, method=method[:80], joint=joint, side=side, text=_text(text), created_by=by
    )


def change_comment(*, comment: Comment, by: User, text: str | None = None, is_resolved: bool | None = None) -> Comment:
    """Resolve a comment or open it again: members. Change its text: who wrote it.

    Raises:
        ForbiddenError: somebody else wrote it.
        InvalidError: no text.
    """
    require_role(user=by, team=comment.upload.subject.team, role=Role.MEMBER)
    if text is not None:
        if comment.created_by_id != by.pk:
            raise ForbiddenError("Only who wrote a comment changes its text; resolve it, or answer with another one.")
        comment.text = _text(text)
    if is_resolved is not None and is_resolved != (comment.resolved_at is not None):
        comment.resolved_at, comment.resolved_by = (timezone.now(), by) if is_resolved else (None, None)
    comment.save(update_fields=["text", "resolved_at", "resolved_by"])
    return comment


def delete_comment(*, comment: Comment, by: User) -> None:
    """Remove a comment: who wrote it, and owners of the team.

    Raises:
        ForbiddenError: neither.
    """
    team = comment.upload.subject.team
    require_role(user=by, team=team, role=Role.MEMBER)
    if comment.created_by_id != by.pk and role_in(user=by, team=team) != Role.OWNER:
        raise ForbiddenError("Only who wrote a comment and owners of the team delete it; others resolve it.")
    comment.delete()


def _text(text: str) -> str:
    cleaned = text.replace("\x00", "").strip()
    if not cleaned or len(cleaned) > LONGEST:
        raise InvalidError(f"A comment has 1 to {LONGEST} characters, not {len(cleaned)}.", field="text")
    return cleaned
