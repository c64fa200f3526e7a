"""Every derivative equals autograd's, and the joints equal the model's."""

from __future__ import annotations

import numpy as np
import pytest
import roma
import torch

from ml.fitting.kinematics import FINGER_POINTS, Kinematics
from ml.hand.joint_limits import sample_angles
from ml.hand.model import load_hand_model
from ml.hand.skeleton import SIDES


@pytest.fixture(params=SIDES)
def posed(request):
    model = load_hand_model("open", request.param, dtype=torch.float64)
    generator = torch.Generator().manual_seed(3)
    angles = torch.as_tensor(sample_angles(np.random.default_rng(0), 6))[:, 1:].reshape(6, 45)
    root = roma.rotvec_to_rotmat(torch.randn(6, 3, generator=generator, dtype=torch.float64))
    translation = torch.randn(6, 3, generator=generator, dtype=torch.float64)
    betas = torch.randn(1, 10, generator=generator, dtype=torch.float64)
    return Kinematics(model), angles, root, translation, betas


def test_joints_equal_those_of_the_hand_model(posed):
    kinematics, angles, root, translation, betas = posed
    expected = kinematics.model.joints(kinematics.matrices(angles, root), betas, translation)
    assert torch.allclose(kinematics.jacobian(angles, root, translation, betas).joints, expected, atol=1e-12)


def _jacobian(function, at):
    return torch.autograd.functional.jacobian(function, at)[:, :, 0]


def test_derivatives_equal_those_of_autograd(posed):
    kinematics, angles, root, translation, betas = posed
    angles, root, translation = angles[:1], root[:1], translation[:1]
    exact = kinematics.jacobian(angles, root, translation, betas)

    def joints(a=angles, r=root, b=betas):
        return kinematics.model.joints(kinematics.matrices(a, r), b, translation)[0]

    by_angles = _jacobian(lambda a: joints(a=a), angles)
    expected = torch.zeros(21, 3, 5, 9, dtype=torch.float64)
    for finger, points in enumerate(FINGER_POINTS.tolist()):
        expected[points, :, finger] = exact.by_finger[0, :, finger].transpose(0, 1)
    assert torch.allclose(expected.flatten(2), by_angles, atol=1e-10)
    assert torch.allclose(exact.by_shape[0].transpose(0, 1), _jacobian(lambda b: joints(b=b), betas), atol=1e-10)
    turned = _jacobian(lambda d: joints(r=roma.rotvec_to_rotmat(d) @ root), torch.zeros(1, 3, dtype=torch.float64))
    assert torch.allclose(exact.by_root[0], turned, atol=1e-8)
