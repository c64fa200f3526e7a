"""Calibration and identity-aware estimation: how long they take, and how well they lie over a real hand."""

from __future__ import annotations

import tempfile
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import roma
import torch

from ml import catalog
from ml.clip import Clip, open_clip
from ml.clip.encode import web_video
from ml.formats.prediction import PredictionArrays
from ml.hand.camera import default_intrinsics
from ml.hand.model import load_hand_model
from ml.identity.calibration import calibrate
from ml.identity.frame_selection import select_calibration_frames
from ml.identity.inference import estimate_tracks
from ml.identity.weights import load_models
from ml.keypoints.detector import detect
from ml.keypoints.tracks import HandTrack, Keypoints
from ml.methods.interface import Request, load_method
from ml.metrics.no_truth import series

MEDIA = Path(__file__).resolve().parents[3] / "shared" / "media"
FRAMES = 600
METHODS = tuple(name for name in catalog.METHODS if name.startswith("kong2022"))

Row = tuple[str, str, str]


def rows() -> list[Row]:
    """(what, measured, target)."""
    track = _seen_hand()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "made.mp4"
        with web_video(path, Fraction(30), (640, 480)) as video:
            picture = np.random.default_rng(0).integers(0, 255, (30, 40, 3), np.uint8).repeat(16, 0).repeat(16, 1)
            for _ in range(FRAMES):
                video.write(picture)
        clip = open_clip(path)
        return [_calibrating(track, clip), *_inference(track, clip), *_signing(), *_panned()]


def _seen_hand() -> HandTrack:
    """A hand half a metre away that moves a little, in a picture of 640 × 480."""
    generator = torch.Generator().manual_seed(0)
    model = load_hand_model("open", "right")
    pose = roma.rotvec_to_rotmat(0.25 * torch.randn(FRAMES, 16, 3, generator=generator))
    joints = model.joints(pose, torch.zeros(1, 10), torch.tensor([0.0, 0.0, 0.5])).numpy()
    intrinsics = default_intrinsics(640, 480)
    pixels = joints[..., :2] / joints[..., 2:] * intrinsics[[0, 1], [0, 1]] + intrinsics[:2, 2]
    world = (joints - joints.mean(1, keepdims=True)).astype(np.float32)
    ones = np.ones(FRAMES, np.float32)
    return HandTrack(0, "right", np.arange(FRAMES, dtype=np.int32), pixels.astype(np.float32), world, ones)


def _calibrating(track: HandTrack, clip: Clip) -> Row:
    """From keypoints of a clip to a shape with its uncertainty: images decoded, models loaded from their files."""
    load_models.cache_clear()
    begun = time.perf_counter()
    models = load_models()
    ((_, found),) = estimate_tracks(models, clip, [track], default_intrinsics(640, 480))
    with torch.no_grad():
        chosen = select_calibration_frames(found.scores, found.baseline)
        model = load_hand_model("open", "right")
        calibrate(model, found.rows(chosen), models.confidence.moments)
    taken = time.perf_counter() - begun
    what = f"calibration: 20 of {FRAMES} pictures, decoding, models and 200 bootstrap draws included"
    return what, f"{taken:.2f} s", "< 10 s"


def _inference(track: HandTrack, clip: Clip) -> list[Row]:
    request = Request(clip, Keypoints((track,), FRAMES, 30.0, 640, 480), default_intrinsics(640, 480))
    found = []
    for name in METHODS:
        method = load_method(name)
        method.estimate(request, lambda stage, fraction: None)
        begun = time.perf_counter()
        method.estimate(request, lambda stage, fraction: None)
        rate = FRAMES / (time.perf_counter() - begun)
        target = "≥ 30" if name == "kong2022-identity" else ""
        found.append((f"{name}: frames/s after detection, decoding and meshes included", f"{rate:.0f}", target))
    return found


def _signing() -> list[Row]:
    """A real hand of 325 frames: how far the meshes' joints lie from the detected ones."""
    path = MEDIA / "asl_hand_25fps.mp4"
    if not path.exists():
        return [("identity-aware estimation on a real hand", "skipped: ../shared/media is absent", "")]
    found, keypoints = _estimated(path)
    misses = {
        name: float(np.mean([v for hand in series(made, keypoints)["hands"] for v in _numbers(hand)]))
        for name, made in found.items()
    }
    shapes = len(np.unique(found["kong2022-identity-opt"].betas, axis=0))
    ours, baseline = misses["kong2022-identity-opt"], misses["kong2022"]
    listed = ", ".join(f"{name} {value:.2f}" for name, value in misses.items())
    return [
        ("real hand, 325 frames: reprojection in px", listed, ""),
        ("real hand: identity-aware, fitted, against the baseline", f"{ours:.2f} px, {baseline:.2f} px", "below"),
        ("real hand: shapes in the whole clip, identity-aware", str(shapes), "1"),
    ]


def _panned() -> list[Row]:
    """A photograph of two hands over which a camera pans: poses that stay what they are."""
    path = MEDIA / "hands_pan.mp4"
    if not path.exists():
        return []
    wander = {}
    for name, made in _estimated(path)[0].items():
        relative = made.joints - made.joints[:, :1]
        apart = [relative[made.track == track] - relative[made.track == track].mean(0) for track in np.unique(made.track)]
        wander[name] = 1000 * float(np.linalg.norm(np.concatenate(apart), axis=-1).mean())
    listed = ", ".join(f"{name} {value:.1f}" for name, value in wander.items())
    return [("two still hands, panned over: joints about their mean, mm", listed, "")]


def _numbers(hand: dict[str, Any]) -> list[float]:
    return [value for value in hand["values"]["reprojection"] if value is not None]


def _estimated(path: Path) -> tuple[dict[str, PredictionArrays], Keypoints]:
    """By all of these methods."""
    clip = open_clip(path)
    keypoints = detect(clip, progress=lambda stage, fraction: None)
    request = Request(clip, keypoints, default_intrinsics(clip.width, clip.height))
    return {name: load_method(name).estimate(request, lambda stage, fraction: None) for name in METHODS}, keypoints
