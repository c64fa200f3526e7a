"""Scores of runs against the ground truth of their upload: asked for whenever both are there, whichever came last."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Q

from palmares.queue.models import Status
from palmares.queue.services import enqueue
from palmares.runs.models import Run, RunScore

FRAMES_FILE: Final = "frames.npz"
"""Values by frame, below a score's folder; `ml.metrics.run_scores.RunScores` lists its arrays."""
JOINTS: Final = ("wrist", *(f"{finger}{n}" for finger in ("thumb", "index", "middle", "ring", "pinky") for n in range(1, 5)))
"""As predictions and scores have them: `ml.hand.skeleton.JOINTS`; a test compares."""
AT_ONCE: Final = 500
"""Scores that are asked for in one go; the reaper asks for the others."""


def request_scores(*, upload_id: UUID | None = None) -> int:
    """Queue the scores that are missing, of one upload or of all; how many.

    Called when a run or a ground truth is finished, and by the reaper: what two workers that finish at once do not see of each
    other is found then.
    """
    ready = Run.objects.filter(
        prediction__isnull=False, score=None, upload__ground_truth__status=Status.SUCCEEDED, status=Status.SUCCEEDED
    ).exclude(upload__ground_truth__folder="")
    found = ready.filter(upload_id=upload_id) if upload_id else ready
    made = 0
    for run, truth in found.order_by("finished_at").values_list("pk", "upload__ground_truth")[:AT_ONCE]:
        try:
            with transaction.atomic():
                enqueue(item=RunScore(run_id=run, truth_id=truth))
        except IntegrityError:  # asked for by another at the same moment, or run or truth were deleted
            continue
        made += 1
    return made


def request_outdated_again(*, scorer: str) -> int:
    """Queue again what another version of the scorer has scored; how many."""
    outdated = RunScore.objects.filter(~Q(scorer=scorer), status=Status.SUCCEEDED)
    made = 0
    for pk in outdated.values_list("pk", flat=True)[:AT_ONCE]:
        with transaction.atomic():
            item = RunScore.objects.select_for_update(of=("self",)).filter(pk=pk, status=Status.SUCCEEDED).first()
            if item is not None and item.scorer != scorer:
                enqueue(item=item)
                made += 1
    return made
