"""Runs that prefer a GPU go to workers that announce one, and to the others as soon as those are gone."""

from __future__ import annotations

import dataclasses
import json
import random
from datetime import timedelta

import pytest

from ml import catalog
from palmares.queue import routing, services
from palmares.queue.clock import database_now
from palmares.queue.models import Status
from palmares.runs.models import Run
from tests.workers.conftest import wait_for

pytestmark = pytest.mark.timeout(400)


def queue(upload, method: str) -> Run:
    run = Run(upload=upload, method=method, method_version="1")
    services.enqueue(item=run)
    return run


def told(own_redis, name: str) -> list[str]:
    """The rows that messages of a queue name."""
    bodies = [json.loads(message) for message in own_redis.lrange(name, 0, -1)]
    return [json.loads(body["headers"]["argsrepr"].replace("'", '"'))[0] for body in bodies]


def lose_gpu_worker(own_redis) -> None:
    """What its silence leads to, at once."""
    own_redis.delete(routing._live("gpu"))


def test_the_networks_that_see_pixels_prefer_a_gpu():
    assert {name for name, entry in catalog.METHODS.items() if entry.prefers_gpu} == {
        "kong2022-image",
        "kong2022-image-identity-opt",
    }


def test_a_run_is_sent_to_the_queue_that_its_method_prefers(own_redis, ready_upload):
    early = queue(ready_upload, "kong2022-image")
    assert told(own_redis, "cpu") == [str(early.pk)]
    routing.announce_queues(queues=["gpu"])
    late = queue(ready_upload, "kong2022-image")
    other = queue(ready_upload, "mediapipe-ik")
    assert told(own_redis, "gpu") == [str(late.pk)]
    assert told(own_redis, "cpu") == [str(other.pk), str(early.pk)]


def test_a_gpu_announcement_about_to_expire_is_ignored(own_redis, ready_upload):
    routing.announce_queues(queues=["gpu"], seconds=routing.MARGIN_SECONDS)
    run = queue(ready_upload, "kong2022-image")
    assert told(own_redis, "cpu") == [str(run.pk)]
    assert not own_redis.exists("gpu")


def test_runs_of_a_lost_gpu_worker_are_sent_to_busy_cpu_workers(own_redis, ready_upload):
    routing.announce_queues(queues=["gpu", "cpu"])
    run = queue(ready_upload, "kong2022-image")
    own_redis.rpop("gpu")  # taken, and lost with the worker
    queue(ready_upload, "mediapipe-ik")
    Run.objects.update(queued_at=database_now() - timedelta(seconds=services.GRACE_SECONDS))
    services.reap()
    assert str(run.pk) not in told(own_redis, "cpu")
    lose_gpu_worker(own_redis)
    services.reap()
    assert told(own_redis, "cpu").count(str(run.pk)) == 1
    services.reap()
    assert told(own_redis, "cpu").count(str(run.pk)) == 1, "notified once"


@pytest.mark.parametrize("seed", range(6))
def test_no_run_waits_in_a_queue_without_workers(own_redis, ready_upload, seed):
    chance = random.Random(seed)
    runs = []
    steps = {
        "a worker with a GPU announces itself": lambda: routing.announce_queues(queues=["gpu"]),
        "it is lost": lambda: lose_gpu_worker(own_redis),
        "a run is queued": lambda: runs.append(queue(ready_upload, chance.choice(["kong2022-image", "2d-fit"]))),
        "the reaper looks": services.reap,
    }
    for _ in range(20):
        steps[chance.choice(list(steps))]()
    lose_gpu_worker(own_redis)
    Run.objects.update(queued_at=database_now() - timedelta(seconds=services.GRACE_SECONDS))
    services.reap()
    assert {str(run.pk) for run in runs} <= set(told(own_redis, "cpu"))


def test_a_gpu_worker_takes_runs_that_prefer_it_and_a_cpu_worker_takes_over(start_worker, queue_run, media_root, monkeypatch):
    entry = next(iter(catalog.METHODS.values()))
    monkeypatch.setitem(catalog.METHODS, "slow-test", dataclasses.replace(entry, name="slow-test", prefers_gpu=True))
    on_gpu = start_worker(WORKER_QUEUES="gpu", SLOW_PREFERS_GPU="yes")
    wait_for("it is announced", lambda: routing.is_served("gpu"))
    first = queue_run()
    wait_for("the first run is done", lambda: Run.objects.get(pk=first.pk).status == Status.SUCCEEDED)
    on_gpu.kill()
    second = queue_run()
    assert Run.objects.get(pk=second.pk).notified_at is not None
    start_worker(SLOW_PREFERS_GPU="yes")
    wait_for("the second run is done", lambda: Run.objects.get(pk=second.pk).status == Status.SUCCEEDED)
