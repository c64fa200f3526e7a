"""What cameras and light change in the crop of a hand: sharpness, colour, contrast, noise, and things in front."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn

_COARSER: Final = ((2, 0.15), (3, 0.1))
"""Factors by which some crops lose resolution, as far hands do, and the share of crops."""
_GREY: Final = 0.08
_HIDDEN: Final = 0.2
"""Shares of crops without colour, and with a rectangle in front."""


def recoloured(crops: Tensor, generator: torch.Generator) -> Tensor:
    """Crops [n, 3, S, S] (0 … 255; S a multiple of 6) as other cameras would have seen them."""
    count, side, device = len(crops), crops.shape[-1], crops.device

    def rand(*shape: int) -> Tensor:
        return torch.rand(*shape, generator=generator, device=device)

    drawn, below = rand(count, 1, 1, 1), 0.0
    x = crops / 255
    for factor, share in _COARSER:
        small = nn.functional.avg_pool2d(x, factor)
        again = nn.functional.interpolate(small, scale_factor=factor, mode="bilinear")
        x = torch.where((drawn >= below) & (drawn < below + share), again, x)
        below += share
    grey = x.mean(1, keepdim=True)
    saturation = torch.where(rand(count, 1, 1, 1) < _GREY, 0.0, 0.5 + rand(count, 1, 1, 1))
    x = (grey + (x - grey) * saturation).clamp(1e-4, 1) ** (rand(count, 1, 1, 1) - 0.5).exp()
    x = x * (0.8 + 0.4 * rand(count, 3, 1, 1)) * (0.7 + 0.6 * rand(count, 1, 1, 1)) + 0.3 * (rand(count, 1, 1, 1) - 0.5)
    x = x + 0.05 * rand(count, 1, 1, 1) * torch.randn(x.shape, generator=generator, device=device)
    steps = torch.linspace(-1, 1, side, device=device)
    centre, size = 2 * rand(count, 2, 1) - 1, 0.05 + 0.35 * rand(count, 2, 1)
    across, down = ((steps - centre).abs() < size).unbind(1)
    hidden = across[:, None, None, :] & down[:, None, :, None] & (rand(count, 1, 1, 1) < _HIDDEN)
    return 255 * torch.where(hidden, rand(count, 3, 1, 1), x).clamp(0, 1)
