"""`none`: any motion up to 5 Hz, all equally likely. What a fit without a motion prior optimises."""

from __future__ import annotations

import math
from typing import Final

import torch
from torch import Tensor, nn

from ml.priors.motion_window import ANGLES, FRAMES, angle_limits, cosines, frame_times, within_limits

TERMS: Final = 44
"""Terms of the cosine basis: up to 5.04 Hz."""
_STD: Final = 1e-3
"""Radians: standard deviation of an encoded coefficient; encoding leaves out what is faster than 5 Hz and nothing else."""


class Unconstrained(nn.Module):
    """`ml.priors.motion.MotionPrior` whose z are the coefficients of a cosine basis over time, angle by angle.

    z is [TERMS × 45] flattened, in radians times the root of 128 (the basis is orthonormal).
    """

    limits: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.name = "none"
        self.latent = TERMS * ANGLES
        self.register_buffer("limits", angle_limits())

    def encode(self, angles: Tensor) -> tuple[Tensor, Tensor]:
        """Coefficients [W, d] of windows [W, 128, 45], least squares."""
        basis = cosines(frame_times().to(angles), TERMS)
        z = (basis.mT @ angles).flatten(1)
        return z, torch.full_like(z, 2 * math.log(_STD))

    def decode(self, z: Tensor, times: Tensor) -> Tensor:
        """Angles [W, T, 45]."""
        return within_limits(cosines(times, TERMS) @ z.view(-1, TERMS, ANGLES), self.limits)[0]

    def decode_with_jacobian(self, z: Tensor, times: Tensor) -> tuple[Tensor, Tensor]:
        """Angles [W, T, 45] and derivatives [W, T, 45, d]; most of them are zero."""
        basis = cosines(times, TERMS)
        angles, slope = within_limits(basis @ z.view(-1, TERMS, ANGLES), self.limits)
        by_z = angles.new_zeros(*angles.shape, TERMS, ANGLES)
        own = torch.arange(ANGLES)
        by_z[:, :, own, :, own] = (slope[..., None] * basis[..., None, :]).permute(2, 0, 1, 3)
        return angles, by_z.flatten(3)

    def log_density(self, z: Tensor) -> Tensor:
        """Zero [W]: flat."""
        return z.new_zeros(len(z))

    def sample(self, count: int, generator: torch.Generator) -> Tensor:
        """A flat density has no draws: still poses, uniform within the joint limits."""
        share = torch.rand(count, ANGLES, generator=generator).to(self.limits)
        z = self.limits.new_zeros(count, TERMS, ANGLES)
        z[:, 0] = math.sqrt(FRAMES) * (self.limits[:, 0] + share * (self.limits[:, 1] - self.limits[:, 0]))
        return z.flatten(1)

    def interpolate(self, z_a: Tensor, z_b: Tensor, share: float) -> Tensor:
        """On the straight line between two."""
        return torch.lerp(z_a, z_b, share)
