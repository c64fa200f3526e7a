"""How long the platform is away when one of its processes is killed (SIGKILL) under `make run`."""

from __future__ import annotations

import io
import json
import os
import signal
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import psutil

from tests.bench.installation import NO_ANSWER, Installation
from tests.predictions import hands

VICTIMS: Final = ("postgres", "postgres daemon", "redis", "redis daemon", "web", "worker", "reaper")
PATIENCE_SECONDS: Final = 120.0


def rows() -> list[tuple[str, str, str]]:
    """(what, measured, target)."""
    with tempfile.TemporaryDirectory() as folder:
        platform = Installation(Path(folder) / "data")
        try:
            prepare(platform)
            load = f"load {os.getloadavg()[0]:.0f} on {os.cpu_count()} cores"
            return [
                (f"{victim} killed: the whole is back after", f"{seconds_away(platform, victim):.1f} s ({load})", "10 s")
                for victim in VICTIMS
            ]
        finally:
            platform.stop()


def prepare(platform: Installation) -> None:
    """A benchmark, whose truths give the workers something to do."""
    team = platform.get("/api/v1/teams/")["results"][0]["id"]
    platform.post("/api/v1/benchmarks/", {"slug": "recovery", "name": "Recovery", "team": team, "protocol": "palmares"})
    _work_is_done(platform)


def seconds_away(platform: Installation, victim: str) -> float:
    """Kill one process, and ask until pages, health check and workers do what they did before; after how many seconds."""
    killed = kill(platform, victim)
    began = time.monotonic()
    _until(lambda: killed not in process_ids(platform, victim) and bool(process_ids(platform, victim)), victim)
    _until(lambda: platform.status("/health/") == 200, f"{victim}: /health/")
    _until(lambda: platform.status("/api/v1/me/") == 200, f"{victim}: a request")
    _work_is_done(platform)
    return time.monotonic() - began


def kill(platform: Installation, victim: str) -> int:
    """SIGKILL to one of `VICTIMS` or a `worker child`; its process id."""
    pid = process_ids(platform, victim)[0]
    os.kill(pid, signal.SIGKILL)
    return pid


def process_ids(platform: Installation, victim: str) -> list[int]:
    """Those of a kind that are there."""
    name, _, part = victim.partition(" ")
    if name not in ("postgres", "redis"):
        found = platform.processes(name)
        try:
            parents = {process.pid for process in found if process.ppid() not in {other.pid for other in found}}
        except psutil.NoSuchProcess:
            return []
        return [process.pid for process in found if (process.pid not in parents) == (part == "child")]
    try:
        facts = json.loads((platform.data / "run" / f"{name}.json").read_text())
    except FileNotFoundError:
        return []
    return [int(facts[part or "server"])]


def _work_is_done(platform: Installation) -> None:
    """Send a small ground truth until it is taken, and wait until a worker has imported it."""
    sink = io.BytesIO()
    hands(4).save(sink)
    url = "/api/v1/benchmarks/recovery/truths/"

    def is_sent() -> bool:
        try:
            platform.post_file(url, "truth.npz", sink.getvalue())
        except NO_ANSWER:
            return False
        return True

    def is_done() -> bool:
        try:
            return bool(platform.get(url)[0]["status"] == "succeeded")
        except NO_ANSWER:
            return False

    _until(is_sent, "sending work")
    _until(is_done, "the work")


def _until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise RuntimeError(f"{what}: not within {PATIENCE_SECONDS:.0f} s")
        time.sleep(0.05)
