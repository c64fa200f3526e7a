"""Fifty submissions at once by ten clients, with workers killed on the way: all scored, each once; then a crowd; then
submissions of up to 100 000 rows."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import numpy as np

from tests.bench.installation import Installation
from tests.predictions import hands, moved

SUBMISSIONS, CLIENTS, FRAMES = 50, 10, 2000
CROWD = 400
PAGES = ("/", "/benchmarks/load/", "/api/v1/me/")
"""Home, a board of 50 submissions, and the smallest answer of the API."""
LARGE = (5_000, 20_137, 100_000)
"""Rows; in the middle as many as HO3D v3 has."""
_COUNT = (
    "from django.db.models import Count; from palmares.submissions.models import Submission;"
    "print([n for n in Submission.objects.annotate(n=Count('scores')).values_list('n', flat=True)])"
)


def rows() -> list[tuple[str, str, str]]:
    """(what, measured, target)."""
    with tempfile.TemporaryDirectory() as folder:
        platform = Installation(Path(folder) / "data")
        try:
            return [*_measured(platform), *_crowd(platform), *(_large(platform, rows) for rows in LARGE)]
        finally:
            platform.stop()


def _measured(platform: Installation) -> list[tuple[str, str, str]]:
    truth = hands(FRAMES)
    team = platform.get("/api/v1/teams/")["results"][0]["id"]
    platform.post(
        "/api/v1/benchmarks/", {"slug": "load", "name": "Load", "team": team, "protocol": "palmares", "daily_limit": 200}
    )
    platform.post_file("/api/v1/benchmarks/load/truths/", "truth.npz", _npz(truth))
    while platform.get("/api/v1/benchmarks/load/truths/")[0]["status"] != "succeeded":
        time.sleep(0.1)
    noise = np.random.default_rng(0)
    is_over = threading.Event()

    def post(number: int) -> str:
        shaken = truth.joints + noise.normal(0, 0.005, truth.joints.shape).astype(np.float32)
        content = _npz(replace(truth, joints=shaken))
        while True:
            try:
                url = "/api/v1/benchmarks/load/submissions/"
                return str(platform.post_file(url, "pred.npz", content, method=f"method {number}")["id"])
            except urllib.error.HTTPError as error:
                if error.code != 503:  # as the client does while too many files are being checked
                    raise
                time.sleep(float(error.headers["Retry-After"]))

    began = time.monotonic()
    with ThreadPoolExecutor(CLIENTS) as pool, ThreadPoolExecutor(1) as aside, ExitStack() as stack:
        stack.callback(is_over.set)  # else an error here would wait for the killing to end, for ever
        killing = aside.submit(_kill_twice, platform, is_over)
        made = list(pool.map(post, range(SUBMISSIONS)))
        posted = time.monotonic() - began
        for pk in made:
            platform.wait(f"/api/v1/submissions/{pk}/", "succeeded")
        taken = time.monotonic() - began
        killed = killing.result()
    counts = platform.manage("shell", "-v0", "-c", _COUNT).strip()
    once = counts == str([1] * SUBMISSIONS)
    what = f"{SUBMISSIONS} submissions of {FRAMES} frames by {CLIENTS} clients, workers killed {killed} times"
    return [
        (f"{what}: accepted", f"{posted:.0f} s", ""),
        (f"{what}: scored", f"{taken:.0f} s, {'all, each once' if once else counts}", "all, each once"),
    ]


def _crowd(platform: Installation) -> list[tuple[str, str, str]]:
    """Requests by nobody, all at once, again and again, and one person's pages meanwhile."""
    port = platform.address.rsplit(":", 1)[1]
    found = []
    with subprocess.Popen([sys.executable, "-m", "tests.bench.crowd", port, str(CROWD)]) as crowd:
        time.sleep(3)
        for path in PAGES:
            waits, statuses = [], []
            for _ in range(20):
                began = time.monotonic()
                statuses.append(platform.status(path))
                waits.append(time.monotonic() - began)
            failed = sum(status != 200 for status in statuses)
            what = f"{CROWD} requests at once from nobody, again and again: `{path}` of a signed-in user, 20 times, slowest"
            load = f"load {os.getloadavg()[0]:.0f} on {os.cpu_count()} cores"
            found.append((what, f"{max(waits):.2f} s, {failed} failed ({load})", "under 2 s, none failed"))
        crowd.kill()
    return found


def _large(platform: Installation, rows: int) -> tuple[str, str, str]:
    """One submission of so many rows, from the request to its score."""
    truth, slug = hands(rows), f"rows-{rows}"
    team = platform.get("/api/v1/teams/")["results"][0]["id"]
    platform.post("/api/v1/benchmarks/", {"slug": slug, "name": slug, "team": team, "protocol": "palmares"})
    url = f"/api/v1/benchmarks/{slug}"
    platform.post_file(f"{url}/truths/", "truth.npz", _npz(truth))
    while (imported := platform.get(f"{url}/truths/")[0])["status"] != "succeeded":
        if imported["status"] == "failed":
            raise RuntimeError(imported["error"])
        time.sleep(0.1)
    began = time.monotonic()
    answer = platform.post_file(f"{url}/submissions/", "pred.npz", _npz(moved(truth, 10)), method="m")
    checked = time.monotonic() - began
    platform.wait(f"/api/v1/submissions/{answer['id']}/", "succeeded")
    taken = time.monotonic() - began
    memory = f"a worker's process {platform.peak_megabytes('worker'):.0f} MB at most"
    return f"a submission of {rows} rows: checked, scored", f"{checked:.0f} s, {taken:.0f} s; {memory}", "scored"


def _kill_twice(platform: Installation, is_over: threading.Event) -> int:
    """The processes that do a worker's jobs, one after the other, each once some submissions are scored."""
    killed = 0
    for share in (0.2, 0.6):
        while _done(platform) < share * SUBMISSIONS:
            if is_over.wait(0.2):
                return killed
        workers = platform.processes("worker")
        next(p for p in workers if p.ppid() in {other.pid for other in workers}).send_signal(signal.SIGKILL)
        killed += 1
    return killed


def _done(platform: Installation) -> int:
    page = platform.get("/api/v1/submissions/?benchmark=load&status=succeeded&page_size=200")
    return len(page["results"])


def _npz(prediction: object) -> bytes:
    sink = io.BytesIO()
    prediction.save(sink)  # type: ignore[attr-defined]
    return sink.getvalue()
