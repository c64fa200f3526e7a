"""Submissions large enough to be scored by several processes, through a real Celery worker and its process pool."""

from __future__ import annotations

import psutil
import pytest
from django.core.files.base import ContentFile

from palmares.benchmarks import services
from palmares.queue.models import Status
from palmares.submissions import services as submissions
from tests.predictions import hands, moved, npz
from tests.workers.conftest import wait_for

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(180)]

ENDED = (Status.SUCCEEDED, Status.FAILED)


def has_ended(item) -> bool:
    item.refresh_from_db()
    return item.status in ENDED


@pytest.mark.parametrize("rows", [5_000, 20_137], ids=["5000", "as many as HO3D v3"])
def test_a_large_submission_is_scored(start_worker, team, owner, member, media_root, rows):
    worker = start_worker()
    truth_hands = hands(rows)
    benchmark = services.create_benchmark(team=team, by=owner, slug="large", name="Large", protocol="palmares")
    truth = services.add_truth(benchmark=benchmark, by=owner, file=ContentFile(npz(truth_hands), name="truth.npz"))
    wait_for("the truth is imported", lambda: has_ended(truth))
    assert truth.status == Status.SUCCEEDED, truth.error
    submission = submissions.submit(
        benchmark=benchmark,
        by=member,
        file=ContentFile(npz(moved(truth_hands, 10)), name="pred.npz"),
        method="m",
        sha256="0" * 64,
    )
    wait_for("the submission is scored", lambda: has_ended(submission))
    assert submission.status == Status.SUCCEEDED, submission.error
    score = submission.scores.get()
    assert score.content["counts"]["rows"] == rows
    assert score.metrics["mpjpe"] == pytest.approx(10, abs=1e-3)
    (child,) = psutil.Process(worker.process.pid).children()
    assert not [p for p in child.children() if "multiprocessing.spawn" in " ".join(p.cmdline())], "the pool outlived its job"
