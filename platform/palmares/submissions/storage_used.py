"""How many bytes the files of a team take, in this app and in those below it."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet, Sum
from django.dispatch import receiver

from palmares.benchmarks.models import Truth
from palmares.queue.models import Status
from palmares.runs.models import Prediction, Run
from palmares.submissions.models import Submission
from palmares.teams.models import Team
from palmares.teams.storage_quota import counting_bytes
from palmares.uploads.models import GroundTruth, Upload


@receiver(counting_bytes)
def _count_bytes(team: Team, **_: Any) -> int:
    """Files as they came, uploads also as they were announced; those that were refused are deleted and count nothing."""
    is_gone = {"source": "", "status__in": (Status.FAILED, Status.CANCELLED)}
    stored: tuple[QuerySet[Any], ...] = (
        Upload.objects.filter(subject__team=team).exclude(**is_gone),
        Prediction.objects.filter(run__upload__subject__team=team),
        GroundTruth.objects.filter(upload__subject__team=team),
        Truth.objects.filter(benchmark__team=team),
        Submission.objects.not_deleted().filter(team=team),
    )
    sent = Run.objects.filter(upload__subject__team=team).aggregate(total=Sum("source_bytes"))["total"] or 0
    return sent + sum(rows.aggregate(total=Sum("size_bytes"))["total"] or 0 for rows in stored)
