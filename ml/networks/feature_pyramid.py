"""A residual CNN that gives one map of features over the hand's crop, small enough to be trained on two cores."""

from __future__ import annotations

from itertools import pairwise
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, relu

MAP: Final = 24
"""Side of the map of a crop of 96 px."""
MAP_CHANNELS: Final = 64
"""Channels of the map, which combines all scales."""
STAGE_CHANNELS: Final = (32, 48, 96, 160)
"""Channels at 1/2, 1/4, 1/8 and 1/16 of the crop's resolution."""


class FeaturePyramid(nn.Module):
    """The stem, the stages and their connections to a common map."""

    grid: Tensor

    def __init__(self) -> None:
        super().__init__()
        first = STAGE_CHANNELS[0]
        self.stem = nn.Sequential(convolution(3, first, 2), nn.BatchNorm2d(first), nn.ReLU(inplace=True))
        self.stages = nn.ModuleList(
            nn.Sequential(StridedBlock(a, b, 2), StridedBlock(b, b, 1)) for a, b in pairwise(STAGE_CHANNELS)
        )
        self.lateral = nn.ModuleList(nn.Conv2d(channels, MAP_CHANNELS, 1) for channels in STAGE_CHANNELS[1:])
        self.register_buffer("grid", map_grid(MAP), persistent=False)

    def features(self, crops: Tensor) -> tuple[Tensor, Tensor]:
        """Crops [B, 3, 96, 96] (0 … 255) to the map [B, 64, 24, 24] and the last stage [B, 160, 6, 6]."""
        x = self.stem(((crops.float() - 128.0) / 64.0).contiguous(memory_format=torch.channels_last))
        scales = []
        for stage in self.stages:
            x = stage(x)
            scales.append(x)
        return self._merged(scales), x

    def _merged(self, scales: list[Tensor]) -> Tensor:
        """All scales in one map [B, 64, 24, 24], from the coarsest to the finest."""
        merged: Tensor = self.lateral[-1](scales[-1])
        for lateral, scale in zip(list(self.lateral)[-2::-1], scales[-2::-1], strict=True):
            merged = lateral(scale) + interpolate(merged, scale_factor=2, mode="nearest")
        return merged


class StridedBlock(nn.Module):
    """A residual block of two convolutions; the first has the stride."""

    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        self.first, self.second = convolution(before, after, stride), convolution(after, after, 1)
        self.norms = nn.ModuleList(nn.BatchNorm2d(after) for _ in range(2))
        same = stride == 1 and before == after
        self.shortcut = nn.Identity() if same else nn.Conv2d(before, after, 1, stride, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Maps [B, before, H, W] to [B, after, H / stride, W / stride]."""
        y = relu(self.norms[0](self.first(x)), inplace=True)
        return relu(self.norms[1](self.second(y)) + self.shortcut(x), inplace=True)


def convolution(before: int, after: int, stride: int) -> nn.Conv2d:
    """A 3 × 3 convolution without bias that keeps the size of the map, over the stride."""
    return nn.Conv2d(before, after, 3, stride, 1, bias=False)


def map_grid(side: int) -> Tensor:
    """Centres [side², 2] (x, y) of the cells of a square map, whose sides lie at −1 and 1."""
    steps = (torch.arange(side) + 0.5) / side * 2 - 1
    y, x = torch.meshgrid(steps, steps, indexing="ij")
    return torch.stack([x, y], -1).view(-1, 2)


def drawn_maps(points: Tensor, side: int = MAP, spread: float = 1.5) -> Tensor:
    """One map per point [B, k, side, side] with a Gaussian of height 1 at its place.

    Args:
        points: [B, k, 2], in coordinates of the crop, whose sides lie at −1 and 1.
        side: of the maps, cells.
        spread: standard deviation, cells.
    """
    centres = ((torch.arange(side) + 0.5) / side * 2 - 1).to(points)
    across, down = torch.exp((centres - points[..., None]).square() * -((side / 2 / spread) ** 2) / 2).unbind(2)
    return down[..., None] * across[..., None, :]
