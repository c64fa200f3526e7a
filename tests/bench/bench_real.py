"""Every method on real hands: the stereo clip against its triangulated joints, and the clips without a truth.

Wants `../shared/real` and `../shared/media`; says so where they are absent. Detection runs once a clip. Predictions are
compared by PA-MPJPE without a true scale. The triangulation has no metric unit: it is scaled so that the hand is 92 mm from
wrist to middle knuckle in the median.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import roma
import torch

from ml.catalog import METHODS
from ml.clip import open_clip
from ml.formats.prediction import PredictionArrays
from ml.hand.camera import default_intrinsics, project
from ml.keypoints.detector import detect
from ml.keypoints.tracks import Keypoints
from ml.methods.interface import Request, load_method
from tests.bench.stereo import read_cameras, reprojection, triangulated

SHARED = Path(__file__).resolve().parents[3] / "shared"
PALM_METRES = 0.092
BROKEN = 2.0
"""A mesh whose projection is this many times larger than the detected hand, or that reaches the camera, is broken."""

STEREO = ("stereo_cam0_test.mp4", "stereo_cam1_test.mp4")
MEDIA = ("hands_pan.mp4", "asl_hand_25fps.mp4")
TARGETS = {STEREO[0]: "PA <= 12.0 mm, 2D <= 2%, 0 broken", STEREO[1]: "PA <= 10.5 mm, 2D <= 2%, 0 broken"}

Row = tuple[str, str, str]


@dataclass(frozen=True)
class _Scene:
    """A clip, what was detected in it, and joints [21, 3] (m) by frame where there is a reference."""

    name: str
    request: Request
    truth: dict[int, np.ndarray]


def rows(methods: tuple[str, ...] = tuple(METHODS)) -> list[Row]:
    """(what, measured, target)."""
    missing = [folder for folder in ("real", "media") if not (SHARED / folder).is_dir()]
    if missing:
        return [(f"real hands: skipped, {' and '.join(f'../shared/{m}' for m in missing)} absent", "not measured", "")]
    found: list[Row] = []
    for scene in _scenes(found):
        if scene.truth:
            found.append(_mediapipe(scene))
        for method in methods:
            found.append(_measured(scene, method))
    return found


def _scenes(found: list[Row]) -> list[_Scene]:
    clips = [open_clip(SHARED / "real" / name) for name in STEREO] + [open_clip(SHARED / "media" / name) for name in MEDIA]
    keypoints = [detect(clip) for clip in clips]
    cameras = read_cameras(SHARED / "real")
    joints = triangulated(cameras, (keypoints[0], keypoints[1]))
    miss = np.concatenate([reprojection(c, _main(k), joints).ravel() for c, k in zip(cameras, keypoints[:2], strict=True)])
    spread = f"{len(joints)} frames, {np.median(miss):.1f} px, p90 {np.percentile(miss, 90):.1f} px"
    found.append(("stereo clip: triangulated frames, median reprojection", spread, ""))
    palms = [np.linalg.norm(hand[0] - hand[9]) for hand in joints.values()]
    metres = {frame: hand * PALM_METRES / np.median(palms) for frame, hand in joints.items()}
    scenes = []
    for number, (clip, seen) in enumerate(zip(clips, keypoints, strict=True)):
        request = Request(clip, seen, default_intrinsics(clip.width, clip.height))
        scenes.append(_Scene(clip.path.name, request, metres if number < 2 else {}))
        looked = sum(len(track.frames) for track in seen.tracks)
        expected = clip.frame_count * (2 if "pan" in clip.path.name else 1)
        found.append((f"{clip.path.name}: hands missed by detection", f"{max(0, expected - looked)} of {expected}", ""))
    return scenes


def _measured(scene: _Scene, method: str) -> Row:
    began = time.perf_counter()
    prediction = load_method(method).estimate(scene.request, lambda stage, fraction: None)
    speed = len(prediction) / (time.perf_counter() - began)
    parts = []
    if scene.truth:
        parts.append(f"PA {_against(scene, prediction.frame, prediction.joints):.2f} mm")
    miss, broken = _on_the_image(scene.request.keypoints, prediction)
    parts += [f"2D {miss:.2f}%", f"{broken} broken", f"jitter {_jitter(prediction):.1f} mm/frame²", f"{speed:.0f} hands/s"]
    return (
        f"{scene.name}, {method}",
        ", ".join(parts),
        TARGETS.get(scene.name, "2D <= 2%, 0 broken") if method == "fused-fit" else "0 broken",
    )


def _mediapipe(scene: _Scene) -> Row:
    track = _main(scene.request.keypoints)
    error = _against(scene, track.frames, track.world)
    return f"{scene.name}, MediaPipe's world landmarks", f"PA {error:.2f} mm", "side by side"


def _against(scene: _Scene, frames: np.ndarray, joints: np.ndarray) -> float:
    """PA-MPJPE, mm, over the frames of the reference."""
    where = {int(frame): row for row, frame in enumerate(frames)}
    common = [frame for frame in scene.truth if frame in where]
    a, b = np.stack([joints[where[f]] for f in common]), np.stack([scene.truth[f] for f in common])
    a, b = (torch.as_tensor(x - x.mean(1, keepdims=True)).double() for x in (a, b))
    rotation, singular = roma.special_procrustes(b.mT @ a, return_singular_values=True)
    scale = singular.sum(-1) / a.square().sum((1, 2))
    return float(1000 * (scale[:, None, None] * (a @ rotation.mT) - b).norm(dim=-1).mean())


def _on_the_image(keypoints: Keypoints, prediction: PredictionArrays) -> tuple[float, int]:
    """Mean 2D miss of the joints in % of the hand's box, and how many meshes are broken."""
    misses, broken = [], 0
    for track in keypoints.tracks:
        mine = prediction.rows(prediction.track == track.track)
        mine = mine.rows(np.isin(mine.frame, track.frames))  # a method may fill gaps, in which nothing was detected
        seen = track.joints_2d[np.searchsorted(track.frames, mine.frame)]
        box = np.ptp(seen, axis=1).max(-1)
        misses.append((np.linalg.norm(project(mine.joints, mine.intrinsics) - seen, axis=-1) / box[:, None]).ravel())
        for vertices, size in zip(mine.vertices, box, strict=True):
            near = bool((vertices[:, 2] < 0.02).any())
            broken += near or float(np.ptp(project(vertices, mine.intrinsics), axis=0).max()) > BROKEN * size
    return float(100 * np.concatenate(misses).mean()), broken


def _jitter(prediction: PredictionArrays) -> float:
    """Mean second difference in time of wrist-relative joints, mm, where three frames follow each other."""
    found = []
    for track in np.unique(prediction.track):
        mine = prediction.rows(prediction.track == track)
        relative = mine.joints - mine.joints[:, :1]
        steps = np.diff(mine.frame)
        second = np.linalg.norm(relative[2:] - 2 * relative[1:-1] + relative[:-2], axis=-1)
        found.append(second[(steps[1:] == 1) & (steps[:-1] == 1)].ravel())
    return float(1000 * np.concatenate(found).mean())


def _main(keypoints: Keypoints):
    return max(keypoints.tracks, key=lambda track: len(track.frames))
