"""The pose prior: a Gaussian over joint angles and a soft penalty beyond the joint limits."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ml.hand.joint_limits import LIMITS, sample_angles

_SAMPLES = 20_000
_MIN_STD = 0.06
"""Radians added in quadrature to every angle's standard deviation: the sampled poses are only a model of real ones."""
_LIMIT_STD = 0.05
"""Radians: standard deviation of the penalty beyond a joint limit."""


class PosePrior(NamedTuple):
    """`mean` [45] or [B, 45], `precision` [45, 45] of the Gaussian, `limits` [45, 2]; radians."""

    mean: Tensor
    precision: Tensor
    limits: Tensor

    def rows(self, frames: Tensor) -> PosePrior:
        """That of some frames."""
        return self if self.mean.ndim == 1 else self._replace(mean=self.mean[frames])

    def weighted(self, weight: float) -> PosePrior:
        """The same Gaussian counted `weight` times."""
        return self._replace(precision=weight * self.precision)

    def combined(self, angles: Tensor, std: float) -> PosePrior:
        """The product with an independent Gaussian about angles [B, 45] of standard deviation `std` (radians)."""
        precision = self.precision + torch.eye(len(self.limits), dtype=angles.dtype) / std**2
        target = self.mean @ self.precision + angles / std**2
        return self._replace(mean=torch.linalg.solve(precision, target.mT).mT, precision=precision)

    def cost(self, angles: Tensor) -> Tensor:
        """−log likelihood [B] of angles [B, 45], up to a constant."""
        deviation = angles - self.mean
        return 0.5 * ((deviation @ self.precision) * deviation).sum(-1) + 0.5 * self._limit_excess(angles).square().sum(-1)

    def normal_equations(self, angles: Tensor) -> tuple[Tensor, Tensor]:
        """Gauss–Newton Hessian [B, 45, 45] and gradient [B, 45] of `cost`."""
        excess = self._limit_excess(angles)
        penalty = (excess != 0).to(angles.dtype) / _LIMIT_STD**2
        return self.precision + torch.diag_embed(penalty), (angles - self.mean) @ self.precision + excess / _LIMIT_STD

    def _limit_excess(self, angles: Tensor) -> Tensor:
        """Signed excess over the limits, in units of `_LIMIT_STD`."""
        return (angles - torch.minimum(torch.maximum(angles, self.limits[:, 0]), self.limits[:, 1])) / _LIMIT_STD


@lru_cache(maxsize=2)
def pose_prior(dtype: torch.dtype = torch.float32) -> PosePrior:
    """The prior of `ml.hand.joint_limits.sample_angles`: its mean and covariance over 20 000 draws of a fixed seed."""
    draws = sample_angles(np.random.default_rng(0), _SAMPLES)[:, 1:].reshape(_SAMPLES, 45)
    covariance = np.cov(draws, rowvar=False) + _MIN_STD**2 * np.eye(45)
    return PosePrior(
        torch.as_tensor(draws.mean(0), dtype=dtype),
        torch.as_tensor(np.linalg.inv(covariance), dtype=dtype),
        torch.as_tensor(LIMITS[1:].reshape(45, 2), dtype=dtype),
    )
