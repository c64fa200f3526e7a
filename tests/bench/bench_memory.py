"""What a run on ten minutes of video takes of memory, beside one on ten seconds: from keypoints to all that is stored."""

from __future__ import annotations

import tempfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import roma
import torch

from ml.hand.camera import default_intrinsics
from ml.hand.model import load_hand_model
from ml.hand.skeleton import SIDES, Side
from ml.keypoints.tracks import HandTrack, Keypoints
from ml.methods.interface import Request, load_method
from ml.metrics.no_truth import series
from ml.viewer_files.viewer_track import write_track

LENGTHS = (300, 18_000)


def rows() -> list[tuple[str, str, str]]:
    """(what, measured, target); the short one first, because a peak never falls."""
    found = []
    for frames in LENGTHS:
        _run(frames)
        what = f"2d-fit, {frames} frames of two hands, from keypoints to files: peak memory of the process"
        found.append((what, f"{_peak_megabytes():.0f} MB", "flat, < 2000 MB"))
    return found


def _run(frames: int) -> None:
    torch.set_num_threads(1)
    keypoints = Keypoints(tuple(_track(number, side, frames) for number, side in enumerate(SIDES)), frames, 30.0, 640, 480)
    clip = cast(Any, SimpleNamespace(fps=30.0, frame_count=frames, width=640, height=480, path=Path("made.mp4")))
    request = Request(clip, keypoints, default_intrinsics(640, 480))
    prediction = load_method("2d-fit").estimate(request, lambda stage, fraction: None)
    with tempfile.TemporaryDirectory() as folder:
        prediction.save(f"{folder}/prediction.npz")
        write_track(prediction, {s: load_hand_model("open", s).faces for s in SIDES}, Path(folder))
    series(prediction, keypoints)


def _track(number: int, side: Side, frames: int) -> HandTrack:
    """A hand that moves a little, the same ten seconds again and again."""
    generator = torch.Generator().manual_seed(number)
    pose = roma.rotvec_to_rotmat(0.25 * torch.randn(300, 16, 3, generator=generator))
    place = torch.tensor([0.1 if number else -0.1, 0.0, 0.5])
    joints = load_hand_model("open", side).joints(pose, torch.zeros(1, 10), place).numpy()
    intrinsics = default_intrinsics(640, 480)
    pixels = joints[..., :2] / joints[..., 2:] * intrinsics[[0, 1], [0, 1]] + intrinsics[:2, 2]
    again = np.arange(frames) % 300
    world = (joints - joints.mean(1, keepdims=True)).astype(np.float32)
    seen = np.arange(frames, dtype=np.int32)
    return HandTrack(number, side, seen, pixels.astype(np.float32)[again], world[again], np.ones(frames, np.float32))


def _peak_megabytes() -> float:
    return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) / 1000
