"""From an upload that has been accepted to meshes of both methods that can be fetched, through the real platform.

`BENCH_FRAMES` makes the video longer: that the peak memory stays shows that it does not grow with the length.
"""

from __future__ import annotations

import os
import tempfile
import time
from fractions import Fraction
from itertools import cycle, islice
from pathlib import Path

from ml.clip import open_clip
from ml.clip.encode import web_video
from ml.synthetic.clips import make_clip, write_clip
from ml.synthetic.subjects import make_subject
from tests.bench.installation import Installation

FRAMES = int(os.environ.get("BENCH_FRAMES", "150"))
METHODS = ("mediapipe-ik", "2d-fit")


def rows() -> list[tuple[str, str, str]]:
    """(what, measured, target)."""
    with tempfile.TemporaryDirectory() as folder:
        video = _video(Path(folder))
        platform = Installation(Path(folder) / "data")
        try:
            _send(platform, video)  # the first job warms the disk's cache and the processes
            ready, meshes = _send(platform, video)
            memory = {kind: platform.peak_megabytes(kind) for kind in ("worker", "web")}
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


def _send(platform: Installation, video: Path) -> tuple[float, float]:
    """Upload, start every method, wait; seconds until the upload is ready, and until all meshes can be fetched."""
    upload = platform.post_file("/api/v1/uploads/", "clip.mp4", video.read_bytes())
    start = time.monotonic()
    runs = [platform.post("/api/v1/runs/", {"upload": upload["id"], "method": method})["id"] for method in METHODS]
    platform.wait(f"/api/v1/uploads/{upload['id']}/", "ready")
    ready = time.monotonic() - start
    for run in runs:
        platform.wait(f"/api/v1/runs/{run}/", "succeeded")
        platform.get(f"/api/v1/runs/{run}/track/")
    return ready, time.monotonic() - start
