"""A worker that no longer hears its broker ends, so that it is started again."""

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
watchdog.LOOK_SECONDS, watchdog.DEAF_SECONDS = 0.05, 0.2
watchdog.watch(["queue-of-the-deaf"])
time.sleep(SECONDS)
"""


def end_of(own_redis, settings, seconds: float) -> int:
    environment = {
        **os.environ,
        "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'platform'}",
        "DJANGO_SETTINGS_MODULE": "palmares.settings.testing",
        "REDIS_URL": settings.REDIS_URL,
    }
    command = [sys.executable, "-c", _DEAF.replace("SECONDS)", f"{seconds})")]
    return subprocess.run(command, env=environment, timeout=60, check=False, capture_output=True).returncode


def test_messages_that_nobody_takes_end_an_idle_worker(own_redis, settings):
    own_redis.rpush("queue-of-the-deaf", "a message")
    assert end_of(own_redis, settings, 30) == -signal.SIGKILL


def test_an_empty_queue_does_not(own_redis, settings):
    assert end_of(own_redis, settings, 1.5) == 0
