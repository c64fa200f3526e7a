"""Methods on real hands: a clip of two calibrated cameras against its triangulated joints, and clips without a truth.

The clips are in `../shared` beside the project, where they are at hand. Predictions are compared by PA-MPJPE without a true
scale; the triangulation has no metric unit: it is scaled to a median of 92 mm from wrist to middle knuckle.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from ml.clip import open_clip
from ml.formats.prediction import PredictionArrays
from ml.hand.camera import default_intrinsics, project
from ml.keypoints.detector import detect
from ml.keypoints.tracks import HandTrack, Keypoints
from ml.methods.interface import Request
from ml.metrics.alignment import procrustes_align
from ml.training.two_cameras import read_cameras, reprojection, triangulated

SHARED: Final = Path(__file__).resolve().parents[3] / "shared"
TWO_CAMERAS: Final = ("stereo_cam0_test.mp4", "stereo_cam1_test.mp4")
ONE_CAMERA: Final = ("hands_pan.mp4", "asl_hand_25fps.mp4")
PALM_METRES: Final = 0.092
BROKEN: Final = 2.0
"""A mesh whose projection is this many times larger than the detected hand, or that reaches the camera, is broken."""


@dataclass(frozen=True)
class RealClip:
    """A clip, what was detected in it, and joints [21, 3] (m) by frame where there is a reference.

    Attributes:
        name: of its file.
        request: of a method.
        truth: by frame; empty without a reference.
        reprojection: px, of the triangulated joints in this camera, [frames × 21].
    """

    name: str
    request: Request
    truth: dict[int, np.ndarray]
    reprojection: np.ndarray


def absent() -> list[str]:
    """The folders of `../shared` that are not there."""
    return [folder for folder in ("real", "media") if not (SHARED / folder).is_dir()]


def real_clips(names: tuple[str, ...] = ONE_CAMERA) -> list[RealClip]:
    """The clip of two cameras, once for each, then clips of one camera by name."""
    clips = [open_clip(SHARED / "real" / name) for name in TWO_CAMERAS] + [open_clip(SHARED / "media" / name) for name in names]
    keypoints = [detect(clip) for clip in clips]
    cameras = read_cameras(SHARED / "real")
    joints = triangulated(cameras, (keypoints[0], keypoints[1]))
    metres = in_metres(joints)
    found = []
    for number, (clip, seen) in enumerate(zip(clips, keypoints, strict=True)):
        request = Request(clip, seen, default_intrinsics(clip.width, clip.height))
        both = number < len(TWO_CAMERAS)
        miss = reprojection(cameras[number], longest_track(seen), joints).ravel() if both else np.zeros(0)
        found.append(RealClip(clip.path.name, request, metres if both else {}, miss))
    return found


def in_metres(joints: dict[int, np.ndarray]) -> dict[int, np.ndarray]:
    """Triangulated joints by frame, scaled to `PALM_METRES`."""
    palm = np.median([np.linalg.norm(hand[0] - hand[9]) for hand in joints.values()])
    return {frame: hand * PALM_METRES / palm for frame, hand in joints.items()}


def against_reference(clip: RealClip, frames: np.ndarray, joints: np.ndarray) -> float:
    """PA-MPJPE without reflection, mm, of joints [n, 21, 3] at frames [n], over the frames of the reference."""
    where = {int(frame): row for row, frame in enumerate(frames)}
    common = [frame for frame in clip.truth if frame in where]
    truth = np.stack([clip.truth[f] for f in common]).astype(np.float64)
    found = np.stack([joints[where[f]] for f in common]).astype(np.float64)
    aligned, _ = procrustes_align(truth, found, reflections=False)
    return float(1000 * np.linalg.norm(aligned - truth, axis=-1).mean())


def on_the_image(keypoints: Keypoints, prediction: PredictionArrays) -> tuple[float, int]:
    """Mean distance in the image of joints from the detected ones, in % of the hand's box, and the number of broken meshes."""
    misses, broken = [], 0
    for track in keypoints.tracks:
        mine = prediction.rows(prediction.track == track.track)
        mine = mine.rows(np.isin(mine.frame, track.frames))  # a method may fill gaps, in which nothing was detected
        assert mine.intrinsics is not None
        seen = track.joints_2d[np.searchsorted(track.frames, mine.frame)]
        box = np.ptp(seen, axis=1).max(-1)
        misses.append((np.linalg.norm(project(mine.joints, mine.intrinsics) - seen, axis=-1) / box[:, None]).ravel())
        for vertices, size in zip(mine.vertices if mine.vertices is not None else (), box, strict=False):
            near = bool((vertices[:, 2] < 0.02).any())
            broken += int(near or float(np.ptp(project(vertices, mine.intrinsics), axis=0).max()) > BROKEN * size)
    return float(100 * np.concatenate(misses).mean()), broken


def longest_track(keypoints: Keypoints) -> HandTrack:
    """The hand that is seen in most frames."""
    return max(keypoints.tracks, key=lambda track: len(track.frames))
