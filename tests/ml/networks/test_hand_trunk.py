"""MediaPipe's landmark network in PyTorch, beside MediaPipe itself."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from ml.keypoints.detector import HandDetector
from ml.networks.hand_trunk import HandTrunk
from ml.synthetic.clips import make_clip
from ml.synthetic.subjects import make_subject
from ml.training import landmark_stage_weights
from ml.training.landmark_detection import detected, squares_around
from ml.training.landmark_stage_weights import LandmarkModelError, mediapipe_stage


def test_the_stage_finds_what_mediapipe_finds():
    image = next(iter(make_clip(3, make_subject(0, "test", 1), seconds=1 / 30, width=320, height=240).frames()))
    with HandDetector(1, static=True) as detector:
        (found,) = detector.find(image)
    joints = torch.as_tensor(found.joints_2d)[None]
    own, world = detected(mediapipe_stage(), torch.as_tensor(image).permute(2, 0, 1)[None], squares_around(joints))
    box = float(np.ptp(found.joints_2d, axis=0).max())
    # MediaPipe looked at another square, that of its palm detector
    assert float((own - joints).norm(dim=-1).mean()) < 0.04 * box
    centred = [points - points.mean(0) for points in (world[0], torch.as_tensor(found.world))]
    assert float((centred[0] - centred[1]).norm(dim=-1).mean()) < 0.03


def test_a_square_follows_its_hand():
    joints = 100 + 40 * torch.randn(1, 21, 2, generator=torch.Generator().manual_seed(0))
    turn = torch.tensor([[0.0, -1.0], [1.0, 0.0]])
    first, turned = squares_around(joints), squares_around(2 * joints @ turn.mT + 7)
    torch.testing.assert_close(turned[..., :2], 2 * turn @ first[..., :2], atol=1e-3, rtol=1e-4)
    torch.testing.assert_close(turned[..., 2], 2 * first[..., 2] @ turn.mT + 7, atol=1e-3, rtol=1e-4)


def test_maps_have_a_cell_for_32_pixels_of_the_crop():
    assert HandTrunk()(torch.zeros(2, 3, 96, 96)).shape == (2, 1152, 3, 3)


@pytest.mark.parametrize(("spec", "said"), [(None, "not installed"), ("/nowhere/mediapipe/__init__.py", "has no modules")])
def test_a_missing_model_is_said(monkeypatch, spec, said):
    found = None if spec is None else SimpleNamespace(origin=spec)
    monkeypatch.setattr(landmark_stage_weights, "find_spec", lambda name: found)
    with pytest.raises(LandmarkModelError, match=said):
        mediapipe_stage()
