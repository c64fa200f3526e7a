"""From fitted tracks to the canonical prediction: what every parametric method does last."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import roma
import torch
from torch import Tensor

from ml import catalog
from ml.formats.prediction import PredictionArrays
from ml.formats.spill import release, spilled
from ml.hand.model import HandModel
from ml.hand.skeleton import SIDES
from ml.keypoints.tracks import HandTrack
from ml.methods.interface import Request

CHUNK = 512
"""Frames whose meshes are computed at once: bounds memory, whatever the length of the video."""


@dataclass(frozen=True)
class FittedTrack:
    """`rotations` [n, 16, 3, 3], `betas` [1 or n, 10], `translation` [n, 3] (m) of one detected hand; `joint_std` [n, 21] (m)
    where the method estimates it.
    """

    track: HandTrack
    model: HandModel
    rotations: Tensor
    betas: Tensor
    translation: Tensor
    joint_std: Tensor | None = None


def assemble(
    request: Request, method: str, fitted: Sequence[FittedTrack], facts: Mapping[str, Any] | None = None
) -> PredictionArrays:
    """One row a frame and hand, sorted by frame; meshes in float32. `facts` are added to the prediction's meta."""
    meta = {
        "hand_model": request.hand_model,
        "fps": request.clip.fps,
        "method": method,
        "version": catalog.METHODS[method].version,
        "sequence": request.clip.path.name,
        "frame_count": request.clip.frame_count,
        "width": request.clip.width,
        "height": request.clip.height,
        "shape": {side: "given" if side in request.betas else "estimated" for side in SIDES},
        **(facts or {}),
    }
    intrinsics = np.asarray(request.intrinsics, np.float32)
    if not fitted:
        return PredictionArrays(**_empty(), intrinsics=intrinsics, meta=meta)
    parts = [_rows(hand) for hand in fitted]
    arrays = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    order = np.lexsort((arrays["track"], arrays["frame"]))
    arrays = {name: array[order] for name, array in arrays.items()}
    arrays["joints"], vertices = _meshes(fitted, np.argsort(order))
    return PredictionArrays(**arrays, vertices=vertices, intrinsics=intrinsics, meta=meta)


def _rows(hand: FittedTrack) -> dict[str, np.ndarray]:
    count = len(hand.track.frames)
    return {
        "frame": hand.track.frames.astype(np.int32),
        "side": np.full(count, SIDES.index(hand.track.side), np.uint8),
        "track": np.full(count, hand.track.track, np.int32),
        "score": hand.track.score.astype(np.float32),
        "pose": roma.rotmat_to_rotvec(hand.rotations).float().numpy(),
        "betas": hand.betas.expand(count, 10).float().numpy(),
        "translation": hand.translation.float().numpy(),
        **({} if hand.joint_std is None else {"joint_std": hand.joint_std.float().numpy()}),
    }


def _meshes(fitted: Sequence[FittedTrack], places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Joints [N, 21, 3] and vertices [N, V, 3] of all hands, each row put where `places` [N] says; chunk by chunk."""
    joints = np.zeros((len(places), 21, 3), np.float32)
    vertices = spilled((len(places), fitted[0].model.n_vertices, 3))
    begin = 0
    with torch.no_grad():
        for hand in fitted:
            count = len(hand.track.frames)
            betas = hand.betas.expand(count, 10)
            for first in range(0, count, CHUNK):
                part = slice(first, min(first + CHUNK, count))
                output = hand.model(hand.rotations[part].float(), betas[part].float(), hand.translation[part].float())
                rows = places[begin + part.start : begin + part.stop]
                joints[rows], vertices[rows] = output.joints.numpy(), output.vertices.numpy()
                release(vertices)
            begin += count
    return joints, vertices


def _empty() -> dict[str, np.ndarray]:
    return {
        "frame": np.zeros(0, np.int32),
        "side": np.zeros(0, np.uint8),
        "track": np.zeros(0, np.int32),
        "score": np.zeros(0, np.float32),
        "joints": np.zeros((0, 21, 3), np.float32),
    }
