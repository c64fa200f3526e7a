"""Ingestion and keypoints on real clips: time, hands found, jitter and drift against a known motion, agreement."""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path

import numpy as np

from ml.clip import open_clip
from ml.keypoints.detector import HandDetector, detect
from ml.web_copy import WEB_VIDEO, make_web_copy

MEDIA = Path(__file__).resolve().parents[3] / "shared" / "media"
SLOW = 11
"""Frames over which a deviation counts as drift and below which as jitter."""

Row = tuple[str, str, str]


def rows() -> list[Row]:
    """(what, measured, target); a single row that says so where the clips are absent."""
    if not MEDIA.is_dir():
        return [("keypoints on real clips", "skipped: ../shared/media is absent", "")]
    begun = time.perf_counter()
    with HandDetector(1) as detector:
        detector.find(np.zeros((64, 64, 3), np.uint8))
    return [
        ("MediaPipe: import and first graph, once a process", f"{time.perf_counter() - begun:.2f} s", ""),
        *_pan(),
        *_signing(),
    ]


def known_motion() -> tuple[np.ndarray, float]:
    """Of `hands_pan.mp4`: affine maps [frames, 2, 3] from the photograph to the video, and their mean scale."""
    motion = np.load(MEDIA / "hands_pan_affine.npy")
    return motion, float(np.sqrt(np.abs(np.linalg.det(motion[:, :, :2]))).mean())


def photo_coordinates(frames: np.ndarray, joints_2d: np.ndarray, motion: np.ndarray) -> np.ndarray:
    """Joints [n, 21, 2] of the frames [n] in the photograph's pixels, by the inverse of the motion [all frames, 2, 3]."""
    A, b = motion[frames, :, :2], motion[frames, :, 2]
    photo: np.ndarray = np.linalg.solve(A[:, None], (joints_2d - b[:, None])[..., None])[..., 0]
    return photo


def jitter_and_drift(joints: np.ndarray) -> tuple[float, float]:
    """RMS of what a moving mean over `SLOW` frames leaves, and of how that mean strays from the whole's, in pixels.

    Args:
        joints: [n, 21, 2] of a hand that does not move.
    """
    kernel = np.ones(SLOW) / SLOW
    slow = np.apply_along_axis(np.convolve, 0, joints, kernel, "valid")
    fast = joints[SLOW // 2 : len(joints) - SLOW // 2] - slow
    stray = slow - slow.mean(axis=0)
    return tuple(float(np.sqrt((d**2).sum(axis=-1).mean())) for d in (fast, stray))


def _pan() -> list[Row]:
    path = MEDIA / "hands_pan.mp4"
    motion, scale = known_motion()
    result = []
    with tempfile.TemporaryDirectory() as folder:
        begun = time.perf_counter()
        make_web_copy(path, Path(folder) / "kept", progress=lambda *_: None)
        result.append(("web copy of 150 frames of 640×480", f"{time.perf_counter() - begun:.2f} s", "about 1 s"))
        for label, source in (("hands_pan.mp4", path), ("its web copy", Path(folder) / "kept" / WEB_VIDEO)):
            clip = open_clip(source)
            begun = time.perf_counter()
            keypoints = detect(clip)
            spent = (time.perf_counter() - begun) / clip.frame_count * 1000
            result.append((f"{label}: detection, 2 hands", f"{spent:.1f} ms/frame", "30 ms/frame"))
            result.append((f"{label}: tracks", ", ".join(t.side for t in keypoints.tracks), "left, left"))
            for track in keypoints.tracks:
                name = f"{label}, track {track.track}"
                joints = photo_coordinates(track.frames, track.joints_2d, motion) * scale
                swaps = int((np.linalg.norm(np.diff(joints[:, 0], axis=0), axis=-1) > 60).sum())
                jitter, drift = jitter_and_drift(joints)
                result.append(
                    (f"{name}: found, swaps", f"{len(track.frames)} of {clip.frame_count}, {swaps}", "≥ 148 of 150, 0")
                )
                result.append((f"{name}: 2D jitter, drift (RMS)", f"{jitter:.2f} px, {drift:.2f} px", ""))
    return result


def _signing() -> list[Row]:
    reference = np.array(json.loads((MEDIA / "asl_hand_mediapipe_world.json").read_text()))
    clip = open_clip(MEDIA / "asl_hand_25fps.mp4")
    begun = time.perf_counter()
    tracks = detect(clip).tracks
    spent = (time.perf_counter() - begun) / clip.frame_count * 1000
    name = "asl_hand_25fps.mp4"
    found = ", ".join(f"{t.side} {len(t.frames)}" for t in tracks)
    error = np.concatenate([np.linalg.norm(t.world - reference[t.frames], axis=-1).ravel() for t in tracks]) * 1000
    return [
        (f"{name}: detection, 1 hand", f"{spent:.1f} ms/frame", ""),
        (f"{name}: tracks", found, "right 325"),
        (f"{name}: world landmarks against the reference", f"{np.median(error):.2f} mm median", "≤ 0.5 mm"),
    ]
