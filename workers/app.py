"""The Celery application. The broker carries row ids and nothing else; rows tell what is to be done and what became of it."""

from __future__ import annotations

import gc
import importlib
import mmap
import os
import signal
from multiprocessing import process as multiprocessing_process
from typing import Any, Final

import django
from celery import Celery, signals

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "palmares.settings.development")
django.setup()

from django.conf import settings  # noqa: E402 - after setup
from django.db import connections  # noqa: E402

from palmares.local.process_lifetime import die_with_parent  # noqa: E402
from workers.announcement import keep_announcing  # noqa: E402

LEASE_SECONDS: Final = float(os.environ.get("LEASE_SECONDS", "30"))
"""How long a row stays a worker's after the worker was last heard of."""

SOFT_LIMIT_SECONDS: Final = int(os.environ.get("TASK_SECONDS", str(2 * 3600)))
"""After this a task is told to end; two minutes later its process is killed."""

VISIBILITY_SECONDS: Final = SOFT_LIMIT_SECONDS + 15 * 60
"""After this the broker hands an unacknowledged message out again: later than any task may run."""

_IMPORTED_ONCE: Final = (
    "mediapipe.python.solutions.hands",
    *(
        f"workers.{module}"
        for module in ("ingest", "import_ground_truth", "run_method", "score_run", "scoring_work", "import_truth")
    ),
    *("workers.calibrate", "workers.compare_ranks"),
)

_stopping = mmap.mmap(-1, 1)
"""One byte that this process and its children share: whether they have been told to go."""

_main_process = multiprocessing_process.current_process()
"""Python's own object, kept before Celery's pool replaces it in each child by one that may start no process."""

app = Celery("workers", broker=settings.CELERY_BROKER_URL, include=["workers.tasks"])
app.conf.update(
    task_default_queue="cpu",
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    task_acks_on_failure_or_timeout=True,
    task_ignore_result=True,
    task_soft_time_limit=SOFT_LIMIT_SECONDS,
    task_time_limit=SOFT_LIMIT_SECONDS + 120,
    worker_prefetch_multiplier=1,
    worker_enable_remote_control=False,
    worker_send_task_events=False,
    worker_hijack_root_logger=False,
    worker_proc_alive_timeout=120,
    worker_max_tasks_per_child=100,
    worker_cancel_long_running_tasks_on_connection_loss=False,
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    broker_transport_options={
        "visibility_timeout": VISIBILITY_SECONDS,
        "socket_keepalive": True,
        "socket_connect_timeout": 5,
        "health_check_interval": 10,
    },
)


def served_queues() -> list[str]:
    """The queues that this worker takes messages from."""
    return [name.strip() for name in os.environ.get("WORKER_QUEUES", "cpu").split(",")]


def is_stopping() -> bool:
    """Whether this worker has been told to go: whoever works gives the row back."""
    return _stopping[0] == 1


@signals.worker_shutting_down.connect
def _tell_children(**_: Any) -> None:
    _stopping[0] = 1


@signals.worker_ready.connect
def _keep_up(**_: Any) -> None:
    app.send_task("workers.keep_up")


@signals.worker_ready.connect
def _announce_queues(**_: Any) -> None:
    keep_announcing(served_queues(), is_stopping)


@signals.worker_ready.connect
def _release_lost_work(**_: Any) -> None:
    from workers.lease_files import keep_releasing  # noqa: PLC0415 - it imports the models

    keep_releasing(is_stopping)


@signals.worker_init.connect
def _import_once(**_: Any) -> None:
    """Before the pool forks: children, and those that replace killed ones, begin at once and share this memory.

    Importing starts no thread of torch and touches no GPU; neither would survive the fork.
    """
    for module in _IMPORTED_ONCE:
        importlib.import_module(module)
    gc.collect()
    gc.freeze()  # else each child's garbage collector would copy the shared memory


@signals.worker_process_init.connect
def _set_up_child(**_: Any) -> None:
    die_with_parent(signal.SIGKILL)()
    multiprocessing_process._current_process = _main_process  # type: ignore[attr-defined]
    for connection in connections.all(initialized_only=True):
        connection.close()
    import torch  # noqa: PLC0415

    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
