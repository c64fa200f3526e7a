"""Canonical predictions for tests: hands that look like hands, in sequences."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace

import numpy as np
import torch

from ml.formats.prediction import PredictionArrays
from ml.hand.model import load_hand_model


def hands(frames: int = 20, *, seed: int = 0, fps: float = 30.0) -> PredictionArrays:
    """A right hand at rest that moves and turns a little before the camera, half a metre away."""
    rest = load_hand_model("open", "right").rest_joints(torch.zeros(1, 10))[0].detach().numpy().astype(np.float64)
    generator = np.random.default_rng(seed)
    step = np.cumsum(generator.normal(0, 0.002, (frames, 3)), axis=0)
    angle = np.cumsum(generator.normal(0, 0.02, frames))
    turn = np.zeros((frames, 3, 3))
    turn[:, 0, 0] = turn[:, 2, 2] = np.cos(angle)
    turn[:, 0, 2], turn[:, 2, 0], turn[:, 1, 1] = np.sin(angle), -np.sin(angle), 1
    joints = np.einsum("fij,kj->fki", turn, rest - rest[0]) + step[:, None] + np.array([0, 0, 0.5])
    return PredictionArrays(
        frame=np.arange(frames, dtype=np.int32),
        side=np.ones(frames, np.uint8),
        track=np.zeros(frames, np.int32),
        score=np.ones(frames, np.float32),
        joints=joints.astype(np.float32),
        meta={"fps": fps, "frame_count": frames},
    )


def moved(prediction: PredictionArrays, millimetres: float, *, joints: slice = slice(None)) -> PredictionArrays:
    """The same, with joints moved along x."""
    shifted = prediction.joints.copy()
    shifted[:, joints, 0] += np.float32(millimetres / 1000)
    return replace(prediction, joints=shifted)


def npz(prediction: PredictionArrays) -> bytes:
    """As a file."""
    sink = io.BytesIO()
    prediction.save(sink)
    return sink.getvalue()


def zipped(**sequences: PredictionArrays) -> bytes:
    """One `.npz` a sequence, in a `.zip`."""
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        for name, prediction in sequences.items():
            archive.writestr(f"{name}.npz", npz(prediction))
    return sink.getvalue()
