"""Latent vectors under a standard normal density."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def standard_log_density(z: Tensor) -> Tensor:
    """Log N(z; 0, I) [W] of z [W, d]."""
    return -0.5 * (z.square().sum(-1) + z.shape[-1] * math.log(2 * math.pi))


def between(z_a: Tensor, z_b: Tensor, share: float) -> Tensor:
    """Latents [W, d] on the arc from `z_a` to `z_b` at a share of the way; their norms change linearly.

    A straight line would pass nearer to the origin than draws of a normal density ever are (White, *Sampling generative
    networks*, 2016).
    """
    norms = z_a.norm(dim=-1, keepdim=True), z_b.norm(dim=-1, keepdim=True)
    a, b = z_a / norms[0].clamp_min(1e-9), z_b / norms[1].clamp_min(1e-9)
    angle = torch.acos((a * b).sum(-1, keepdim=True).clamp(-1, 1))
    sine = torch.sin(angle)
    arc = (torch.sin((1 - share) * angle) * a + torch.sin(share * angle) * b) / sine.clamp_min(1e-9)
    length = (1 - share) * norms[0] + share * norms[1]
    return torch.where(sine < 1e-3, torch.lerp(z_a, z_b, share), length * arc)
