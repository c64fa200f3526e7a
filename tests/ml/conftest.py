"""Fixtures of the science's tests."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import roma
import torch

from ml.clip import Clip
from ml.fitting.kinematics import Kinematics
from ml.hand.camera import default_intrinsics, project
from ml.hand.joint_limits import sample_angles
from ml.hand.model import load_hand_model
from ml.keypoints.tracks import HandTrack, Keypoints
from ml.methods.interface import Request

FRAMES = np.r_[0:12, 20:32].astype(np.int32)
"""A gap in the middle."""


@pytest.fixture(scope="session")
def two_hands() -> Request:
    """A clip of two hands seen through perfect keypoints."""
    intrinsics = default_intrinsics(640, 480)
    tracks = []
    for number, side in enumerate(("left", "right")):
        kinematics = Kinematics(load_hand_model("open", side))
        ends = torch.as_tensor(sample_angles(np.random.default_rng(number), 2))[:, 1:].reshape(2, 45).float()
        share = torch.linspace(0, 1, len(FRAMES))[:, None]
        angles = ends[:1] * (1 - share) + ends[1:] * share
        root = roma.rotvec_to_rotmat(torch.tensor([[0.2, 0.1, 0.4]])).expand(len(FRAMES), 3, 3)
        place = torch.tensor([-0.1 if side == "left" else 0.1, 0.0, 0.6])
        joints = kinematics.model.joints(kinematics.matrices(angles, root), torch.zeros(1, 10), place)
        pixels = project(joints, torch.as_tensor(intrinsics)).numpy()
        world = (joints - joints.mean(1, keepdim=True)).numpy()
        tracks.append(HandTrack(number, side, FRAMES, pixels, world, np.full(len(FRAMES), 0.9, np.float32)))
    clip = Clip(Path("made.mp4"), "video", fps=30.0, frame_count=40, width=640, height=480)
    return Request(clip, Keypoints(tuple(tracks), 40, 30.0, 640, 480), intrinsics)
