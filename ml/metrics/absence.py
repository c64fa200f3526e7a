"""What a missing hand costs at least: the error of a prediction that says nothing, all points at the origin.

That is what official scripts get where a method finds no hand (those of FreiHAND and HO3D want every frame: zeros are sent for
those that are missing). It depends on the hand and on the alignment: after a similarity, all points lie at the hand's centre.
"""

from __future__ import annotations

import numpy as np

from ml.metrics.alignment import Alignment
from ml.metrics.errors import distances
from ml.metrics.pairing import Pair
from ml.metrics.protocol import PREFIXES, Protocol
from ml.metrics.scoring import Scores


def errors_of_nothing(protocol: Protocol, pair: Pair, scores: Scores) -> dict[str, np.ndarray]:
    """For each mean distance that was scored, the error of nothing in mm [N] where a hand is missing; 0 where it is not.

    Empty where none is missing.
    """
    missing = np.flatnonzero(~scores.found)
    found: dict[str, np.ndarray] = {}
    if not len(missing):
        return found
    joints = np.asarray(pair.truth.joints(0, pair.count), np.float64)[missing]
    seen = None if pair.truth.seen is None else pair.truth.seen[missing]
    root = joints[:, protocol.root : protocol.root + 1]
    kinds = [("mpjpe", joints, seen, protocol.joint_alignments)]
    if any(name.endswith("mpvpe") for name in scores.per_frame):
        vertices = np.asarray(pair.truth.vertices(0, pair.count), np.float64)[missing]
        kinds.append(("mpvpe", vertices, None, protocol.mesh_alignments))
    for error, points, there, alignments in kinds:
        for alignment in alignments:
            values = np.zeros(pair.count)
            values[missing] = protocol.unit_mm * _mean_distance(points, _place(alignment, points, root, there), there)
            found[f"{PREFIXES[alignment]}{error}"] = values
    return found


def _place(alignment: Alignment, points: np.ndarray, root: np.ndarray, seen: np.ndarray | None) -> np.ndarray:
    """Where nothing lies after an alignment to points [n, P, 3]: [n, 1, 3]."""
    if alignment == "none":
        return np.zeros_like(root)
    if alignment in ("root", "scale-translation"):
        return root
    weights = np.ones(points.shape[:2]) if seen is None else seen.astype(np.float64)
    total = np.maximum(weights.sum(1), 1)[:, None, None]
    return np.asarray((np.nan_to_num(points) * weights[..., None]).sum(1, keepdims=True) / total)


def _mean_distance(points: np.ndarray, place: np.ndarray, seen: np.ndarray | None) -> np.ndarray:
    apart = distances(points, np.broadcast_to(place, points.shape))
    if seen is None:
        return np.asarray(apart.mean(1))
    return np.asarray(np.where(seen, apart, 0.0).sum(1) / np.maximum(seen.sum(1), 1))
