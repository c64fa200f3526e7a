"""Worker processes that start at once: forked from a process that has imported what workers import, which takes seconds."""

from __future__ import annotations

import multiprocessing
import os
import runpy
import sys
from multiprocessing.process import BaseProcess
from pathlib import Path

_PROGRAM = Path(__file__).parent / "slow_method.py"
_CONTEXT = multiprocessing.get_context("forkserver")
# only what knows no settings: those differ from one test to the next
_CONTEXT.set_forkserver_preload(
    [
        "celery",
        "django",
        "redis",
        "ml.clip",
        "ml.fitting.solver",
        "ml.viewer_files.viewer_track",
        "ml.identity.calibration",
        "ml.intake.reading",
        "ml.keypoints.detector",
        "ml.methods.kong2022",
        "ml.metrics.board_values",
        "ml.metrics.no_truth",
        "ml.metrics.ranking",
        "mediapipe.python.solutions.hands",
        "psycopg",
    ]
)


def start_worker(environment: dict[str, str], log: Path) -> BaseProcess:
    """A process that does what `python slow_method.py` does under exactly this environment; its output goes to `log`."""
    process = _CONTEXT.Process(target=_work, args=(environment, str(log)))
    process.start()
    return process


def _work(environment: dict[str, str], log: str) -> None:
    os.environ.clear()
    os.environ.update(environment)
    descriptor = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    for standard in (1, 2):
        os.dup2(descriptor, standard)
    os.close(descriptor)
    sys.path[:0] = [path for path in environment["PYTHONPATH"].split(os.pathsep) if path not in sys.path]
    sys.argv = [str(_PROGRAM)]
    runpy.run_path(str(_PROGRAM), run_name="__main__")
