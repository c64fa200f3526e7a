"""A worker that no longer receives messages from its broker ends, so that it is started again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_DEAF = """
import time
from workers import watchdog
watchdog.LOOK_SECONDS, watchdog.DEAF_SECONDS, watchdog.START_SECONDS = 0.05, 0.2, START
watchdog.watch(["queue-of-the-deaf"])
time.sleep(SECONDS)
"""


def end_of(settings, seconds: float, start: float = 0.0) -> int:
    environment = {
        **os.environ,
        "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'platform'}",
        "DJANGO_SETTINGS_MODULE": "palmares.settings.testing",
        "REDIS_URL": settings.REDIS_URL,
    }
    program = _DEAF.replace("(SECONDS)", f"({seconds})").replace("START\n", f"{start}\n")
    command = [sys.executable, "-c", program]
    return subprocess.run(command, env=environment, timeout=60, check=False, capture_output=True).returncode


def test_an_idle_worker_that_takes_no_messages_is_ended(own_redis, settings):
    own_redis.rpush("queue-of-the-deaf", "a message")
    assert end_of(settings, 30) == -signal.SIGKILL


def test_a_worker_that_is_still_starting_is_not_ended(own_redis, settings):
    own_redis.rpush("queue-of-the-deaf", "a message")
    assert end_of(settings, 1.5, start=60) == 0


def test_a_worker_with_an_empty_queue_is_not_ended(own_redis, settings):
    assert end_of(settings, 1.5) == 0
