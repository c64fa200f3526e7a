"""What a missing hand costs at least: the error of a prediction whose points all lie at the origin.

Official scripts get exactly that where a method finds no hand (FreiHAND and HO3D want every frame, so zeros are sent for
those that are missing). It depends on the hand and on the alignment: after a similarity, all points lie at the hand's centre.
"""

from __future__ import annotations

import numpy as np

from ml.metrics.alignment import Alignment
from ml.metrics.errors import distances
from ml.metrics.pairing import Pair
from ml.metrics.protocol import PREFIXES, Protocol
from ml.metrics.scoring import Scores


def zero_prediction_errors(protocol: Protocol, pair: Pair, scores: Scores) -> dict[str, np.ndarray]:
    """For each mean distance that was scored, the error of an all-zeros prediction in mm [N] where a hand is missing, else 0.

    Empty where none is missing.
    """
    missing = np.flatnonzero(~scores.found)
    errors: dict[str, np.ndarray] = {}
    if not len(missing):
        return errors
    joints = np.asarray(pair.truth.joints(0, pair.count), np.float64)[missing]
    root = joints[:, protocol.root : protocol.root + 1]
    kinds = [("mpjpe", joints, protocol.joint_alignments)]
    if any(name.endswith("mpvpe") for name in scores.per_frame):
        vertices = np.asarray(pair.truth.vertices(0, pair.count), np.float64)[missing]
        kinds.append(("mpvpe", vertices, protocol.mesh_alignments))
    for error, points, alignments in kinds:
        for alignment in alignments:
            values = np.zeros(pair.count)
            aligned = np.broadcast_to(_aligned_origin(alignment, points, root), points.shape)
            values[missing] = protocol.unit_mm * distances(points, aligned).mean(1)
            errors[f"{PREFIXES[alignment]}{error}"] = values
    return errors


def _aligned_origin(alignment: Alignment, points: np.ndarray, root: np.ndarray) -> np.ndarray:
    """Where the origin lies [n, 1, 3] once aligned to points [n, P, 3]."""
    if alignment == "none":
        return np.zeros_like(root)
    if alignment in ("root", "scale-translation"):
        return root
    return np.asarray(points.mean(1, keepdims=True))
