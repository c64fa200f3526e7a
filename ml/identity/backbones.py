"""What turns one hand into a feature: landmarks that MediaPipe found, or the picture beside them. The heads are the same.

The image backbone is a residual CNN. As in Kong et al.'s optimisation a heat-map network finds 2D joints; here it is a branch
of the same CNN, which refines MediaPipe's. What the CNN sees at each joint goes into the feature, with the whole crop and the
landmarks.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Final, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, relu

from ml.identity.observation import INPUTS

FEATURES: Final = 256
"""Size of f. The paper's is 1000, its classifier's output."""
MAP: Final = 24
"""Side of the heat maps."""
_CHANNELS: Final = (32, 48, 96, 160)
"""Of the crop halved once, twice, three and four times."""
_MIXED: Final = 64
"""Channels of the map in which all scales meet."""
_NEAR: Final = 1.5
"""Standard deviation of the spot that shows where MediaPipe saw a joint, in cells of the map."""


class Look(NamedTuple):
    """What a backbone sees: the feature [B, 256]; 2D joints in the crop [B, 21, 2] and the logarithm of how far they may be
    off [B, 21], as a share of half its side. The landmark backbone sees no joints but those that it is given.
    """

    features: Tensor
    joints: Tensor | None = None
    log_spread: Tensor | None = None


class _Residual(nn.Module):
    """Some inputs to the feature: residual blocks of two layers."""

    def __init__(self, inputs: int, width: int, blocks: int, dropout: float) -> None:
        super().__init__()
        self.enter = nn.Linear(inputs, width)
        self.blocks = nn.ModuleList(
            nn.Sequential(nn.LayerNorm(width), nn.Linear(width, width), nn.GELU(), nn.Dropout(dropout), nn.Linear(width, width))
            for _ in range(blocks)
        )
        self.leave = nn.Sequential(nn.LayerNorm(width), nn.GELU(), nn.Linear(width, FEATURES))

    def forward(self, inputs: Tensor) -> Tensor:
        x = self.enter(inputs)
        for block in self.blocks:
            x = x + block(x)
        features: Tensor = self.leave(x)
        return features


class LandmarkBackbone(_Residual):
    """Detected landmarks instead of pixels: a residual MLP on `ml.identity.observation`."""

    def __init__(self) -> None:
        super().__init__(INPUTS, width=512, blocks=3, dropout=0.1)

    def forward(self, observation: Tensor) -> Look:  # type: ignore[override]
        """Observations [B, 132] to features [B, 256]."""
        return Look(super().forward(observation))


class ImageBackbone(nn.Module):
    """A residual CNN on the crop, small enough to be trained on two cores, and the landmarks."""

    grid: Tensor

    def __init__(self) -> None:
        super().__init__()
        first, last = _CHANNELS[0], _CHANNELS[-1]
        self.stem = nn.Sequential(_convolution(3, first, 2), nn.BatchNorm2d(first), nn.ReLU(inplace=True))
        self.stages = nn.ModuleList(nn.Sequential(_Block(a, b, 2), _Block(b, b, 1)) for a, b in pairwise(_CHANNELS))
        self.lateral = nn.ModuleList(nn.Conv2d(channels, _MIXED, 1) for channels in _CHANNELS[1:])
        self.mix = nn.Sequential(_convolution(_MIXED + 21, _MIXED, 1), nn.BatchNorm2d(_MIXED), nn.ReLU(inplace=True))
        self.heat = nn.Conv2d(_MIXED, 21, 1)
        self.spread = nn.Linear(_MIXED, 1)
        self.join = _Residual(INPUTS + 42 + 21 * _MIXED + last, width=512, blocks=2, dropout=0.1)
        steps = (torch.arange(MAP) + 0.5) / MAP * 2 - 1
        y, x = torch.meshgrid(steps, steps, indexing="ij")
        self.register_buffer("grid", torch.stack([x, y], -1).view(-1, 2), persistent=False)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, observation: Tensor, crops: Tensor, landmarks: Tensor) -> Look:
        """Observations [B, 132], crops [B, 3, 96, 96] (0 … 255) and the landmarks in them [B, 21, 2]."""
        x = self.stem(((crops.float() - 128.0) / 64.0).contiguous(memory_format=torch.channels_last))
        scales = []
        for stage in self.stages:
            x = stage(x)
            scales.append(x)
        mixed = self.mix(torch.cat([self._merged(scales), self._spots(landmarks).to(x.dtype)], 1))
        attention = self.heat(mixed).float().flatten(2).softmax(-1)
        joints = attention @ self.grid
        there = attention @ mixed.float().flatten(2).mT
        # how far off a joint is must not change where it is looked for
        log_spread = self.spread(there.detach()).squeeze(-1)
        parts = [4 * joints.flatten(1), there.flatten(1), x.float().mean((2, 3)), observation]
        return Look(self.join(torch.cat(parts, 1)), joints, log_spread)

    def _merged(self, scales: list[Tensor]) -> Tensor:
        """All scales in one map [B, 64, 24, 24], from the coarsest down."""
        merged: Tensor = self.lateral[-1](scales[-1])
        for lateral, scale in zip(list(self.lateral)[-2::-1], scales[-2::-1], strict=True):
            merged = lateral(scale) + interpolate(merged, scale_factor=2, mode="nearest")
        return merged

    def _spots(self, landmarks: Tensor) -> Tensor:
        """A map [B, 21, 24, 24] for each landmark with a soft spot where it is."""
        apart = (self.grid - landmarks[:, :, None]).square().sum(-1) * (MAP / 2) ** 2
        return torch.exp(-apart / (2 * _NEAR**2)).view(-1, 21, MAP, MAP)


class _Block(nn.Module):
    """Two convolutions beside a shortcut; the first halves the picture where `stride` is 2."""

    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        self.first, self.second = _convolution(before, after, stride), _convolution(after, after, 1)
        self.norms = nn.ModuleList(nn.BatchNorm2d(after) for _ in range(2))
        same = stride == 1 and before == after
        self.shortcut = nn.Identity() if same else nn.Conv2d(before, after, 1, stride, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        y = relu(self.norms[0](self.first(x)), inplace=True)
        return relu(self.norms[1](self.second(y)) + self.shortcut(x), inplace=True)


def _convolution(before: int, after: int, stride: int) -> nn.Conv2d:
    return nn.Conv2d(before, after, 3, stride, 1, bias=False)
