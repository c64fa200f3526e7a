"""What each frame adds to a mean over joints, where joints are annotated unevenly."""

from __future__ import annotations

import numpy as np

from ml.metrics.errors import areas_of_bins, threshold_bins
from ml.metrics.protocol import PREFIXES, Protocol
from ml.metrics.scoring import Scores


def frame_contributions(protocol: Protocol, scores: Scores, rows: np.ndarray) -> dict[str, np.ndarray]:
    """For each metric of joints, the contribution of each of some rows (bool [N]) to the mean over joints (`contributions`).

    Args:
        protocol: what was scored.
        scores: of all rows.
        rows: which of them.

    Returns:
        Metric name to values [rows.sum()], mm or a share.
    """
    found = {}
    for alignment, distances in scores.joint_distances.items():
        values, prefix = distances[rows], PREFIXES[alignment]
        found[f"{prefix}mpjpe"] = contributions(values)
        for number, curve in enumerate(protocol.curves):
            bins = threshold_bins(values, curve.thresholds(1.0), strict=curve.strict)
            areas = np.where(np.isfinite(values), areas_of_bins(curve)[bins], np.nan)
            found[f"{prefix}auc_joints" + (f"@{curve.name}" if number else "")] = contributions(areas)
    return found


def contributions(values: np.ndarray) -> np.ndarray:
    """What each frame adds [N] to the mean over points of their means over frames, from distances or areas [N, P].

    Their mean is the metric, also where points are seen unevenly (NaN where not): there the mean over frames of their own
    means is another number. NaN for frames in which nothing is seen.
    """
    seen = np.isfinite(values)
    of_point = seen.sum(0)
    shares = np.divide(np.where(seen, values, 0.0), of_point, out=np.zeros(values.shape), where=of_point > 0)
    frames = seen.any(1)
    return np.where(frames, shares.sum(1) * frames.sum() / max(int((of_point > 0).sum()), 1), np.nan)
