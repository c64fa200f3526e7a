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
    """One detected hand in n frames, in the camera frame.

    Attributes:
        track: of the detector.
        model: of its side.
        rotations: [n, 16, 3, 3]; None for a method that gives a mesh without a pose.
        betas: [1 or n, 10].
        translation: [n, 3], m.
        joint_std: [n, 21], m, where the method estimates it.
        visible: bool [n, 21], joints that were seen, where the method tells.
        joints: [n, 21, 3], m, the method's own where they are not those of pose and shape.
        vertices: [n, V, 3], m, of the model's topology, where there is no pose.
    """

    track: HandTrack
    model: HandModel
    rotations: Tensor | None
    betas: Tensor
    translation: Tensor
    joint_std: Tensor | None = None
    visible: Tensor | None = None
    joints: Tensor | None = None
    vertices: Tensor | None = None


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
        **_parameters(hand, count),
        **({} if hand.joint_std is None else {"joint_std": hand.joint_std.float().numpy()}),
        **({} if hand.visible is None else {"visible": hand.visible.numpy().astype(np.uint8)}),
    }


def _parameters(hand: FittedTrack, count: int) -> dict[str, np.ndarray]:
    """Pose, shape and translation, where there is a pose."""
    if hand.rotations is None:
        return {}
    return {
        "pose": roma.rotmat_to_rotvec(hand.rotations).float().numpy(),
        "betas": hand.betas.expand(count, 10).float().numpy(),
        "translation": hand.translation.float().numpy(),
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
                rows = places[begin + part.start : begin + part.stop]
                joints[rows], vertices[rows] = (t.float().numpy() for t in _surface(hand, betas, part))
                release(vertices)
            begin += count
    return joints, vertices


def _surface(hand: FittedTrack, betas: Tensor, part: slice) -> tuple[Tensor, Tensor]:
    """Joints and vertices of some frames: the method's own, or the model's."""
    if hand.rotations is None:
        assert hand.joints is not None
        assert hand.vertices is not None
        return hand.joints[part], hand.vertices[part]
    output = hand.model(hand.rotations[part].float(), betas[part].float(), hand.translation[part].float())
    return output.joints if hand.joints is None else hand.joints[part], output.vertices


def _empty() -> dict[str, np.ndarray]:
    return {
        "frame": np.zeros(0, np.int32),
        "side": np.zeros(0, np.uint8),
        "track": np.zeros(0, np.int32),
        "score": np.zeros(0, np.float32),
        "joints": np.zeros((0, 21, 3), np.float32),
    }
