"""How fast pages are with 1 000 uploads and 5 000 runs in the database, and a board with 2 000 submissions."""

from __future__ import annotations

import gc
import time
from pathlib import Path
from typing import Any

import numpy as np

from tests.bench.django_database import django_database

PAGES = {"home": "/", "subjects": "/subjects/", "uploads": "/uploads/", "found uploads": "/uploads/?q=clip+42&sort=-runs"}
REQUESTS = 60


def rows() -> list[tuple[str, str, str]]:
    """(what, measured, target)."""
    with django_database():
        return _measured()


def _measured() -> list[tuple[str, str, str]]:
    from django.test import Client  # noqa: PLC0415

    from tests.factories import MembershipFactory, RunFactory, SubjectFactory, UploadFactory  # noqa: PLC0415

    member = MembershipFactory(role="owner")
    subjects = SubjectFactory.create_batch(20, team=member.team)
    uploads = [UploadFactory(subject=subjects[n % 20]) for n in range(1000)]
    for n in range(5000):
        RunFactory(upload=uploads[n % 1000], status="succeeded" if n % 50 else "queued")
    addresses = PAGES | {"one upload": f"/uploads/{uploads[0].pk}/", "one subject": f"/subjects/{subjects[0].pk}/"}
    addresses["board of 2000"] = _board(member.team)
    # the rows were made in this process; the web's would not hold them, and not look through them for garbage
    gc.collect()
    gc.freeze()
    client = Client()
    client.force_login(member.user)
    found = []
    for name, address in addresses.items():
        target = "< 150 ms" if "board" in name else "< 100 ms"
        found.append((f"page “{name}”, 1000 uploads, 5000 runs: p95", f"{p95(client, address):.0f} ms", target))
    return found


def p95(client: Any, address: str) -> float:
    """Milliseconds in which 95% of requests by a client of Django are answered."""
    client.get(address)
    times = []
    for _ in range(REQUESTS):
        began = time.perf_counter()
        assert client.get(address).status_code == 200
        times.append(1000 * (time.perf_counter() - began))
    return float(np.percentile(times, 95))


def _board(team: object) -> str:
    """The address of a benchmark with two thousand scored submissions, thirty figures each."""
    from django.utils import timezone  # noqa: PLC0415

    from ml.catalog import METRICS  # noqa: PLC0415
    from palmares.benchmarks.models import Benchmark, Board, Revision, Truth  # noqa: PLC0415
    from palmares.submissions.models import MetricValue, Score, Scoring, Submission  # noqa: PLC0415

    benchmark = Benchmark.objects.create(team=team, slug="bench", name="Bench", protocol="palmares")
    board = Board.objects.create(benchmark=benchmark, slug="all", name="All")
    now, names = timezone.now(), list(METRICS)[:30]
    truth = Truth.objects.create(benchmark=benchmark, version=1, status="succeeded")
    revision = Revision.objects.create(benchmark=benchmark, number=1, truth=truth, missing=benchmark.missing, published_at=now)
    submissions = Submission.objects.bulk_create(
        Submission(benchmark=benchmark, team=team, method=f"m{n}", name="p.zip") for n in range(2000)
    )
    Scoring.objects.bulk_create(Scoring(submission=s, revision=revision, status="succeeded") for s in submissions)
    rng = np.random.default_rng(0)
    figures = dict.fromkeys(names, 1.0)
    scores = Score.objects.bulk_create(
        Score(submission=s, revision=revision, coverage=1.0, report={}, metrics=figures, folder="x") for s in submissions
    )
    MetricValue.objects.bulk_create(
        (
            MetricValue(score=s, board=board, metric=m, value=v, low=v, high=v, coverage=1.0, is_ranked=True)
            for s in scores
            for m, v in zip(names, rng.uniform(5, 50, len(names)).tolist(), strict=True)
        ),
        batch_size=5000,
    )
    _compare(revision, board, scores, names[:6])
    return "/benchmarks/bench/"


def _compare(revision: Any, board: Any, scores: list[Any], names: list[str]) -> None:
    """Compare them as a worker does, over twenty sequences."""
    from palmares.submissions.models import ClusterMeans, RankComparison  # noqa: PLC0415
    from workers.compare_ranks import RankComparing  # noqa: PLC0415

    rng = np.random.default_rng(1)
    counts = np.full((len(names), 20), 100, "<i4").tobytes()
    ClusterMeans.objects.bulk_create(
        ClusterMeans(
            score=score, board=board, metrics=names, counts=counts,
            means=(rng.uniform(5, 50) + rng.normal(0, 3, (len(names), 20))).astype("<f4").tobytes(),
        )
        for score in scores
    )  # fmt: skip
    comparison = RankComparison.objects.create(revision=revision)
    RankComparing().perform(comparison, Path(), lambda stage, fraction: None)()
