"""A small upload that is ready, and real worker processes on the test's database, storage and own Redis."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import psutil
import pytest
import redis
from django.db import connection

from ml.clip.encode import web_video
from ml.keypoints.tracks import Keypoints
from palmares.local import embedded_servers as embedded
from palmares.queue import notifications, services
from palmares.runs.models import Run
from palmares.uploads.models import Upload
from tests.factories import UploadFactory
from tests.seen import upload_with  # noqa: F401 - a fixture
from tests.workers.forked_worker import start_worker as start_forked

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 150.0


@pytest.fixture
def own_redis(settings, tmp_path: Path) -> Iterator[redis.Redis]:
    """A Redis that only this test uses and may kill: it is restarted automatically."""
    data = tmp_path / "servers"
    settings.REDIS_URL = settings.CELERY_BROKER_URL = embedded.redis_url(data)
    notifications.broker.cache_clear()
    notifications._producer.cache_clear()
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        yield client
    embedded.release(data)
    notifications.broker.cache_clear()
    notifications._producer.cache_clear()


@pytest.fixture
def ready_upload(transactional_db, media_root: Path) -> Upload:
    """Twelve grey frames in which no hands were found."""
    upload = UploadFactory(name="grey.mp4", width=64, height=48, frame_count=12)
    upload.folder = f"uploads/{upload.pk}/web-test"
    upload.save()
    folder = media_root / upload.folder
    folder.mkdir(parents=True)
    with web_video(folder / "web.mp4", Fraction(30), (64, 48)) as writer:
        for _ in range(12):
            writer.write(np.full((48, 64, 3), 128, np.uint8))
    Keypoints((), 12, 30.0, 64, 48).save(folder / "keypoints.npz")
    return upload


class Worker:
    """A worker process with its pool."""

    def __init__(self, process: BaseProcess, notes: Path) -> None:
        self.process, self._notes = process, notes

    def notes(self) -> list[str]:
        """What `slow-test` has done: `begin 123`, `end 123` with the process's id."""
        return self._notes.read_text().split("\n")[:-1] if self._notes.exists() else []

    def count(self, word: str) -> int:
        return sum(note.startswith(word) for note in self.notes())

    def kill(self) -> None:
        """SIGKILL to the parent; its children go with it."""
        self.process.kill()
        self.process.join()

    def kill_child(self) -> None:
        """SIGKILL to whichever child began last."""
        psutil.Process(int(self.notes()[-1].split()[1])).kill()

    def kill_children(self) -> None:
        """SIGKILL to every child, whichever is at work."""
        for child in psutil.Process(self.process.pid).children():
            child.kill()


@pytest.fixture
def start_worker(own_redis, ready_upload, settings, tmp_path: Path) -> Iterator[Callable[..., Worker]]:
    """Start a worker whose method `slow-test` takes so many seconds; all are killed afterwards."""
    database = settings.DATABASES["default"]
    started: list[Worker] = []

    def start(seconds: float = 1.5, processes: int = 1, **variables: str) -> Worker:
        environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "palmares.settings.testing",
            "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'platform'}",
            "DATABASE_URL": f"postgres://postgres@{quote(database['HOST'], safe='')}/{database['NAME']}",
            "REDIS_URL": settings.REDIS_URL,
            "PALMARES_DATA": str(tmp_path),
            "LEASE_SECONDS": "3",
            "WORKER_PROCESSES": str(processes),
            "SLOW_SECONDS": str(seconds),
            "SLOW_NOTES": str(tmp_path / "notes"),
            **variables,
        }
        started.append(Worker(start_forked(environment, tmp_path / "worker.log"), tmp_path / "notes"))
        return started[-1]

    yield start
    for worker in started:
        worker.kill()
    wait_for("the workers' connections are closed", _is_alone)
    log = (tmp_path / "worker.log").read_text() if started else ""
    print(log)
    assert "Signal handler" not in log, "a worker could not be set up; Celery logs that and goes on"


@pytest.fixture
def queue_run(ready_upload: Upload) -> Callable[[], Run]:
    """Queue a run of `slow-test`."""

    def queue() -> Run:
        run = Run(upload=ready_upload, method="slow-test", method_version="1")
        services.enqueue(item=run)
        return run

    return queue


def wait_for(what: str, condition: Callable[[], Any]) -> None:
    """Wait until a condition is true while the reaper runs, as it always does."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"{what}: not within {PATIENCE:.0f} s"
        services.reap()
        time.sleep(0.2)


def _is_alone() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
        return bool(cursor.fetchone()[0] == 0)


@contextmanager
def nothing_left(media_root: Path, run: Run) -> Iterator[None]:
    """Afterwards the storage holds what the row names, and nothing else of this run."""
    yield
    run.refresh_from_db()
    folders = sorted(str(p.relative_to(media_root)) for p in (media_root / "runs" / str(run.pk)).iterdir())
    assert run.prediction is not None
    assert folders == [run.prediction.folder]
