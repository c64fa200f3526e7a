"""The study of focal lengths: the fit finds that of perfect joints, and the page tells errors and correlation."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from ml.clip import Clip
from ml.fitting.kinematics import Kinematics
from ml.hand.camera import default_intrinsics, project
from ml.hand.joint_limits import sample_angles
from ml.hand.model import load_hand_model
from ml.keypoints.tracks import HandTrack, Keypoints
from ml.methods.interface import Request
from ml.training.focal_length_study import Found, profile, report

COUNT, WIDTH, HEIGHT = 12, 640, 480


def perfectly_seen(factor: float) -> Request:
    """A near hand of mean shape in several poses, through a lens of `factor` times the assumed focal length."""
    assumed = default_intrinsics(WIDTH, HEIGHT)
    real = assumed.copy()
    real[[0, 1], [0, 1]] *= factor
    kinematics = Kinematics(load_hand_model("open", "right"))
    angles = torch.as_tensor(sample_angles(np.random.default_rng(3), COUNT))[:, 1:].reshape(COUNT, 45).float()
    turned = torch.linalg.matrix_exp(
        torch.linspace(-0.9, 0.9, COUNT)[:, None, None] * torch.tensor([[0.0, 0, 1], [0, 0, 0], [-1, 0, 0]])
    )
    place = torch.tensor([[0.0, 0.0, 0.3]]).expand(COUNT, 3)
    joints = kinematics.joints(angles, turned, place, torch.zeros(1, 10)).numpy()
    world = (joints - joints.mean(1, keepdims=True)).astype(np.float32)
    pixels = project(joints, real).astype(np.float32)
    track = HandTrack(0, "right", np.arange(COUNT, dtype=np.int32), pixels, world, np.ones(COUNT, np.float32))
    clip = Clip(Path("made.mp4"), "video", fps=30.0, frame_count=COUNT, width=WIDTH, height=HEIGHT)
    return Request(clip, Keypoints((track,), COUNT, 30.0, WIDTH, HEIGHT), assumed)


@pytest.mark.parametrize("true", [0.7, 1.0, 1.4])
def test_perfect_joints_tell_the_focal_length(true):
    factors = (0.5, 0.7, 1.0, 1.4, 2.0)
    with torch.no_grad():
        costs = profile(perfectly_seen(true), factors)
    assert factors[int(costs.argmin())] == true


def test_the_page_tells_errors_in_octaves_and_the_correlation():
    text = report([Found(1.0, 2.0, 1.0), Found(2.0, 1.0, 2.0), Found(4.0, 4.0, 4.0)])
    assert "| lowest cost of the fit | 0.67 | 0.50 |" in text
    assert "| hands no nearer than 0.45 m (what methods use) | 0.00 | 1.00 |" in text
    assert "| the same for all clips: the median of the true ones | 0.67 | – |" in text
