"""Runs while processes of the platform are killed at random: all end once, and none fails for being killed.

`python -m tests.bench storm`, which `make bench` leaves out. `STORM_MINUTES` (5), `STORM_RUNS` (200) and `STORM_SEED` (0)
change it.
"""

from __future__ import annotations

import os
import random
import tempfile
import threading
import time
import uuid
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import numpy as np

from ml.clip.encode import web_video
from tests.bench.bench_recovery import VICTIMS, kill, process_ids
from tests.bench.installation import NO_ANSWER, Installation

MINUTES: Final = float(os.environ.get("STORM_MINUTES", "5"))
RUNS: Final = int(os.environ.get("STORM_RUNS", "200"))
SEED: Final = int(os.environ.get("STORM_SEED", "0"))
FRAMES: Final = 150
"""Of the video, so that a run takes seconds and is met by kills while a worker is at it."""
PAUSE_SECONDS: Final = (6.0, 14.0)
"""Between one kill and the next, at random."""
SETTLE_SECONDS: Final = 60.0
GIVE_UP_SECONDS: Final = 900.0
_STATE = (
    "import collections, json; from palmares.runs.models import Prediction, Run; from django.conf import settings;"
    "runs = list(Run.objects.values_list('pk', 'status', 'attempts', 'error'));"
    "folders = [len(list((settings.MEDIA_ROOT / 'runs' / str(run[0])).glob('*'))) for run in runs];"
    "print(json.dumps({'statuses': collections.Counter(run[1] for run in runs), 'runs': len(runs),"
    "'predictions': Prediction.objects.count(), 'folders': collections.Counter(folders),"
    "'attempts': collections.Counter(run[2] for run in runs), 'errors': sorted({run[3] for run in runs if run[3]})}))"
)


def rows() -> list[tuple[str, str, str]]:
    """(what, measured, target)."""
    with tempfile.TemporaryDirectory() as folder:
        video = Path(folder) / "grey.mp4"
        with web_video(video, Fraction(30), (64, 48)) as writer:
            for _ in range(FRAMES):
                writer.write(np.full((48, 64, 3), 128, np.uint8))
        platform = Installation(Path(folder) / "data")
        try:
            return _storm(platform, video.read_bytes())
        finally:
            platform.stop()


def _storm(platform: Installation, video: bytes) -> list[tuple[str, str, str]]:
    upload = platform.post_file("/api/v1/uploads/", "grey.mp4", video)["id"]
    platform.wait(f"/api/v1/uploads/{upload}/", "ready")
    is_over = threading.Event()
    sending = threading.Thread(target=_send, args=(platform, upload, is_over))
    sending.start()
    killed = _kill_at_random(platform)
    is_over.set()
    over = time.monotonic()
    sending.join()
    while (open_ := _open(platform)) != 0 and time.monotonic() - over < GIVE_UP_SECONDS:
        time.sleep(0.5)
    settled = time.monotonic() - over
    state = platform.state(_STATE)
    kills = ", ".join(f"{victim} {count}" for victim, count in killed.items())
    what = f"{RUNS} runs in {MINUTES:g} minutes, {sum(killed.values())} processes killed ({kills})"
    is_once = state["runs"] == state["predictions"] == state["statuses"].get("succeeded") == state["folders"].get("1") == RUNS
    return [
        (f"{what}: runs that succeeded, once each", "all" if is_once else str(state), "all"),
        ("the same: attempts needed", ", ".join(f"{n}: {count} runs" for n, count in sorted(state["attempts"].items())), ""),
        ("the same: settled after the last kill", f"{settled:.0f} s ({open_} open)", f"within {SETTLE_SECONDS:.0f} s"),
        ("the same: load of the machine", f"{os.getloadavg()[1]:.0f} on {os.cpu_count()} cores", ""),
    ]


def _send(platform: Installation, upload: str, is_over: threading.Event) -> None:
    """Start the runs one after the other over the time of the storm; a request that fails is repeated with its key."""
    pause = MINUTES * 60 / RUNS * 0.8
    for _ in range(RUNS):
        key = str(uuid.uuid4())
        while not _is_sent(platform, {"upload": upload, "method": "2d-fit"}, key):
            time.sleep(0.5)
        is_over.wait(pause)


def _is_sent(platform: Installation, run: dict[str, Any], key: str) -> bool:
    try:
        platform.post("/api/v1/runs/", run, key=key)
    except NO_ANSWER:
        return False
    return True


def _kill_at_random(platform: Installation) -> dict[str, int]:
    """How many of each kind were killed."""
    chance, killed = random.Random(SEED), dict.fromkeys((*VICTIMS, "worker child"), 0)
    end = time.monotonic() + MINUTES * 60
    while time.monotonic() < end:
        victim = chance.choice(list(killed))
        if process_ids(platform, victim):
            try:
                kill(platform, victim)
            except ProcessLookupError:
                continue
            killed[victim] += 1
            time.sleep(chance.uniform(*PAUSE_SECONDS))
        else:  # it is not back yet
            time.sleep(0.2)
    return killed


def _open(platform: Installation) -> int | None:
    """Runs that have not ended; None where the platform does not say."""
    try:
        return sum(len(platform.get(f"/api/v1/runs/?status={status}")["results"]) for status in ("queued", "running"))
    except NO_ANSWER:
        return None
