"""From an upload that has been accepted to meshes of both methods that can be fetched, through the real platform.

`BENCH_FRAMES` makes the video longer: that the peak memory stays shows that it does not grow with the length.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
import uuid
from fractions import Fraction
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import psutil

from ml.clip import open_clip
from ml.clip.encode import web_video
from ml.synthetic.clips import make_clip, write_clip
from ml.synthetic.subjects import make_subject

ROOT = Path(__file__).resolve().parents[2]
FRAMES = int(os.environ.get("BENCH_FRAMES", "150"))
METHODS = ("mediapipe-ik", "2d-fit")
_USER = (
    "from palmares.teams.models import User; from palmares.teams.services import create_team;"
    "create_team(name='Bench', by=User.objects.create_user('bench@example.org', None))"
)


def rows() -> list[tuple[str, str, str]]:
    """(what, measured, target)."""
    with tempfile.TemporaryDirectory() as folder:
        video = _video(Path(folder))
        platform = Platform(Path(folder) / "data")
        try:
            platform.send(video)  # the first job warms the disk's cache and the processes
            ready, meshes = platform.send(video)
            memory = platform.peak_megabytes()
        finally:
            platform.stop()
    seconds = FRAMES / 30
    what = f"upload of {FRAMES} frames of two hands accepted →"
    return [
        (f"{what} ready", f"{ready:.1f} s = {ready / seconds:.2f} × its length", ""),
        (f"{what} meshes of {len(METHODS)} methods", f"{meshes:.1f} s = {meshes / seconds:.2f} × its length", "≤ 2.5 ×"),
        ("peak memory of a worker's process", f"{memory['worker']:.0f} MB", "< 2000 MB"),
        ("peak memory of the web process", f"{memory['web']:.0f} MB", "< 250 MB"),
    ]


def _video(folder: Path) -> Path:

    clip = make_clip(11, make_subject(0, "validation", 0), seconds=min(FRAMES, 150) / 30, hands=("right", "left"), turn=0.35)
    write_clip(clip, folder / "clip")
    video = folder / "clip" / "video.mp4"
    return video if FRAMES <= 150 else _repeated(video, folder / "long.mp4")


def _repeated(video: Path, target: Path) -> Path:
    """The same pictures again and again, `FRAMES` of them."""

    pictures = list(open_clip(video).frames())
    with web_video(target, Fraction(30), (640, 480)) as writer:
        for picture in islice(cycle(pictures), FRAMES):
            writer.write(picture)
    return target


class Platform:
    """`manage.py up` on data of its own, without the demonstration, and a client of its API."""

    def __init__(self, data: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        kept = {k: v for k, v in os.environ.items() if k not in ("DATABASE_URL", "REDIS_URL", "DJANGO_SETTINGS_MODULE")}
        self._environment = {**kept, "PORT": str(port), "PALMARES_DATA": str(data)}
        self._address = f"http://127.0.0.1:{port}"
        self._manage("migrate", "-v0")
        self._manage("shell", "-v0", "-c", _USER)
        self._token = self._manage("token", "bench@example.org").strip()
        command = [sys.executable, str(ROOT / "manage.py"), "up"]
        self._process = subprocess.Popen(
            command, env=self._environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        assert self._process.stdout
        for line in self._process.stdout:
            if "Ctrl-C" in line:
                break

    def send(self, video: Path) -> tuple[float, float]:
        """Upload, start every method, wait; seconds until the upload is ready, and until all meshes can be fetched."""
        boundary = uuid.uuid4().hex
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="clip.mp4"\r\n\r\n'
        body = head.encode() + video.read_bytes() + f"\r\n--{boundary}--\r\n".encode()
        upload = self._call("POST", "/api/v1/uploads/", body, f"multipart/form-data; boundary={boundary}")
        start = time.monotonic()
        asked = [json.dumps({"upload": upload["id"], "method": method}).encode() for method in METHODS]
        runs = [self._call("POST", "/api/v1/runs/", body, "application/json")["id"] for body in asked]
        self._until(f"/api/v1/uploads/{upload['id']}/", "ready")
        ready = time.monotonic() - start
        for run in runs:
            self._until(f"/api/v1/runs/{run}/", "succeeded")
            self._call("GET", f"/api/v1/runs/{run}/track/")
        return ready, time.monotonic() - start

    def peak_megabytes(self) -> dict[str, float]:
        """Highest resident memory so far of any process of the worker, and of the web."""
        peaks = {"worker": 0.0, "web": 0.0}
        for process in psutil.Process(self._process.pid).children(recursive=True):
            words = " ".join(process.cmdline())
            kind = "web" if "uvicorn" in words else "worker" if "-m workers" in words else ""
            if kind:
                status = Path(f"/proc/{process.pid}/status").read_text()
                peaks[kind] = max(peaks[kind], int(status.split("VmHWM:")[1].split()[0]) / 1000)
        return peaks

    def stop(self) -> None:
        self._process.send_signal(signal.SIGINT)
        self._process.wait()

    def _until(self, path: str, status: str) -> None:
        while (answer := self._call("GET", path))["status"] != status:
            if answer["status"] in ("failed", "cancelled"):
                raise RuntimeError(f"{path} {answer['status']}: {answer['error']}")
            time.sleep(0.1)

    def _call(self, method: str, path: str, body: bytes | None = None, content_type: str = "") -> Any:
        headers = {"Authorization": f"Bearer {self._token}"} | ({"Content-Type": content_type} if content_type else {})
        request = urllib.request.Request(self._address + path, data=body, method=method, headers=headers)
        with urllib.request.urlopen(request) as answer:
            return json.loads(answer.read())

    def _manage(self, *words: str) -> str:
        command = [sys.executable, str(ROOT / "manage.py"), *words]
        return subprocess.run(command, env=self._environment, check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    for row in rows():
        print("| " + " | ".join(row) + " |")
