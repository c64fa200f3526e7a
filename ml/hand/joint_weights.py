"""Skinning weights by the 21 joints: how far each joint moves each vertex, with the fingertips that skinning does not know."""

from __future__ import annotations

import numpy as np

from ml.hand.arrays import HandArrays
from ml.hand.skeleton import OPENPOSE_TO_MANO, TIPS


def joint_weights(arrays: HandArrays) -> np.ndarray:
    """Weights float64 [V, 21] in OpenPose order; rows sum to 1.

    The last phalanx of each finger hangs on one of the model's 16 joints: its weight is shared with the fingertip, linearly
    along the phalanx at rest.
    """
    weights = np.zeros((len(arrays.template), 21))
    weights[:, list(OPENPOSE_TO_MANO[:16])] = arrays.weights
    rest = arrays.regressor @ arrays.template
    tip_vertices = next(iter(arrays.tip_sets.values()))
    for tip, vertex in zip(TIPS, tip_vertices, strict=True):
        last = tip - 1
        start, end = rest[OPENPOSE_TO_MANO.index(last)], arrays.template[vertex]
        bone = end - start
        along = np.clip((arrays.template - start) @ bone / (bone @ bone), 0.0, 1.0)
        weights[:, tip] = weights[:, last] * along
        weights[:, last] *= 1 - along
    return weights
