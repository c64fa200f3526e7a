"""The scorer beside the tests' loop over frames, on files of HO3D v3's size, and as the number of frames grows."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import orjson
import psutil
import torch

from ml.hand.model import load_hand_model
from tests.ml.metrics.reference import meshes_report

ROOT = Path(__file__).resolve().parents[2]
VERTICES = 778
LOOPED = 60
"""Frames that the loop is given; it needs some 140 ms for each."""
COMPARED = 11524
"""Frames that the scorer is given beside it, HO3D v2's; of the loop's, the cost of one frame is told."""
HO3D_V3 = 20137
LINEAR = (1000, 4000, 16000)

Row = tuple[str, str, str]


def rows() -> list[Row]:
    """(what, measured, target)."""
    found = [*_against_the_loop()]
    seconds = {}
    for frames in LINEAR:
        with tempfile.TemporaryDirectory() as folder:
            write(Path(folder), frames)
            seconds[frames] = _score(Path(folder))[0]
    listed = ", ".join(f"{frames}: {taken:.1f} s" for frames, taken in seconds.items())
    grown = (seconds[16000] - seconds[4000]) / 12 / ((seconds[4000] - seconds[1000]) / 3)
    found.append(("scoring as frames grow: cost of a further frame, 4k–16k over 1k–4k", f"{grown:.2f} ({listed})", "≈ 1"))
    with tempfile.TemporaryDirectory() as folder:
        size = write(Path(folder), HO3D_V3)
        taken, _ = _score(Path(folder), "--official")
        peak = _most_memory(Path(folder), "--official")
    what = f"HO3D v3, {HO3D_V3} frames, {size / 1e9:.2f} GB of JSON"
    found += [(f"{what}: scored", f"{taken:.1f} s", "< 60 s"), (f"{what}: memory of all processes", f"{peak:.2f} GB", "< 4 GB")]
    return found


def _against_the_loop() -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder), LOOPED)
        truth = [np.array(json.loads((Path(folder) / f"evaluation_{kind}.json").read_text())) for kind in ("xyz", "verts")]
        given = [np.array(part) for part in json.loads((Path(folder) / "pred.json").read_text())]
        began = time.perf_counter()
        expected = meshes_report(*truth, *given)
        loop = (time.perf_counter() - began) / LOOPED
        metrics = _score(Path(folder))[1]["metrics"]
        apart = max(abs(metrics[name] - value) for name, value in expected.items())
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder), COMPARED)
        ours = _score(Path(folder))[0] / COMPARED
    return [
        (
            f"scoring {COMPARED} frames of 778 vertices: faster a frame than a loop over frames, JSON and start included",
            f"{loop / ours:.0f} × ({1000 * ours:.2f} ms, {1000 * loop:.0f} ms)",
            "≥ 100 ×",
        ),
        ("scoring: largest difference to that loop of any figure", f"{apart:.0e}", "≤ 1e-9"),
    ]


def write(folder: Path, frames: int, *, seed: int = 0) -> int:
    """Truth and `pred.json` of so many frames as HO3D has them, some 8 mm apart; bytes of the larger file."""
    rng = np.random.default_rng(seed)
    model, betas = load_hand_model("open", "right"), torch.zeros(1, 10)
    rest = [p[0].double().numpy() for p in (model.rest_joints(betas), model.rest_vertices(betas)[:, :VERTICES])]
    place = np.array([0.0, 0.0, -0.6]) + rng.normal(0, 0.1, (frames, 1, 3))
    for kind, points in zip(("xyz", "verts"), rest, strict=True):
        with (folder / f"evaluation_{kind}.json").open("wb") as stream:
            _write_frames(stream, points, place, 0.0, rng)
    with (folder / "pred.json").open("wb") as stream:
        stream.write(b"[")
        _write_frames(stream, rest[0], place, 0.008, rng)
        stream.write(b",")
        _write_frames(stream, rest[1], place, 0.006, rng)
        stream.write(b"]")
    os.sync()  # or the disk would be busy with them while they are read
    return (folder / "pred.json").stat().st_size


def _write_frames(stream, points, place, noise, rng) -> None:  # type: ignore[no-untyped-def]
    stream.write(b"[")
    for number, at in enumerate(place):
        frame = points + at + (noise * rng.standard_normal(points.shape) if noise else 0.0)
        stream.write((b"," if number else b"") + orjson.dumps(frame, option=orjson.OPT_SERIALIZE_NUMPY))
    stream.write(b"]")


def _score(folder: Path, *options: str) -> tuple[float, dict]:  # type: ignore[type-arg]
    """Seconds of `manage.py score` from start to end, and what it printed."""
    began = time.perf_counter()
    process = _scorer(folder, *options, out=subprocess.PIPE)
    out, _ = process.communicate()
    taken = time.perf_counter() - began
    if process.returncode:
        raise RuntimeError(f"scoring ended with {process.returncode}")
    return taken, json.loads(out)


def _scorer(folder: Path, *options: str, out: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "manage.py", "score", "--protocol", "ho3d-v3", "--json", str(folder), str(folder / "pred.json")]
    return subprocess.Popen([*command, *options], cwd=ROOT, stdout=out, env=os.environ)


def _most_memory(folder: Path, *options: str) -> float:
    """GB of the scorer and its processes at the highest, shared pages counted once. To look costs time: not for timings."""
    process, peak = _scorer(folder, *options, out=subprocess.DEVNULL), 0.0
    while process.poll() is None:
        with contextlib.suppress(psutil.Error):
            family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
            peak = max(peak, sum(p.memory_full_info().pss for p in family) / 1e9)
        time.sleep(0.05)
    if process.returncode:
        raise RuntimeError(f"scoring ended with {process.returncode}")
    return peak
