"""Smoothing keeps constant motion, reduces noise, and does not act across a gap."""

from __future__ import annotations

import numpy as np
import roma
import torch

from ml.fitting.smoothing import smoothed
from ml.fitting.solver import Parameters

GENERATOR = torch.Generator().manual_seed(0)


def parameters(count: int, noise: float = 0.0) -> Parameters:
    root = roma.rotvec_to_rotmat(torch.tensor([[0.3, -0.2, 1.0]]) + noise * torch.randn(count, 3, generator=GENERATOR))
    angles = 0.2 + noise * torch.randn(count, 45, generator=GENERATOR)
    return Parameters(angles, root, torch.tensor([[0.0, 0.1, 0.6]]).repeat(count, 1), torch.zeros(1, 10))


def test_what_is_constant_stays():
    before = parameters(20)
    after = smoothed(before, np.arange(20))
    for a, b in ((before.angles, after.angles), (before.root, after.root), (before.translation, after.translation)):
        torch.testing.assert_close(a, b, atol=1e-6, rtol=0)


def test_noise_is_halved_and_rotations_stay_rotations():
    after = smoothed(parameters(400, noise=0.1), np.arange(400))
    assert 0.4 < float(after.angles.std(0).mean()) / 0.1 < 0.65
    torch.testing.assert_close(after.root @ after.root.mT, torch.eye(3).expand(400, 3, 3), atol=1e-5, rtol=0)


def test_frames_are_not_smoothed_across_a_gap():
    step = parameters(20)
    step = Parameters(torch.cat([step.angles[:10], step.angles[10:] + 1]), step.root, step.translation, step.betas)
    frames = np.r_[0:10, 30:40]
    torch.testing.assert_close(smoothed(step, frames).angles, step.angles, atol=1e-5, rtol=0)
    assert (smoothed(step, np.arange(20)).angles - step.angles).abs().max() > 0.2


def test_single_frames_and_empty_tracks_are_unchanged():
    torch.testing.assert_close(smoothed(parameters(1), np.arange(1)).angles, parameters(1).angles)
    assert len(smoothed(parameters(0), np.arange(0)).angles) == 0
