"""Products of the pose prior with Gaussians whose widths differ from frame to frame."""

from __future__ import annotations

import torch

from ml.fitting.prior import pose_prior

ANGLES = 0.3 * torch.randn(3, 45, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
STD = torch.tensor([0.05, 0.2, 2.0], dtype=torch.float64)


def test_each_frame_has_the_prior_multiplied_by_its_own_gaussian():
    prior = pose_prior(torch.float64)
    prior = prior._replace(limits=9 * prior.limits.sign())  # the Gaussian alone
    found = prior.combined(ANGLES, STD)
    for frame in range(3):
        precision = prior.precision + torch.eye(45, dtype=torch.float64) / STD[frame] ** 2
        mean = torch.linalg.solve(precision, prior.mean @ prior.precision + ANGLES[frame] / STD[frame] ** 2)
        torch.testing.assert_close(found.mean[frame], mean)
        hessian, gradient = found.rows(torch.tensor([frame])).normal_equations(mean[None])
        torch.testing.assert_close(hessian[0], precision)
        torch.testing.assert_close(gradient, torch.zeros(1, 45, dtype=torch.float64), atol=1e-7, rtol=0)


def test_its_cost_has_the_gradient_of_the_normal_equations():
    prior = pose_prior(torch.float64).combined(ANGLES, STD).combined(0.5 * ANGLES, 0.3)
    angles = (0.1 * ANGLES).requires_grad_()
    (gradient,) = torch.autograd.grad(prior.cost(angles).sum(), angles)
    torch.testing.assert_close(gradient, prior.normal_equations(angles.detach())[1])
