"""Metrics of a prediction without ground truth, by frame. Always labelled as such; never ranked as accuracy.

- *reprojection* (px): mean distance in the image between projected joints and detected keypoints.
- *jitter* (mm/frame²): mean length of the second difference in time of the joints relative to the wrist.
- *bone_length* (mm): mean distance of the 20 bone lengths from their median over the clip.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from ml.formats.prediction import PredictionArrays
from ml.hand.camera import project
from ml.hand.skeleton import BONES, SIDES
from ml.keypoints.tracks import Keypoints


def series(prediction: PredictionArrays, keypoints: Keypoints, detected_as: Mapping[int, int] | None = None) -> dict[str, Any]:
    """Per-frame curves for the plots.

    Args:
        prediction: of the clip.
        keypoints: detected in the clip.
        detected_as: track of the prediction → track of the keypoints, of methods that number tracks as they like.

    Returns:
        `{"frame_count", "hands": [{"track", "side", "values": {metric: [number | None] * frame_count}}]}`; None where the
        hand was not found, or where a neighbour needed for a difference in time is missing.
    """
    count = int(prediction.meta.get("frame_count", keypoints.frame_count))
    detected = {track.track: track for track in keypoints.tracks}
    hands = []
    prediction = replace(prediction, vertices=None)  # half a gigabyte in a long video, and not looked at here
    for number in np.unique(prediction.track):
        rows = prediction.rows(prediction.track == number)
        seen = detected.get(int(number) if detected_as is None else detected_as.get(int(number), -1))
        values = {
            "reprojection": _spread(rows.frame, _reprojection(rows, seen), count),
            "jitter": _spread(rows.frame, jitter(rows.frame, rows.joints), count),
            "bone_length": _spread(rows.frame, bone_length_deviation(rows.joints), count),
        }
        hands.append({"track": int(number), "side": SIDES[int(rows.side[0])], "values": values})
    return {"frame_count": count, "hands": hands}


def reprojection_error(joints: np.ndarray, pixels: np.ndarray, intrinsics: np.ndarray) -> np.ndarray:
    """Mean distance [N] (px) between joints [N, 21, 3] (m, camera frame) through intrinsics [3, 3] and pixels [N, 21, 2]."""
    distances = np.linalg.norm(project(joints, intrinsics) - pixels, axis=-1)
    return np.asarray(distances.mean(-1))


def jitter(frame: np.ndarray, joints: np.ndarray) -> np.ndarray:
    """Mean ‖p(t+1) − 2 p(t) + p(t−1)‖ [N] (mm/frame²) of root-aligned joints [N, 21, 3] (m); NaN where a neighbour is missing.

    Args:
        frame: int [N], ascending.
        joints: of one hand.
    """
    found = np.full(len(frame), np.nan)
    if len(frame) < 3:
        return found
    relative = joints - joints[:, :1]
    second = relative[2:] - 2 * relative[1:-1] + relative[:-2]
    whole = (frame[2:] - frame[:-2]) == 2
    found[1:-1][whole] = 1000 * np.linalg.norm(second[whole], axis=-1).mean(-1)
    return found


def bone_length_deviation(joints: np.ndarray) -> np.ndarray:
    """Mean |length − median length over the clip| [N] (mm) of the bones of joints [N, 21, 3] (m); NaN for a single frame."""
    if len(joints) < 2:
        return np.full(len(joints), np.nan)
    parents, children = np.array(BONES).T
    lengths = np.linalg.norm(joints[:, children] - joints[:, parents], axis=-1)
    return np.asarray(1000 * np.abs(lengths - np.median(lengths, axis=0)).mean(-1))


def agreement(one: PredictionArrays, other: PredictionArrays) -> float:
    """Mean root-aligned distance (mm) between two predictions' joints, over the rows (frame, track) both have; NaN if none."""
    keys = [{(int(f), int(t)): row for row, (f, t) in enumerate(zip(p.frame, p.track, strict=True))} for p in (one, other)]
    shared = sorted(keys[0].keys() & keys[1].keys())
    if not shared:
        return float("nan")
    a, b = (p.joints[[key[k] for k in shared]] for p, key in zip((one, other), keys, strict=True))
    return float(1000 * np.linalg.norm((a - a[:, :1]) - (b - b[:, :1]), axis=-1).mean())


def _reprojection(rows: PredictionArrays, seen: Any) -> np.ndarray:
    found = np.full(len(rows), np.nan)
    if seen is None or rows.intrinsics is None:
        return found
    _, mine, theirs = np.intersect1d(rows.frame, seen.frames, return_indices=True)
    found[mine] = reprojection_error(rows.joints[mine], seen.joints_2d[theirs], rows.intrinsics)
    return found


def _spread(frame: np.ndarray, values: np.ndarray, count: int) -> list[float | None]:
    """Values of some frames as a list over all of them; None elsewhere."""
    everything: list[float | None] = [None] * count
    for index, value in zip(frame.tolist(), values.tolist(), strict=True):
        if np.isfinite(value):
            everything[index] = round(value, 4)
    return everything
