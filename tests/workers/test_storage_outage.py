"""Work that meets an object storage which is away for a while: it waits, without using up its attempts."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils import timezone

from palmares.queue import services
from palmares.queue.event_hub import state_of
from palmares.queue.models import Status
from palmares.queue.postponement import LONGEST_PAUSE, PATIENCE, SHORTEST_PAUSE, put_off
from palmares.runs.models import Run
from palmares.runs.services import start_run
from palmares.uploads.models import Upload
from tests.object_storage import Bucket, bucket, s3_server, unreliable  # noqa: F401 - fixtures
from tests.seen import seen_hand
from tests.unreliable_server import UnreliableServer
from workers.attempt import attempt
from workers.ingest import Ingestion
from workers.run_method import Estimation

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def upload(upload_with, media_root, request) -> Upload:
    """One with a hand, in the bucket."""
    made: Upload = upload_with(seen_hand(0, "right"))
    files = [path for path in media_root.rglob("*") if path.is_file()]
    request.getfixturevalue("unreliable")
    for path in files:
        default_storage.save(str(path.relative_to(media_root)), ContentFile(path.read_bytes()))
    return made


@pytest.fixture
def run(upload: Upload) -> Run:
    return start_run(upload=upload, method="mediapipe-ik", by=None)


def estimate(run: Run) -> None:
    attempt(Run, str(run.pk), Estimation)
    run.refresh_from_db()


def let_time_pass(run: Run, time: timedelta) -> None:
    for field in ("not_before", "postponed_since"):
        Run.objects.filter(pk=run.pk).update(**{field: getattr(run, field) - time})
    run.refresh_from_db()


@pytest.mark.parametrize("fault", ["busy", "unreachable", "cut off", "read-only"])
def test_a_run_waits_and_succeeds_when_the_storage_is_back(run, bucket: Bucket, unreliable: UnreliableServer, fault):  # noqa: F811
    unreliable.fault = fault
    for tried in range(1, Run.MAX_ATTEMPTS + 2):
        estimate(run)
        assert (run.status, run.attempts, run.error) == (Status.QUEUED, 0, "")
        assert unreliable.refused >= tried
        let_time_pass(run, LONGEST_PAUSE)
    unreliable.fault = "none"
    estimate(run)
    assert (run.status, run.attempts, run.error) == (Status.SUCCEEDED, 1, "")
    assert run.prediction is not None
    assert {key.rpartition("/track")[0] or key.rpartition("/")[0] for key in bucket.keys(f"runs/{run.pk}")} == {
        run.prediction.folder
    }


def test_a_paused_run_is_not_claimed_by_any_worker(run, unreliable):  # noqa: F811
    unreliable.fault = "unreachable"
    estimate(run)
    refused = unreliable.refused
    assert services.claim(model=Run, pk=run.pk, seconds=30) is None
    assert services.claim_next(queue="cpu", seconds=30) is None
    estimate(run)
    assert unreliable.refused == refused, "it was tried again during the pause"
    let_time_pass(run, SHORTEST_PAUSE)
    estimate(run)
    assert unreliable.refused > refused


def test_the_pause_grows_to_half_of_the_time_waited():
    row, now = Run(attempts=1), timezone.now()
    pauses = []
    for waited in (0, 4, 20, 60, 600, 3600):
        put_off(row, now + timedelta(seconds=waited))
        pauses.append((row.not_before - now).total_seconds() - waited)
        assert row.postponed_since == now
    assert pauses == [5, 5, 10, 30, 300, 300]


def test_pages_say_what_it_waits_for(run, unreliable):  # noqa: F811
    unreliable.fault = "busy"
    estimate(run)
    state = state_of(run)
    assert (state["status"], state["stage"], state["place"], state["error"]) == (
        "queued", "Waiting for the file storage", None, "",
    )  # fmt: skip
    let_time_pass(run, LONGEST_PAUSE)
    assert state_of(run)["place"] == 1


def test_after_hours_it_fails_and_says_since_when(run, unreliable):  # noqa: F811
    unreliable.fault = "unreachable"
    estimate(run)
    since = run.postponed_since - PATIENCE
    let_time_pass(run, PATIENCE)
    for _ in range(Run.MAX_ATTEMPTS):
        assert run.status == Status.QUEUED
        estimate(run)
        if run.status == Status.QUEUED:
            Run.objects.filter(pk=run.pk).update(not_before=None)
    assert run.status == Status.FAILED
    assert run.error == (
        f"The file storage did not answer when this was tried on {since:%-d %B %Y at %H:%M} UTC and whenever it was tried "
        "again. Retry it later."
    )
    unreliable.fault = "none"
    services.retry(item=run)
    estimate(run)
    assert (run.status, run.attempts, run.postponed_since) == (Status.SUCCEEDED, 1, None)


def test_it_can_be_cancelled_while_it_waits(run, unreliable):  # noqa: F811
    unreliable.fault = "busy"
    estimate(run)
    services.cancel(item=run)
    assert run.status == Status.CANCELLED


def test_an_upload_waits_for_the_storage_too(upload, unreliable, media_root):  # noqa: F811
    """Its file is in the bucket as it came."""
    source = f"uploads/{upload.pk}/source.mp4"
    default_storage.save(source, ContentFile((media_root / upload.folder / "web.mp4").read_bytes()))
    upload.source, upload.folder = source, ""
    services.enqueue(item=upload)
    unreliable.fault = "busy"
    attempt(Upload, str(upload.pk), Ingestion)
    upload.refresh_from_db()
    assert (upload.status, upload.attempts, upload.stage) == (Status.QUEUED, 0, "Waiting for the file storage")
    unreliable.fault = "none"
    Upload.objects.filter(pk=upload.pk).update(not_before=None)
    attempt(Upload, str(upload.pk), Ingestion)
    upload.refresh_from_db()
    assert (upload.status, upload.attempts) == (Status.SUCCEEDED, 1), upload.error
