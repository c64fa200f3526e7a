"""A run's prediction against the ground truth of its clip: every alignment and measure, per clip, joint and frame."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from ml.catalog import RUN_MEASURES
from ml.formats.prediction import PredictionArrays
from ml.hand.skeleton import JOINTS
from ml.keypoints.tracks import Keypoints
from ml.metrics.alignment import ALIGNMENTS, Alignment
from ml.metrics.frame_attributes import frame_attributes
from ml.metrics.matching import in_track_order
from ml.metrics.missing_hand_rule import MissingHandRule
from ml.metrics.missing_hands import zero_prediction_errors
from ml.metrics.pairing import Pair, open_pair
from ml.metrics.process_pool import ProcessPool
from ml.metrics.protocol import PREFIXES, PROTOCOLS, Protocol
from ml.metrics.report import SCORER_VERSION
from ml.metrics.run_details import run_details
from ml.metrics.scoring import Scores, score_pair
from ml.progress import ProgressCallback

PROTOCOL: Final[Protocol] = replace(
    PROTOCOLS["palmares"], name="run", joint_alignments=ALIGNMENTS, mesh_alignments=ALIGNMENTS, f_alignments=ALIGNMENTS
)
PENALTY_MM: Final = 50.0
"""What a missing hand costs at least in every mean distance, as in the embedded benchmark."""
VERSION: Final = f"{SCORER_VERSION}.2"
"""Changes when a value can."""

_METRICS: Final = {
    "mpjpe": "mpjpe",
    "mpvpe": "mpvpe",
    "auc": "auc_joints",
    "auc_vertices": "auc_vertices",
    "f5": "f5",
    "f15": "f15",
}
_ACCELERATION: Final = "ra_acceleration_error"


@dataclass(frozen=True)
class RunScores:
    """What `score_run` found.

    Attributes:
        content: means over the clip, ready for JSON.
        frames: `frame`, `track`, `side` and `found` of each hand of the truth [N], `ALIGNMENT.MEASURE` float32 [N] (mm, a
            share, mm/frame²; NaN where there is none), `ALIGNMENT.joints` float32 [N, 21], mm, and `slice.ATTRIBUTE` int8 [N]
            (`ml.metrics.frame_attributes`).
    """

    content: dict[str, Any]
    frames: dict[str, np.ndarray]


def score_run(
    truth: Path,
    prediction: Path,
    *,
    name: str,
    keypoints: Keypoints | None = None,
    is_video: bool = True,
    pool: ProcessPool | None = None,
    progress: ProgressCallback | None = None,
) -> RunScores:
    """Score a canonical prediction against a canonical truth of one clip.

    Args:
        truth: of the clip.
        prediction: of the run.
        name: what messages call the prediction.
        keypoints: detected in the clip, for attributes of hands whose visibility the truth does not say.
        is_video: whether neighbouring frames follow each other in time.
        pool: shares the work; without one this process does all.
        progress: called after each span of frames.

    Raises:
        FormatError: a file is not canonical.
    """
    with open_pair(PROTOCOL, truth, prediction, name=name) as pair:
        scores = score_pair(PROTOCOL, pair, pool=pool, progress=progress)
        zero_errors = zero_prediction_errors(PROTOCOL, pair, scores)
        content, frames = _content(pair, scores, zero_errors), _frames(pair, scores)
    rows = in_track_order(PredictionArrays.load(truth))
    attributes = frame_attributes(rows, keypoints, is_video=is_video)
    content["occlusion"] = "truth" if rows.visible is not None else "detections" if keypoints else ""
    frames |= {f"slice.{attribute}": codes for attribute, codes in attributes.items()}
    content |= run_details(rows, PredictionArrays.load(prediction), frames, is_video=is_video)
    return RunScores(content, frames)


def _named(scores: Scores, alignment: Alignment) -> dict[str, np.ndarray]:
    """Values by frame [N] of the measures under an alignment."""
    found = {measure: PREFIXES[alignment] + metric for measure, metric in _METRICS.items()}
    if alignment == "root":
        found["acceleration"] = _ACCELERATION
    assert set(found) <= set(RUN_MEASURES)
    return {measure: scores.per_frame[metric] for measure, metric in found.items() if metric in scores.per_frame}


def _content(pair: Pair, scores: Scores, zero_errors: dict[str, np.ndarray]) -> dict[str, Any]:
    found = scores.found
    rule = MissingHandRule(penalises=True, penalty_mm=PENALTY_MM)
    alignments: dict[str, dict[str, float | None]] = {}
    penalised: dict[str, Any] = {}
    for alignment in ALIGNMENTS:
        values = _named(scores, alignment)
        alignments[alignment] = {measure: _mean(array[found]) for measure, array in values.items()}
        penalised[alignment] = {}
        for measure, array in values.items():
            metric = PREFIXES[alignment] + _METRICS.get(measure, "")
            if measure != "acceleration":
                penalised[alignment][measure] = _mean(rule.ranked_values(metric, array, found, zero_errors.get(metric, 0.0)))
    acceleration = alignments["root"].get("acceleration")
    if acceleration is not None and pair.fps:
        alignments["root"]["acceleration_m_s2"] = acceleration * pair.fps**2 / 1000
    count = int(found.sum())
    return {
        "unit": "mm",
        "scorer": VERSION,
        "alignments": alignments,
        "penalised": penalised | {"penalty_mm": PENALTY_MM},
        "coverage": count / pair.count,
        "counts": {"rows": pair.count, "found": count, "missing": pair.count - count, "extra": pair.extra},
        "vertices": {"truth": pair.truth.vertex_count, "prediction": pair.prediction.vertex_count},
        "fps": pair.fps,
        "joints": {
            alignment: {joint: _mean(column) for joint, column in zip(JOINTS, array.T, strict=True)}
            for alignment, array in scores.joint_distances.items()
        },
        "reflected": int(scores.reflects.sum()),
        "notes": list(pair.notes),
    }


def _frames(pair: Pair, scores: Scores) -> dict[str, np.ndarray]:
    assert pair.time is not None
    assert pair.sides is not None
    arrays = {"frame": pair.time[0], "track": pair.time[1], "side": pair.sides, "found": scores.found}
    for alignment in ALIGNMENTS:
        arrays |= {f"{alignment}.{measure}": array.astype(np.float32) for measure, array in _named(scores, alignment).items()}
        arrays[f"{alignment}.joints"] = scores.joint_distances[alignment].astype(np.float32)
    return arrays


def _mean(values: np.ndarray) -> float | None:
    finite = values[np.isfinite(values)]
    mean = float(finite.mean()) if len(finite) else math.nan
    return mean if math.isfinite(mean) else None
