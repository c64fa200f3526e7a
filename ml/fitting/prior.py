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
    """A Gaussian and limits; radians.

    Attributes:
        mean: [45] or [B, 45].
        precision: [45, 45], of all frames.
        limits: [45, 2].
        own: [1] or [B], the precision of each frame that is added for all of its angles.
    """

    mean: Tensor
    precision: Tensor
    limits: Tensor
    own: Tensor = torch.zeros(1)

    def rows(self, frames: Tensor) -> PosePrior:
        """That of some frames."""
        mean = self.mean if self.mean.ndim == 1 else self.mean[frames]
        return self._replace(mean=mean, own=self.own if len(self.own) == 1 else self.own[frames])

    def weighted(self, weight: float) -> PosePrior:
        """The same Gaussian counted `weight` times."""
        return self._replace(precision=weight * self.precision, own=weight * self.own)

    def combined(self, angles: Tensor, std: float | Tensor) -> PosePrior:
        """The product with an independent Gaussian about angles [B, 45] of standard deviation `std` (rad), one or [B]."""
        added = torch.as_tensor(std, dtype=angles.dtype).reshape(-1) ** -2
        own = self.own.to(angles.dtype) + added
        target = self.mean @ self.precision + self.own.to(angles.dtype)[:, None] * self.mean + added[:, None] * angles
        values, vectors = torch.linalg.eigh(self.precision)
        mean = ((target @ vectors) / (values + own[:, None])) @ vectors.mT
        return self._replace(mean=mean, own=own)

    def cost(self, angles: Tensor) -> Tensor:
        """−log likelihood [B] of angles [B, 45], up to a constant."""
        deviation = angles - self.mean
        return 0.5 * (self._weighed(deviation) * deviation).sum(-1) + 0.5 * self._limit_excess(angles).square().sum(-1)

    def normal_equations(self, angles: Tensor) -> tuple[Tensor, Tensor]:
        """Gauss–Newton Hessian [B, 45, 45] and gradient [B, 45] of `cost`."""
        excess = self._limit_excess(angles)
        penalty = (excess != 0).to(angles.dtype) / _LIMIT_STD**2 + self.own.to(angles.dtype)[:, None]
        return self.precision + torch.diag_embed(penalty), self._weighed(angles - self.mean) + excess / _LIMIT_STD

    def _weighed(self, deviation: Tensor) -> Tensor:
        """[B, 45] times the precision of each frame."""
        return deviation @ self.precision + self.own.to(deviation.dtype)[:, None] * deviation

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
