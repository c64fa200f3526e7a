"""Files that say which leases the processes of this machine hold."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from palmares.queue import services
from palmares.queue.models import Status
from palmares.runs.models import Run
from tests.factories import RunFactory
from workers.lease_files import lease_file, release_lost
from workers.storage import scratch_folder

pytestmark = pytest.mark.django_db


@pytest.fixture
def claimed(media_root) -> Run:
    """A run that a worker holds for an hour."""
    item = services.claim(model=Run, pk=RunFactory(status=Status.QUEUED).pk, seconds=3600)
    assert item is not None
    return item


@pytest.fixture
def folder(settings) -> Path:
    return Path(settings.FILE_UPLOAD_TEMP_DIR) / "leases"


def leave_file(item: Run, folder: Path) -> Path:
    """The file as a process leaves it that is killed."""
    with lease_file(item):
        (path,) = folder.iterdir()
    path.touch()
    return path


def status_of(item: Run) -> str:
    return Run.objects.values_list("status", flat=True).get(pk=item.pk)


def test_a_row_of_a_running_worker_is_not_released(claimed, folder):
    with lease_file(claimed):
        assert release_lost() == 0
        assert len(list(folder.iterdir())) == 1
    assert status_of(claimed) == Status.RUNNING
    assert not list(folder.iterdir())


def test_the_row_of_a_killed_worker_is_queued_again_at_once(claimed, folder):
    leave_file(claimed, folder)
    assert release_lost() == 1
    assert status_of(claimed) == Status.QUEUED
    assert not list(folder.iterdir())


def test_a_row_that_has_ended_since_stays_as_it_is(claimed, folder):
    leave_file(claimed, folder)
    services.succeed(item=claimed, publish=lambda: None)
    assert release_lost() == 0
    assert status_of(claimed) == Status.SUCCEEDED
    assert not list(folder.iterdir())


def leave_scratch(item: Run) -> Path:
    """The temporary folder as a process leaves it that is killed: with its copy of a video."""
    with scratch_folder(item) as scratch:
        pass
    scratch.mkdir()
    (scratch / "source.mp4").write_bytes(b"a copy")
    return scratch


def test_the_copy_of_a_killed_worker_does_not_outlive_its_upload(claimed, folder):
    leave_file(claimed, folder)
    scratch = leave_scratch(claimed)
    Run.objects.all().delete()
    assert release_lost() == 0
    assert not scratch.exists()


def test_the_copy_of_a_worker_that_lives_stays(claimed, folder):
    with lease_file(claimed):
        scratch = leave_scratch(claimed)
        release_lost()
        assert (scratch / "source.mp4").exists()


def test_a_temporary_copy_without_a_lease_file_is_removed_after_a_day(claimed, folder):
    scratch = leave_scratch(claimed)
    release_lost()
    assert scratch.exists()
    days_ago = time.time() - 2 * 24 * 3600
    os.utime(scratch, (days_ago, days_ago))
    release_lost()
    assert not scratch.exists()


def test_files_of_other_machines_are_left_alone_until_they_are_old(claimed, folder):
    path = leave_file(claimed, folder)
    other = path.rename(folder / f"other-machine_{path.name.split('_', 1)[1]}")
    assert release_lost() == 0
    assert other.exists()
    days_ago = time.time() - 2 * 24 * 3600
    os.utime(other, (days_ago, days_ago))
    assert release_lost() == 0
    assert not other.exists()
    assert status_of(claimed) == Status.RUNNING


def test_work_goes_on_where_no_file_can_be_written(claimed, folder):
    folder.write_text("a file where the folder would be")
    with lease_file(claimed):
        assert status_of(claimed) == Status.RUNNING
