"""Hands of the open hand model as parameters, from which the viewer poses the meshes itself.

A *row* of parameters is float32 [61]: 16 rotations (axis-angle, MANO order, in the space of the side's own model), the
translation (m), ten β. The *model* is one file for both sides, the right hand's, little-endian; the left hand is its mirror
image in x:

- float32 [11, 16, 3]: the joints at rest (m), then their change per unit of each β;
- int16 [11, V, 3]: the vertices at rest, then their change per unit of each β, in steps that the track's header names;
- uint16 [V, 4]: skinning weights in 65535ths, then uint8 [V, 4]: which of the 16 joints they are of.

Only the open hand is sent, whose licence allows it; it has no pose correctives. `frontend/viewer/posed-hand.ts` reads it.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import torch

from ml.formats.prediction import PredictionArrays
from ml.formats.spill import release
from ml.hand.arrays import HandArrays
from ml.hand.model import HandModel, load_hand_model
from ml.hand.skeleton import Side

PARAMETERS: Final = 61
INFLUENCES: Final = 4
_BLOCK_ROWS: Final = 512
_SMALLEST_STEP: Final = 5e-7
_LARGEST_ERROR: Final = 5e-5
"""Metres between a stored vertex and the posed one beyond which a hand is not of its parameters. What the browser adds by
rounding is below 0.01 mm, so that its vertices are right to 0.1 mm.
"""


def parameters_of(prediction: PredictionArrays, rows: np.ndarray, side: Side) -> np.ndarray | None:
    """Parameters float32 [n, 61] of one hand's rows; None where there are none, or they do not give its vertices."""
    pose, betas, translation = prediction.pose, prediction.betas, prediction.translation
    if prediction.meta.get("hand_model") != "open" or prediction.vertices is None:
        return None
    if pose is None or betas is None or translation is None:
        return None
    model = load_hand_model("open", side)
    if prediction.vertices.shape[1] != model.n_vertices:
        return None
    parameters: np.ndarray = np.concatenate([pose[rows].reshape(-1, 48), translation[rows], betas[rows]], 1)
    for first in range(0, len(rows), _BLOCK_ROWS):
        block = slice(first, first + _BLOCK_ROWS)
        stored = prediction.vertices[rows[block]]
        # a comparison with NaN is False as well
        if not np.abs(_vertices(model, parameters[block]) - stored).max(initial=0.0) <= _LARGEST_ERROR:
            return None
        release(prediction.vertices)
    return parameters


def encode_model(right: HandArrays) -> tuple[bytes, list[float]]:
    """The model's file, and the steps (m) [11] of its vertices.

    Raises:
        ValueError: a vertex hangs on more than four joints, or moves by pose correctives, which the viewer does not know.
    """
    if right.side != "right" or np.any(right.pose_directions) or (right.weights > 0).sum(1).max() > INFLUENCES:
        raise ValueError("expected a right hand of at most four joints a vertex, without pose correctives")
    points = np.concatenate([right.template[None], np.moveaxis(right.shape_directions, -1, 0)])
    steps = np.maximum(np.abs(points).max((1, 2)) / 32767, _SMALLEST_STEP)
    joints = np.einsum("jv,kvx->kjx", right.regressor, points)
    influences = np.argsort(-right.weights, axis=1, kind="stable")[:, :INFLUENCES]
    weights = np.rint(65535 * np.take_along_axis(right.weights, influences, 1))
    weights[:, 0] += 65535 - weights.sum(1)
    parts = (
        joints.astype("<f4"),
        np.rint(points / steps[:, None, None]).astype("<i2"),
        weights.astype("<u2"),
        influences.astype(np.uint8),
    )
    return b"".join(part.tobytes() for part in parts), steps.tolist()


def _vertices(model: HandModel, parameters: np.ndarray) -> np.ndarray:
    """float32 [n, V, 3], as the methods compute them."""
    rows = torch.from_numpy(np.ascontiguousarray(parameters))
    with torch.no_grad():
        found: np.ndarray = model(rows[:, :48].view(-1, 16, 3), rows[:, 51:], rows[:, 48:51]).vertices.numpy()
    return found
