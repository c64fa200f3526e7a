"""Real workers, broker and database: whichever of them is killed, a run ends `succeeded`, exactly once."""

from __future__ import annotations

import os
import signal

import psutil
import pytest

from palmares.local import embedded_servers as embedded
from palmares.queue import services
from palmares.queue.models import Status
from palmares.runs.models import Prediction, Run
from tests.workers.conftest import nothing_left, wait_for

pytestmark = pytest.mark.timeout(400)


def status(run: Run) -> str:
    run.refresh_from_db()
    return run.status


def assert_done_once(run: Run, media_root, *, attempts: int) -> None:
    with nothing_left(media_root, run):
        assert status(run) == Status.SUCCEEDED, run.error
        assert run.attempts == attempts
        assert Prediction.objects.count() == 1
        assert run.prediction.rows == 12


def test_a_run_succeeds_although_its_worker_child_is_killed(start_worker, queue_run, media_root):
    """Long before its lease runs out the worker notices."""
    worker = start_worker(LEASE_SECONDS="3600")
    run = queue_run()
    wait_for("the run begins", lambda: worker.count("begin"))
    worker.kill_child()
    wait_for("it is over", lambda: status(run) in ("succeeded", "failed"))
    assert_done_once(run, media_root, attempts=2)
    assert (worker.count("begin"), worker.count("end")) == (2, 1)


def test_a_run_succeeds_although_its_whole_worker_is_killed(start_worker, queue_run, media_root):
    """The next worker of the machine notices, long before the lease runs out."""
    worker = start_worker(LEASE_SECONDS="3600")
    run = queue_run()
    wait_for("the run begins", lambda: worker.count("begin"))
    children = psutil.Process(worker.process.pid).children()
    worker.kill()
    assert not psutil.wait_procs(children, timeout=5)[1], "children outlived their parent"
    worker = start_worker(LEASE_SECONDS="3600")
    wait_for("it is over", lambda: status(run) in ("succeeded", "failed"))
    assert_done_once(run, media_root, attempts=2)
    assert (worker.count("begin"), worker.count("end")) == (2, 1)


def test_a_worker_that_hangs_loses_its_run_when_its_lease_runs_out(start_worker, queue_run, media_root):
    hanging = start_worker()
    run = queue_run()
    wait_for("the run begins", lambda: hanging.count("begin"))
    for process in (hanging.process.pid, *(child.pid for child in psutil.Process(hanging.process.pid).children())):
        os.kill(process, signal.SIGSTOP)
    start_worker(seconds=0.1)
    wait_for("it is over", lambda: status(run) in ("succeeded", "failed"))
    assert_done_once(run, media_root, attempts=2)
    hanging.kill()


def test_a_run_succeeds_although_the_broker_loses_its_message(start_worker, queue_run, own_redis, media_root):
    run = queue_run()
    assert own_redis.delete("cpu") == 1
    worker = start_worker(seconds=0.1)
    wait_for("it is over", lambda: status(run) in ("succeeded", "failed"))
    assert_done_once(run, media_root, attempts=1)
    assert worker.count("begin") == 1


def test_a_run_succeeds_although_redis_restarts(start_worker, queue_run, tmp_path, media_root):
    worker = start_worker()
    run = queue_run()
    wait_for("the run begins", lambda: worker.count("begin"))
    os.kill(embedded.process_ids(tmp_path / "servers")["redis"], signal.SIGKILL)
    wait_for("it is over", lambda: status(run) in ("succeeded", "failed"))
    assert_done_once(run, media_root, attempts=1)
    later = queue_run()
    wait_for("one queued later is over, too", lambda: status(later) in ("succeeded", "failed"))
    assert status(later) == Status.SUCCEEDED
    assert worker.count("end") == 2


def test_a_doubled_message_does_nothing_twice(start_worker, queue_run, media_root):
    run = queue_run()
    for _ in range(3):
        assert services.notify(item=run)
    worker = start_worker(seconds=0.5, processes=2)
    other = queue_run()
    wait_for("both are over", lambda: {status(run), status(other)} == {"succeeded"})
    assert worker.count("begin") == 2


def test_cancelling_stops_a_running_run(start_worker, queue_run, media_root):
    worker = start_worker(seconds=100)
    run = queue_run()
    wait_for("the run begins", lambda: worker.count("begin"))
    services.cancel(item=run)
    wait_for("it has stopped", lambda: status(run) == Status.CANCELLED)
    assert worker.count("end") == 0
    assert not list((media_root / "runs").glob("*/*"))


def test_a_terminated_worker_puts_its_run_back_into_the_queue(start_worker, queue_run):
    worker = start_worker(seconds=100)
    run = queue_run()
    wait_for("the run begins", lambda: worker.count("begin"))
    worker.process.terminate()
    worker.process.join(20)
    assert status(run) == Status.QUEUED
    assert run.attempts == 0
