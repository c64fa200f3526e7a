"""Files as people attach them to an upload, for tests: ground truths and predictions in the formats of others."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import replace

import numpy as np
import torch

from ml.formats.orders import from_openpose, to_opencv
from ml.formats.prediction import PredictionArrays
from ml.hand.model import load_hand_model
from ml.intake.clip_facts import ClipFacts
from tests.predictions import hands

FRAMES = 12
CLIP = ClipFacts(frame_count=FRAMES, fps=30.0, width=640, height=480)


def meshes(frames: int = FRAMES, *, seed: int = 0, side: str = "right") -> PredictionArrays:
    """Hands with the open model's meshes, at rest and moving as `tests.predictions.hands` do."""
    model = load_hand_model("open", side)
    generator = np.random.default_rng(seed)
    pose = np.zeros((frames, 16, 3), np.float32)
    pose[:, 1:] = generator.normal(0, 0.05, (1, 15, 3))
    pose[:, 0] = np.cumsum(generator.normal(0, 0.03, (frames, 3)), axis=0)
    place = np.array([-0.05, 0, 0.5]) + np.cumsum(generator.normal(0, 0.002, (frames, 3)), axis=0)
    with torch.no_grad():
        out = model(torch.as_tensor(pose), torch.zeros(frames, 10), torch.as_tensor(place, dtype=torch.float32))
    return replace(
        hands(frames),
        side=np.full(frames, side == "right", np.uint8),
        joints=out.joints.numpy(),
        vertices=out.vertices.numpy(),
    )


def archive(**members: bytes) -> bytes:
    """A zip; underscores before the last part of a name stand for nothing, `a__npz` is `a.npz`."""
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as found:
        for name, content in members.items():
            found.writestr(name.replace("__", "."), content)
    return sink.getvalue()


def label_zip(given: PredictionArrays, *, missing: tuple[int, ...] = (), meta: bytes = b"") -> bytes:
    """DexYCB's labels, one a frame; frames without a hand hold −1."""
    files = {}
    for frame, joints in zip(given.frame.tolist(), given.joints, strict=True):
        sink = io.BytesIO()
        shown = np.full((1, 21, 3), -1, np.float32) if frame in missing else joints[None]
        np.savez(sink, joint_3d=shown, pose_m=np.zeros((1, 51), np.float32))
        files[f"labels_{frame:06d}__npz"] = sink.getvalue()
    return archive(**files, **({"meta__yml": meta} if meta else {}))


def list_zip(given: PredictionArrays, layout: str = "freihand") -> bytes:
    """FreiHAND's or HO3D's lists of a truth."""
    order, axes = ("openpose", "opencv") if layout == "freihand" else ("mano", "opengl")
    joints = to_opencv(from_openpose(given.joints, order), axes)
    files = {"training_xyz__json": json.dumps(joints.tolist()).encode()}
    if given.vertices is not None:
        files["training_verts__json"] = json.dumps(to_opencv(given.vertices, axes).tolist()).encode()
    return archive(**files)
