"""Landmarks in space are trusted as far as they agree with the 2D of the same detection."""

from __future__ import annotations

import torch

from ml.fitting.landmark_trust import landmark_miss, trusted_landmarks

GENERATOR = torch.Generator().manual_seed(0)
WORLD = 0.05 * torch.randn(5, 21, 3, generator=GENERATOR)


def test_landmarks_that_agree_with_the_image_have_no_error_at_any_position_and_size():
    pixels = 2300.0 * WORLD[..., :2] + torch.tensor([320.0, 200.0])
    assert landmark_miss(WORLD, pixels).max() < 1e-6
    assert (trusted_landmarks(WORLD, pixels).std == 0.003).all()


def test_the_standard_deviation_grows_with_the_2d_error():
    noise = torch.randn(5, 21, 2, generator=GENERATOR)
    misses, stds = [], []
    for metres in (0.002, 0.006, 0.018):
        pixels = 2300.0 * (WORLD[..., :2] + metres * noise)
        misses.append(float(landmark_miss(WORLD, pixels).mean()))
        stds.append(float(trusted_landmarks(WORLD, pixels).std.mean()))
    assert misses == sorted(misses)
    assert 0.5 < misses[1] / (0.006 * 1.25) < 1.5
    assert stds[2] > 4 * stds[1] > 4 * stds[0]


def test_mirrored_landmarks_are_hardly_trusted():
    pixels = 2300.0 * WORLD[..., :2] * torch.tensor([-1.0, -1.0])
    assert (trusted_landmarks(WORLD, pixels).std > 0.1).all()
    assert torch.isfinite(trusted_landmarks(WORLD, torch.zeros(5, 21, 2)).std).all()
