"""The part of a worker that scores, in the test's own process."""

from __future__ import annotations

from palmares.queue.models import Status
from palmares.submissions.models import Scoring
from workers.attempt import attempt
from workers.scoring_work import ScoringWork


def score_waiting() -> int:
    """Score everything that can be scored now, oldest first; how many scorings that were."""
    waiting = (
        Scoring.objects.filter(Scoring.startable(), status=Status.QUEUED).order_by("queued_at").values_list("pk", flat=True)
    )
    keys = list(dict.fromkeys(waiting))
    for pk in keys:
        attempt(Scoring, str(pk), ScoringWork)
    return len(keys)
