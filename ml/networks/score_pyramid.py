"""2D joints in a crop from pixels: the feature pyramid with a head of 21 score maps."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from ml.networks.feature_pyramid import MAP_CHANNELS, FeaturePyramid, convolution


class ScoredJoints(NamedTuple):
    """The 2D joints [B, 21, 2] in the crop, whose sides lie at −1 and 1; the features at them [B, 21, 64]; and those of the
    whole crop [B, 160].
    """

    points: Tensor
    features: Tensor
    whole: Tensor


class ScorePyramid(FeaturePyramid):
    """One score map a joint; its softmax gives the joint's mean place and the features there.

    Names are those of `ml.identity.backbones.ImageBackbone`, whose weights it can start from.
    """

    def __init__(self) -> None:
        super().__init__()
        channels = MAP_CHANNELS
        self.mix = nn.Sequential(convolution(channels, channels, 1), nn.BatchNorm2d(channels), nn.ReLU(inplace=True))
        self.heat = nn.Conv2d(channels, 21, 1)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, crops: Tensor) -> ScoredJoints:
        """Crops [B, 3, 96, 96] (0 … 255)."""
        merged, last = self.features(crops)
        mixed = self.mix(merged)
        attention = self.heat(mixed).float().flatten(2).softmax(-1)
        features = attention @ mixed.float().flatten(2).mT
        return ScoredJoints(attention @ self.grid, features, last.float().mean((2, 3)))
