"""Backbones: one hand to a feature vector, from MediaPipe's landmarks alone or from landmarks and an image crop.

The image backbone is a residual CNN. In Kong et al. a separate heat-map network finds the 2D joints for the optimisation; here
it is a branch of the same CNN that refines MediaPipe's joints. The feature combines the CNN's responses at each joint, its
response to the whole crop, and the landmarks. The heads (`ml.identity.networks`) are the same for both backbones.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Final, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, relu

from ml.identity.observation import INPUTS

FEATURES: Final = 256
"""Size of the feature vector; 1000 in the paper."""
MAP: Final = 24
"""Side of the heat maps."""
_CHANNELS: Final = (32, 48, 96, 160)
"""Channels at 1/2, 1/4, 1/8 and 1/16 of the crop's resolution."""
_MIXED: Final = 64
"""Channels of the map that combines all scales."""
_NEAR: Final = 1.5
"""Standard deviation of the Gaussian at each MediaPipe landmark, in cells of the map."""


class BackboneOutput(NamedTuple):
    """The feature [B, 256]; 2D joints in the crop [B, 21, 2], whose sides lie at −1 and 1; and the logarithm of the scale of
    their error [B, 21]. The landmark backbone gives the feature only.
    """

    features: Tensor
    joints: Tensor | None = None
    log_scale: Tensor | None = None


class _Residual(nn.Module):
    """A residual MLP from `inputs` numbers to the feature."""

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
    """A residual MLP on the detected landmarks (`ml.identity.observation`), without pixels."""

    def __init__(self) -> None:
        super().__init__(INPUTS, width=512, blocks=3, dropout=0.1)

    def forward(self, observation: Tensor) -> BackboneOutput:  # type: ignore[override]
        """Observations [B, 132] to features [B, 256]."""
        return BackboneOutput(super().forward(observation))


class ImageBackbone(nn.Module):
    """A residual CNN on the crop and the landmarks, small enough to be trained on two cores."""

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

    def forward(self, observation: Tensor, crops: Tensor, landmarks: Tensor) -> BackboneOutput:
        """Observations [B, 132], crops [B, 3, 96, 96] (0 … 255) and the landmarks in them [B, 21, 2]."""
        x = self.stem(((crops.float() - 128.0) / 64.0).contiguous(memory_format=torch.channels_last))
        scales = []
        for stage in self.stages:
            x = stage(x)
            scales.append(x)
        mixed = self.mix(torch.cat([self._merged(scales), self._spots(landmarks).to(x.dtype)], 1))
        attention = self.heat(mixed).float().flatten(2).softmax(-1)
        joints = attention @ self.grid
        at_joints = attention @ mixed.float().flatten(2).mT
        # the error estimate must not change where the joint is found
        log_scale = self.spread(at_joints.detach()).squeeze(-1)
        parts = [4 * joints.flatten(1), at_joints.flatten(1), x.float().mean((2, 3)), observation]
        return BackboneOutput(self.join(torch.cat(parts, 1)), joints, log_scale)

    def _merged(self, scales: list[Tensor]) -> Tensor:
        """All scales in one map [B, 64, 24, 24], from the coarsest to the finest."""
        merged: Tensor = self.lateral[-1](scales[-1])
        for lateral, scale in zip(list(self.lateral)[-2::-1], scales[-2::-1], strict=True):
            merged = lateral(scale) + interpolate(merged, scale_factor=2, mode="nearest")
        return merged

    def _spots(self, landmarks: Tensor) -> Tensor:
        """One map per landmark [B, 21, 24, 24] with a Gaussian at its position."""
        distance = (self.grid - landmarks[:, :, None]).square().sum(-1) * (MAP / 2) ** 2
        return torch.exp(-distance / (2 * _NEAR**2)).view(-1, 21, MAP, MAP)


class _Block(nn.Module):
    """A residual block of two convolutions; the first has the stride."""

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
