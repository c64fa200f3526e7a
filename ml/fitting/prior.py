"""How likely a pose is: a Gaussian over joint angles, and soft walls at the joints' limits."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ml.hand.joint_limits import LIMITS, sample_angles

_SAMPLES = 20_000
_FLOOR = 0.06
"""Radians added to every angle's spread: the sampled everyday poses are a model, not the truth."""
_WALL = 0.05
"""Radians beyond a limit that cost as much as one standard deviation of anything else."""


class PosePrior(NamedTuple):
    """`mean` [45], `precision` [45, 45] of the Gaussian, `limits` [45, 2]; radians."""

    mean: Tensor
    precision: Tensor
    limits: Tensor

    def cost(self, angles: Tensor) -> Tensor:
        """−log likelihood [B] of angles [B, 45], up to a constant."""
        off = angles - self.mean
        return 0.5 * ((off @ self.precision) * off).sum(-1) + 0.5 * self._beyond(angles).square().sum(-1)

    def normal(self, angles: Tensor) -> tuple[Tensor, Tensor]:
        """Gauss–Newton Hessian [B, 45, 45] and gradient [B, 45] of `cost`."""
        beyond = self._beyond(angles)
        walls = (beyond != 0).to(angles.dtype) / _WALL**2
        return self.precision + torch.diag_embed(walls), (angles - self.mean) @ self.precision + beyond / _WALL

    def _beyond(self, angles: Tensor) -> Tensor:
        """Signed excess over the limits, in units of `_WALL`."""
        return (angles - torch.minimum(torch.maximum(angles, self.limits[:, 0]), self.limits[:, 1])) / _WALL


@lru_cache(maxsize=2)
def pose_prior(dtype: torch.dtype = torch.float32) -> PosePrior:
    """The prior of `ml.hand.joint_limits.sample_angles`: its mean and covariance over 20 000 draws of a fixed seed."""
    draws = sample_angles(np.random.default_rng(0), _SAMPLES)[:, 1:].reshape(_SAMPLES, 45)
    covariance = np.cov(draws, rowvar=False) + _FLOOR**2 * np.eye(45)
    return PosePrior(
        torch.as_tensor(draws.mean(0), dtype=dtype),
        torch.as_tensor(np.linalg.inv(covariance), dtype=dtype),
        torch.as_tensor(LIMITS[1:].reshape(45, 2), dtype=dtype),
    )
