"""The states of a unit of work, and who may change them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from palmares.api.problems import ConflictError
from palmares.queue import notifications, services, waiting_times
from palmares.queue.exceptions import CancelledError, LeaseLostError
from palmares.queue.fairness import place_in_queue
from palmares.queue.models import Status
from palmares.runs.models import Run
from palmares.uploads.models import Upload
from tests.factories import RunFactory, UploadFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def run() -> Run:
    return RunFactory(status=Status.QUEUED)


def claim(run: Run, seconds: float = 30) -> Run:
    item = services.claim(model=Run, pk=run.pk, seconds=seconds)
    assert item is not None
    return item


def expire(run: Run) -> None:
    Run.objects.filter(pk=run.pk).update(lease_expires_at=timezone.now() - timedelta(seconds=1))


def test_a_run_goes_from_queued_over_running_to_succeeded(run):
    item = claim(run)
    assert (item.status, item.attempts) == (Status.RUNNING, 1)
    services.heartbeat(item=item, stage="Fitting", progress=0.5, seconds=30)
    run.refresh_from_db()
    assert (run.stage, run.progress) == ("Fitting", 0.5)
    services.succeed(item=item, publish=lambda: Run.objects.filter(pk=run.pk).update(method_version="published"))
    run.refresh_from_db()
    assert (run.status, run.progress, run.lease, run.method_version) == (Status.SUCCEEDED, 1.0, None, "published")
    assert run.finished_at is not None


def test_two_workers_never_hold_one_row(run):
    claim(run)
    assert services.claim(model=Run, pk=run.pk, seconds=30) is None


def test_after_a_lease_expires_the_next_worker_takes_the_row_and_the_first_cannot_write(run):
    first = claim(run)
    expire(run)
    second = claim(run)
    assert second.attempts == 2
    published = []
    for write in (
        lambda: services.heartbeat(item=first, stage="", progress=0.1, seconds=30),
        lambda: services.succeed(item=first, publish=lambda: published.append(1)),
        lambda: services.fail(item=first, error="late"),
        lambda: services.release(item=first, reason="late"),
        lambda: services.stop(item=first),
    ):
        with pytest.raises(LeaseLostError):
            write()
    assert not published
    services.succeed(item=second, publish=lambda: None)


def test_a_publication_that_fails_changes_nothing(run):
    item = claim(run)

    def publish() -> None:
        Run.objects.filter(pk=run.pk).update(method_version="half")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        services.succeed(item=item, publish=publish)
    run.refresh_from_db()
    assert (run.status, run.method_version) == (Status.RUNNING, "1")


def test_cancel_while_queued_is_at_once(run):
    services.cancel(item=run)
    assert run.status == Status.CANCELLED
    assert services.claim(model=Run, pk=run.pk, seconds=30) is None


def test_cancelling_a_running_run_stops_its_worker(run):
    item = claim(run)
    services.cancel(item=run)
    assert run.status == Status.RUNNING
    with pytest.raises(CancelledError):
        services.heartbeat(item=item, stage="", progress=0.2, seconds=30)
    with pytest.raises(CancelledError):
        services.succeed(item=item, publish=lambda: pytest.fail("published"))
    services.stop(item=item)
    run.refresh_from_db()
    assert run.status == Status.CANCELLED


@pytest.mark.parametrize("status", [Status.SUCCEEDED, Status.FAILED, Status.CANCELLED])
def test_cancel_of_what_is_over_is_refused(status):
    with pytest.raises(ConflictError, match=status):
        services.cancel(item=RunFactory(status=status))


def test_retry_begins_with_a_clean_record():
    run = RunFactory(status=Status.FAILED, error="no", attempts=3, progress=0.4, stage="Fitting")
    services.retry(item=run)
    run.refresh_from_db()
    assert (run.status, run.error, run.attempts, run.progress, run.stage) == (Status.QUEUED, "", 0, 0.0, "")


@pytest.mark.parametrize("status", [Status.QUEUED, Status.RUNNING, Status.SUCCEEDED])
def test_retry_of_what_did_not_fail_is_refused(status):
    with pytest.raises(ConflictError, match=status):
        services.retry(item=RunFactory(status=status))


def test_retry_of_a_run_on_a_failed_upload_is_refused():
    run = RunFactory(status=Status.FAILED, upload=UploadFactory(status=Status.FAILED))
    with pytest.raises(ConflictError, match="retry that first"):
        services.retry(item=run)


def test_a_lost_worker_is_tried_again_a_bounded_number_of_times(run):
    for attempt in range(1, Run.MAX_ATTEMPTS + 1):
        item = claim(run)
        assert item.attempts == attempt
        services.heartbeat(item=item, stage="Fitting", progress=0.5, seconds=30)
        expire(run)
        assert services.reap().lost == 1
        run.refresh_from_db()
    assert run.status == Status.FAILED
    assert run.error.startswith("The worker disappeared 3 times while at it (last at “Fitting”, 50%)")


def test_a_lost_worker_whose_work_was_cancelled_ends_cancelled(run):
    claim(run)
    services.cancel(item=run)
    expire(run)
    services.reap()
    run.refresh_from_db()
    assert run.status == Status.CANCELLED


def test_released_work_is_queued_again_and_fails_with_the_reason_after_the_last_attempt(run):
    services.release(item=claim(run), reason="told to go", counts=False)
    run.refresh_from_db()
    assert (run.status, run.attempts) == (Status.QUEUED, 0)
    for _ in range(Run.MAX_ATTEMPTS):
        services.release(item=claim(run), reason="The disk is full.")
    run.refresh_from_db()
    assert (run.status, run.error) == (Status.FAILED, "The disk is full.")


def test_a_run_waits_for_its_upload():
    upload = UploadFactory(status=Status.QUEUED)
    run = RunFactory(status=Status.QUEUED, upload=upload)
    assert services.claim(model=Run, pk=run.pk, seconds=30) is None
    assert not services.notify(item=run)
    item = services.claim(model=Upload, pk=upload.pk, seconds=30)
    services.succeed(item=item, publish=lambda: None)
    assert services.claim(model=Run, pk=run.pk, seconds=30) is not None


def test_a_run_fails_with_its_upload():
    upload = UploadFactory(status=Status.QUEUED, name="clip.mp4")
    run = RunFactory(status=Status.QUEUED, upload=upload)
    item = services.claim(model=Upload, pk=upload.pk, seconds=30)
    services.fail(item=item, error="It has no frames.")
    run.refresh_from_db()
    assert (run.status, run.error) == (Status.FAILED, "It could not start: “clip.mp4” failed. It has no frames.")


def test_the_reaper_fails_a_queued_run_whose_upload_failed():
    run = RunFactory(status=Status.QUEUED, upload=UploadFactory(status=Status.CANCELLED, name="clip.mp4"))
    services.reap()
    run.refresh_from_db()
    assert (run.status, run.error) == (Status.FAILED, "It could not start: “clip.mp4” was cancelled.")


def test_an_upload_that_is_not_yet_received_cannot_be_claimed():
    upload = UploadFactory(status=Status.QUEUED, received_at=None)
    assert services.claim(model=Upload, pk=upload.pk, seconds=30) is None
    assert waiting_times.oldest_queued_seconds() == 0.0


def test_places_are_counted_over_all_kinds_of_work():
    upload = UploadFactory(status=Status.QUEUED)
    ready = UploadFactory()
    runs = [RunFactory(status=Status.QUEUED, upload=ready) for _ in range(2)]
    waiting = RunFactory(status=Status.QUEUED, upload=upload)
    assert [place_in_queue(item=item) for item in (upload, *runs)] == [1, 2, 3]
    assert place_in_queue(item=waiting) == 4
    assert place_in_queue(item=ready) is None
    assert waiting_times.oldest_queued_seconds() > 0


def test_time_left_is_estimated_from_progress():
    now = timezone.now()
    run = RunFactory(status=Status.RUNNING, started_at=now - timedelta(seconds=10), progress=0.25)
    assert waiting_times.seconds_left(item=run, now=now) == pytest.approx(30)
    run.progress = 0.0
    assert waiting_times.seconds_left(item=run, now=now) is None


def test_workers_are_notified_after_the_commit_only(django_capture_on_commit_callbacks, monkeypatch):
    rung = []
    monkeypatch.setattr(services, "notify_workers", lambda **message: rung.append(message) or True)
    run = Run(upload=UploadFactory(), method="2d-fit", method_version="1")
    with django_capture_on_commit_callbacks(execute=True), transaction.atomic():
        services.enqueue(item=run)
        assert not rung
    assert rung == [{"task": "workers.run_method", "queue": "cpu", "pk": run.pk}]
    run.refresh_from_db()
    assert run.notified_at is not None


def test_work_is_accepted_while_the_broker_is_away(settings, django_capture_on_commit_callbacks):
    settings.REDIS_URL = settings.CELERY_BROKER_URL = "redis://127.0.0.1:1/0"
    notifications.broker.cache_clear()
    notifications._producer.cache_clear()
    try:
        run = Run(upload=UploadFactory(), method="2d-fit", method_version="1")
        with django_capture_on_commit_callbacks(execute=True):
            services.enqueue(item=run)
        run.refresh_from_db()
        assert (run.status, run.notified_at) == (Status.QUEUED, None)
        assert services.reap().notified == 0
    finally:
        notifications.broker.cache_clear()
        notifications._producer.cache_clear()
