"""Scoring again by real workers: truths are replaced, submissions and benchmarks deleted, workers killed on the way."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.base import ContentFile

from palmares.benchmarks import revisions, services
from palmares.benchmarks.models import Benchmark, Revision
from palmares.queue.models import OPEN_STATUSES, Status
from palmares.submissions import services as submissions
from palmares.submissions.models import Score, Scoring, Submission
from tests.predictions import hands, moved, zipped
from tests.workers.conftest import wait_for

pytestmark = pytest.mark.timeout(400)
FRAMES = 600
SEVERAL = 12
"""Submissions that take a worker longer than it takes to see that it has begun."""
TRUTH = {"a": hands(FRAMES, seed=1)}


def truth_file(millimetres: float = 0.0) -> ContentFile:
    return ContentFile(zipped(a=moved(TRUTH["a"], millimetres)), name="truth.zip")


@pytest.fixture
def ours(transactional_db, owner, team, media_root) -> Benchmark:
    made = services.create_benchmark(
        team=team, by=owner, slug="ours", name="Ours", protocol="palmares", missing="penalised", penalty_mm=50.0, daily_limit=50
    )
    services.add_truth(benchmark=made, by=owner, file=truth_file())
    return made


@pytest.fixture
def four(start_worker, ours, member) -> list[Submission]:
    """Scored by a worker that still runs."""
    start_worker()
    wait_for("the truth is imported", lambda: ours.truths.get().status == Status.SUCCEEDED)
    made = [submit(ours, member, 4.0 + n) for n in range(4)]
    wait_for("all are scored", lambda: Score.objects.count() == 4)
    return made


def submit(ours: Benchmark, member: Any, millimetres: float) -> Submission:
    content = ContentFile(zipped(a=moved(TRUTH["a"], millimetres)), name="pred.zip")
    return submissions.submit(benchmark=ours, by=member, file=content, method=f"{millimetres:g} mm", sha256="0" * 64)


def is_at_rest(ours: Benchmark) -> bool:
    return not Scoring.objects.filter(revision__benchmark=ours, status__in=OPEN_STATUSES).exists()


def newest(ours: Benchmark) -> Revision:
    return ours.revisions.order_by("-number")[0]


def assert_whole(ours: Benchmark, media_root: Any, live: list[Submission]) -> None:
    """Each live submission has one score under the newest revision, and only the folders that scores name are left."""
    found = Score.objects.filter(revision=newest(ours)).values_list("submission_id", flat=True)
    assert sorted(found) == sorted(submission.pk for submission in live)
    folders = {str(path.parent.relative_to(media_root)) for path in (media_root / "submissions").glob("*/scoring-*/*/*")}
    assert folders == set(Score.objects.values_list("folder", flat=True))


def test_submissions_sent_while_the_truth_is_replaced_are_scored_under_both_revisions(four, ours, owner, member, media_root):
    revisions.score_again(benchmark=ours, by=owner)
    late = submit(ours, member, 9.0)
    services.add_truth(benchmark=ours, by=owner, file=truth_file(3.0))
    later = submit(ours, member, 10.0)
    wait_for("the new truth is imported", lambda: newest(ours).truth.status == Status.SUCCEEDED)
    wait_for("all is scored", lambda: is_at_rest(ours))
    live = [*four, late, later]
    assert revisions.shown_revision(ours).number == 1
    assert Score.objects.filter(revision__number=1).count() == len(live)
    revisions.publish_revision(revision=newest(ours), by=owner)
    assert revisions.shown_revision(ours).number == 3
    assert_whole(ours, media_root, live)
    values = Score.objects.filter(revision__number=3).values_list("submission__method", "metrics__mpjpe")
    assert dict(values) == pytest.approx({f"{n:g} mm": n - 3.0 for n in (4.0, 5.0, 6.0, 7.0, 9.0, 10.0)}, abs=0.01)


def test_submissions_deleted_during_scoring_leave_no_files(four, ours, owner, member, media_root):
    revisions.score_again(benchmark=ours, by=owner)
    for submission in four[1:3]:
        submissions.delete_submission(submission=submission, by=member)
    wait_for("all is scored", lambda: is_at_rest(ours))
    wait_for("their files are gone", lambda: not any((media_root / f"submissions/{s.pk}").exists() for s in four[1:3]))
    assert_whole(ours, media_root, [four[0], four[3]])


def test_a_benchmark_deleted_during_scoring_leaves_no_files(four, ours, owner, media_root, tmp_path):
    revisions.score_again(benchmark=ours, by=owner)
    wait_for("a worker is at it", lambda: Scoring.objects.filter(revision__number=2).exclude(status=Status.QUEUED).exists())
    services.delete_benchmark(benchmark=ours, by=owner)
    wait_for("the files are gone", lambda: not list((media_root / "submissions").glob("*/*")))
    assert not Scoring.objects.exists()
    assert "Traceback" not in (tmp_path / "worker.log").read_text()


@pytest.mark.parametrize("whole", [True, False], ids=["worker", "child"])
def test_all_submissions_are_scored_although_a_worker_is_killed(start_worker, ours, owner, member, media_root, whole):
    worker = start_worker()
    wait_for("the truth is imported", lambda: ours.truths.get().status == Status.SUCCEEDED)
    made = [submit(ours, member, 4.0 + n / 2) for n in range(SEVERAL)]
    wait_for("all are scored", lambda: Score.objects.count() == SEVERAL)
    revision = revisions.score_again(benchmark=ours, by=owner)
    wait_for("scoring has begun", lambda: revision.scorings.exclude(status=Status.QUEUED).exists())
    if whole:
        worker.kill()
        start_worker()
    else:
        worker.kill_children()
    wait_for("all is scored", lambda: is_at_rest(ours))
    assert not Scoring.objects.exclude(status=Status.SUCCEEDED).exists()
    assert_whole(ours, media_root, made)
