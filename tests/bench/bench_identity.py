"""Calibration and identity-aware estimation: how long they take, and how well they lie over a real hand."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import torch

from ml.clip import open_clip
from ml.hand.camera import default_intrinsics
from ml.hand.model import load_hand_model, rotation_matrices
from ml.identity.calibration import calibrate
from ml.identity.choice import choose
from ml.identity.observation import observe, sides
from ml.identity.weights import load_models
from ml.keypoints.detector import detect
from ml.keypoints.tracks import HandTrack, Keypoints
from ml.methods.base import Request, load_method
from ml.metrics.no_truth import series

MEDIA = Path(__file__).resolve().parents[3] / "shared" / "media"
FRAMES = 600
METHODS = ("kong2022", "kong2022-opt", "kong2022-identity", "kong2022-identity-opt")

Row = tuple[str, str, str]


def rows() -> list[Row]:
    """(what, measured, target)."""
    track = _seen_hand()
    return [_calibrating(track), *_inference(track), *_signing()]


def _seen_hand() -> HandTrack:
    """A hand half a metre away that moves a little, in a picture of 640 × 480."""
    generator = torch.Generator().manual_seed(0)
    model = load_hand_model("open", "right")
    pose = rotation_matrices(0.25 * torch.randn(FRAMES, 16, 3, generator=generator))
    joints = model.joints(pose, torch.zeros(1, 10), torch.tensor([0.0, 0.0, 0.5])).numpy()
    intrinsics = default_intrinsics(640, 480)
    pixels = joints[..., :2] / joints[..., 2:] * intrinsics[[0, 1], [0, 1]] + intrinsics[:2, 2]
    world = (joints - joints.mean(1, keepdims=True)).astype(np.float32)
    ones = np.ones(FRAMES, np.float32)
    return HandTrack(0, "right", np.arange(FRAMES, dtype=np.int32), pixels.astype(np.float32), world, ones)


def _calibrating(track: HandTrack) -> Row:
    """From keypoints of a clip to a shape with its uncertainty, models loaded from their files."""
    load_models.cache_clear()
    begun = time.perf_counter()
    with torch.no_grad():
        models = load_models()
        intrinsics = torch.as_tensor(default_intrinsics(640, 480), dtype=torch.float32)
        seen = observe(torch.as_tensor(track.joints_2d), torch.as_tensor(track.world), intrinsics, sides("right", FRAMES))
        rotations, betas, features = models.baseline(seen.inputs)
        scores = models.confidence(features)
        chosen = choose(scores, rotations)
        model = load_hand_model("open", "right")
        calibrate(model, betas[chosen], rotations[chosen], scores[chosen], models.confidence.reliability)
    taken = time.perf_counter() - begun
    return f"calibration: 20 of {FRAMES} pictures, models and 200 bootstrap draws included", f"{taken:.2f} s", "< 10 s"


def _inference(track: HandTrack) -> list[Row]:
    clip = _Clip()
    request = Request(clip, Keypoints((track,), FRAMES, 30.0, 640, 480), default_intrinsics(640, 480))  # type: ignore[arg-type]
    found = []
    for name in METHODS:
        method = load_method(name)
        method.estimate(request, lambda stage, fraction: None)
        begun = time.perf_counter()
        method.estimate(request, lambda stage, fraction: None)
        rate = FRAMES / (time.perf_counter() - begun)
        target = "≥ 30" if name == "kong2022-identity" else ""
        found.append((f"{name}: frames/s after detection, meshes included", f"{rate:.0f}", target))
    return found


class _Clip:
    """What a method asks of a clip, for a hand that was never filmed."""

    fps, frame_count, width, height, path = 30.0, FRAMES, 640, 480, Path("made.mp4")


def _signing() -> list[Row]:
    """A real hand of 325 frames: how far the meshes' joints lie from the detected ones."""
    path = MEDIA / "asl_hand_25fps.mp4"
    if not path.exists():
        return [("identity-aware estimation on a real hand", "skipped: ../shared/media is absent", "")]
    clip = open_clip(path)
    keypoints = detect(clip, report=lambda stage, fraction: None)
    request = Request(clip, keypoints, default_intrinsics(clip.width, clip.height))
    misses, shapes = {}, 0
    for name in METHODS:
        found = load_method(name).estimate(request, lambda stage, fraction: None)
        values = [v for hand in series(found, keypoints)["hands"] for v in hand["values"]["reprojection"] if v is not None]
        misses[name] = float(np.mean(values))
        if name == "kong2022-identity-opt":
            assert found.betas is not None
            shapes = len(np.unique(found.betas, axis=0))
    ours, baseline = misses["kong2022-identity-opt"], misses["kong2022"]
    listed = ", ".join(f"{name} {value:.2f}" for name, value in misses.items())
    return [
        ("real hand, 325 frames: reprojection in px", listed, ""),
        ("real hand: identity-aware, fitted, against the baseline", f"{ours:.2f} px, {baseline:.2f} px", "below"),
        ("real hand: shapes in the whole clip, identity-aware", str(shapes), "1"),
    ]
