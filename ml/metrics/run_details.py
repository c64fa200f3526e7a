"""What pages show of a run's scores beside its means: slices, the worst frames with their joints, lag and kept amplitude."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from ml.catalog import RUN_ALIGNMENTS, RUN_SLICES
from ml.formats.prediction import PredictionArrays
from ml.hand.camera import default_intrinsics, project
from ml.hand.skeleton import SIDES
from ml.metrics.matching import match
from ml.metrics.smoothness import smoothness

WORST: Final = 8
"""Frames that are kept of a run."""
APART: Final = 15
"""Frames between two of them in one track, at least: neighbours resemble each other."""
RANKED_BY: Final = "procrustes.mpjpe"


def run_details(truth: PredictionArrays, prediction: PredictionArrays, frames: dict[str, np.ndarray], *, is_video: bool) -> Any:
    """`slices`, `worst` and `motion`, ready for JSON.

    Args:
        truth: rows ordered by track, then frame.
        prediction: of the run.
        frames: as `ml.metrics.run_scores.RunScores.frames`, with the slices.
        is_video: whether neighbouring frames follow each other in time.
    """
    answers = match(truth, prediction)
    joints = np.where((answers >= 0)[:, None, None], prediction.joints[answers] if len(prediction) else np.nan, np.nan)
    found = smoothness(truth.frame, truth.track, truth.joints, joints) if is_video else None
    return {
        "slices": _slices(frames),
        "worst": _worst(truth, joints, frames),
        "motion": None if found is None else {"lag_frames": found.lag, "kept_amplitude": round(found.amplitude, 4)},
    }


def _slices(frames: dict[str, np.ndarray]) -> dict[str, Any]:
    """Attribute → category → true hands `n`, of which `found`, and their `mpjpe` (mm) under each alignment."""
    table: dict[str, Any] = {}
    for attribute, categories in RUN_SLICES.items():
        codes = frames[f"slice.{attribute}"]
        table[attribute] = {
            category: {
                "n": int(rows.sum()),
                "found": int((rows & frames["found"]).sum()),
                "mpjpe": {name: _mean(frames[f"{name}.mpjpe"][rows]) for name in RUN_ALIGNMENTS},
            }
            for code, category in enumerate(categories)
            if (rows := codes == code).any()
        }
    return table


def _worst(truth: PredictionArrays, joints: np.ndarray, frames: dict[str, np.ndarray]) -> list[dict[str, Any]]:
    """The worst hands by PA-MPJPE, the worst first; joints in pixels of the video [21, 2], as integers."""
    values = frames[RANKED_BY]
    order = np.argsort(-np.where(np.isfinite(values), values, -np.inf), kind="stable")
    width, height = int(truth.meta.get("width", 640)), int(truth.meta.get("height", 480))
    camera = np.asarray(truth.intrinsics if truth.intrinsics is not None else default_intrinsics(width, height), np.float64)
    chosen: list[int] = []
    for row in order.tolist():
        if len(chosen) == WORST or not np.isfinite(values[row]):
            break
        near = [k for k in chosen if truth.track[k] == truth.track[row] and abs(int(truth.frame[k]) - truth.frame[row]) < APART]
        if not near:
            chosen.append(row)
    poses = RUN_SLICES["pose"]
    return [
        {
            "frame": int(truth.frame[row]),
            "side": SIDES[int(truth.side[row])],
            "pose": poses[code] if (code := int(frames["slice.pose"][row])) >= 0 else "",
            "value": round(float(values[row]), 3),
            "truth": _pixels(truth.joints[row], camera),
            "prediction": _pixels(joints[row], camera),
        }
        for row in chosen
    ]


def _pixels(points: np.ndarray, camera: np.ndarray) -> list[list[int]]:
    """Empty where a point is not before the camera."""
    if not np.isfinite(points).all() or (points[:, 2] <= 0).any():
        return []
    seen = np.asarray(project(points[None].astype(np.float64), camera))[0]
    return [[round(x), round(y)] for x, y in np.clip(seen, -1e6, 1e6).tolist()]


def _mean(values: np.ndarray) -> float | None:
    finite = values[np.isfinite(values)]
    return round(float(finite.mean(dtype=np.float64)), 4) if len(finite) else None
