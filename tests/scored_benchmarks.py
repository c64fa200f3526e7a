"""A benchmark with a truth on disk, and submissions with scores as a worker would have written them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils import timezone

from palmares.benchmarks.models import Benchmark, Board, Revision, Truth
from palmares.queue.models import Status
from palmares.submissions.models import MetricValue, Score, Scoring, Submission
from tests.predictions import hands, npz

SEQUENCES = {"one": hands(6, seed=1), "two": hands(4, seed=2)}


@pytest.fixture
def contest(team) -> Benchmark:
    """A benchmark of our team that other teams cannot see."""
    made = Benchmark.objects.create(team=team, slug="contest-of-ours", name="Ours", protocol="palmares", daily_limit=3)
    board = Board.objects.create(benchmark=made, slug="all", name="All")
    truth = Truth.objects.create(benchmark=made, version=1, status=Status.SUCCEEDED, sha256="5" * 64, rows=10)
    truth.folder = f"benchmarks/{made.pk}/truths/{truth.pk}/1"
    truth.sequences = [{"name": name, "rows": len(s), "upload": None} for name, s in SEQUENCES.items()]
    truth.save()
    for name, sequence in SEQUENCES.items():
        default_storage.save(f"{truth.folder}/{name}.npz", ContentFile(npz(sequence)))
    Revision.objects.create(
        benchmark=made, number=1, truth=truth, missing=made.missing, published_at=timezone.now(), recipe_version=1,
        scorer_version=1,
    )  # fmt: skip
    assert board.benchmark == made
    return made


@pytest.fixture
def scored(contest, team) -> Callable[..., Submission]:
    """A submission with a score; figures by metric, the same on every board."""

    def make(method: str = "m", by_team: Any = None, ranked: bool = True, **facts: Any) -> Submission:
        figures = facts.pop("figures", {"pa_mpjpe": 10.0, "ra_mpjpe": 20.0, "pa_auc_joints": 0.8})
        made = Submission.objects.create(benchmark=contest, team=by_team or team, method=method, name="pred.zip", **facts)
        made.source = default_storage.save(f"submissions/{made.pk}/source.zip", ContentFile(b"what they sent"))
        made.save()
        revision, now = contest.revisions.get(number=1), timezone.now()
        Scoring.objects.create(
            submission=made, revision=revision, status=Status.SUCCEEDED, progress=1.0, started_at=now, finished_at=now
        )
        score = Score.objects.create(
            submission=made, revision=revision, coverage=1.0, report={}, metrics=figures,
            content={"counts": {"rows": 10}}, folder=f"submissions/{made.pk}/scores-1",
        )  # fmt: skip
        for board in contest.boards.all():
            for metric, value in figures.items():
                MetricValue.objects.create(
                    score=score, board=board, metric=metric, value=value, low=value - 1, high=value + 1,
                    coverage=1.0, is_ranked=ranked,
                )  # fmt: skip
        return made

    return make
