"""Attributes of the true hands of a clip, by which scores are sliced: numbers of the categories in `ml.catalog.RUN_SLICES`.

=============  =====================================================================================================
`side`         of the hand
`occlusion`    share of joints that are seen (truth's `visible`): 90% or more, half or more, less; without it the
               confidence of the detection nearest in the image: .8 or more, .5 or more, less or none
`speed`        of the joints' mean place, m/s by central differences: below .05, below .3, .3 and more; images have none
`viewpoint`    the palm's normal n and the direction c to the camera: palm n·c > .5, back n·c < −.5; of the others
               `tips` where the middle finger's base, from the wrist, points along the line of sight (|f·c| > .7), else
               `side`
`pose`         straightness of the four fingers (base to tip, by the length of the bones between): fist all below .6,
               flat all above .85, point the index alone above .85 and two others below .7, pinch thumb and index tips
               closer than 30% of the palm's length, else other; the first that holds, pinch before fist
`size`         longer side of the joints' box, by the shorter side of the image: below 20%, below 45%, larger
`border`       whether a joint lies outside the image
=============  =====================================================================================================

The thresholds are ours.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from ml.catalog import RUN_SLICES
from ml.formats.prediction import PredictionArrays
from ml.hand.camera import default_intrinsics, project
from ml.keypoints.tracks import Keypoints

UNKNOWN: Final = -1
SEEN: Final = (0.9, 0.5)
CONFIDENT: Final = (0.8, 0.5)
SPEED_M_S: Final = (0.05, 0.3)
FACING: Final = 0.5
ALONG: Final = 0.7
CURLED: Final = 0.6
HALF_CURLED: Final = 0.7
STRAIGHT: Final = 0.85
PINCH: Final = 0.3
SIZE: Final = (0.2, 0.45)
NEAR: Final = 0.5
"""A detection belongs to a hand where it is nearer than this share of the hand's box."""


def frame_attributes(truth: PredictionArrays, keypoints: Keypoints | None, *, is_video: bool) -> dict[str, np.ndarray]:
    """Category of each row by attribute, int8 [N]; −1 where it is not known.

    Args:
        truth: rows ordered by track, then frame; `meta` has `fps`, and `width` and `height` unless the image is 640 × 480.
        keypoints: detected in the clip, for hands whose visibility the truth does not say.
        is_video: whether neighbouring frames follow each other in time.
    """
    width, height = float(truth.meta.get("width", 640)), float(truth.meta.get("height", 480))
    joints = truth.joints.astype(np.float64)
    camera = truth.intrinsics if truth.intrinsics is not None else default_intrinsics(int(width), int(height))
    with np.errstate(divide="ignore", invalid="ignore"):
        pixels = np.asarray(project(joints, camera.astype(np.float64)))
    box = np.ptp(pixels, axis=1).max(1)
    outside = ((pixels < 0) | (pixels >= [width, height])).any((1, 2))
    found = {
        "side": truth.side.astype(np.int8),
        "occlusion": _occlusion(truth, keypoints, pixels, box),
        "speed": _speed(truth, joints) if is_video else np.full(len(joints), UNKNOWN, np.int8),
        "viewpoint": _viewpoint(joints, truth.side),
        "pose": _pose(joints),
        "size": _below(box / min(width, height), SIZE),
        "border": outside.astype(np.int8),
    }
    assert set(found) == set(RUN_SLICES)
    return found


def _below(values: np.ndarray, limits: tuple[float, float]) -> np.ndarray:
    """0 below the first limit, 1 below the second, else 2; −1 for NaN."""
    return np.where(np.isfinite(values), np.searchsorted(limits, values, side="right"), UNKNOWN).astype(np.int8)


def _occlusion(truth: PredictionArrays, keypoints: Keypoints | None, pixels: np.ndarray, box: np.ndarray) -> np.ndarray:
    if truth.visible is not None:
        return (2 - _below((truth.visible > 0).mean(1), (SEEN[1], SEEN[0]))).astype(np.int8)
    if keypoints is None:
        return np.full(len(pixels), UNKNOWN, np.int8)
    best = np.zeros(len(pixels))
    for seen in keypoints.tracks:
        _, mine, theirs = np.intersect1d(truth.frame, seen.frames, return_indices=True)
        for frame, row in zip(truth.frame[mine], theirs, strict=True):
            rows = np.flatnonzero(truth.frame == frame)
            apart = np.linalg.norm(pixels[rows] - seen.joints_2d[row], axis=-1).mean(-1)
            near = rows[apart < NEAR * box[rows]]
            best[near] = np.maximum(best[near], seen.score[row])
    return (2 - _below(best, (CONFIDENT[1], CONFIDENT[0]))).astype(np.int8)


def _speed(truth: PredictionArrays, joints: np.ndarray) -> np.ndarray:
    """Central differences where a track has three frames in a row."""
    speed = np.full(len(joints), np.nan)
    place, frame, track = joints.mean(1), truth.frame.astype(np.int64), truth.track
    whole = (frame[2:] - frame[:-2] == 2) & (track[2:] == track[:-2])
    speed[1:-1][whole] = 0.5 * float(truth.meta["fps"]) * np.linalg.norm(place[2:] - place[:-2], axis=-1)[whole]
    return _below(speed, SPEED_M_S)


def _viewpoint(joints: np.ndarray, side: np.ndarray) -> np.ndarray:
    normal = np.cross(joints[:, 5] - joints[:, 0], joints[:, 17] - joints[:, 0])
    normal *= np.where(side == 1, 1.0, -1.0)[:, None]  # out of the palm, of either hand
    towards, finger = -joints.mean(1), joints[:, 9] - joints[:, 0]
    facing, along = _cosine(normal, towards), np.abs(_cosine(finger, towards))
    names = RUN_SLICES["viewpoint"]
    other = np.where(along > ALONG, names.index("tips"), names.index("side"))
    return np.where(facing > FACING, names.index("palm"), np.where(facing < -FACING, names.index("back"), other)).astype(
        np.int8
    )


def _pose(joints: np.ndarray) -> np.ndarray:
    fingers = joints[:, 5:].reshape(len(joints), 4, 4, 3)
    bones = np.linalg.norm(np.diff(fingers, axis=2), axis=-1).sum(2)
    straight = np.linalg.norm(fingers[:, :, 3] - fingers[:, :, 0], axis=-1) / np.maximum(bones, 1e-9)
    palm = np.linalg.norm(joints[:, 9] - joints[:, 0], axis=-1)
    pinched = np.linalg.norm(joints[:, 4] - joints[:, 8], axis=-1) < PINCH * palm
    names = RUN_SLICES["pose"]
    pose = np.full(len(joints), names.index("other"), np.int8)
    pose[(straight[:, 0] > STRAIGHT) & ((straight[:, 1:] < HALF_CURLED).sum(1) >= 2)] = names.index("point")
    pose[(straight > STRAIGHT).all(1)] = names.index("flat")
    pose[(straight < CURLED).all(1)] = names.index("fist")
    pose[pinched] = names.index("pinch")
    return pose


def _cosine(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(a, axis=-1) * np.linalg.norm(b, axis=-1)
    return np.asarray((a * b).sum(-1) / np.maximum(lengths, 1e-12))
