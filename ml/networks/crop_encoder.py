"""From a hand's crop to one feature vector, by way of 21 attention maps whose centres are points in the crop."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from ml.networks.feature_pyramid import MAP_CHANNELS, STAGE_CHANNELS, FeaturePyramid, convolution, drawn_maps
from ml.networks.residual_mlp import ResidualMLP

POINTS = 21
"""Attention maps."""
_COARSE = 24
"""Channels of the flattened map at 1/16 of the crop's resolution."""


class CropFeatures(NamedTuple):
    """`feature` [B, n] and `points` [B, 21, 2], the centres of the attention maps in the crop."""

    feature: Tensor
    points: Tensor


class CropEncoder(FeaturePyramid):
    """A feature pyramid, read at 21 points that the network chooses and as a whole.

    The feature joins the points, the map's features there, and the last stage with its spatial layout. While it is trained the
    convolutions are computed in bfloat16, at half the time.
    """

    def __init__(self, outputs: int, *, with_landmarks: bool = False) -> None:
        """`outputs`: length of the feature; `with_landmarks`: maps drawn at given 2D joints join the pyramid."""
        super().__init__()
        self.with_landmarks = with_landmarks
        if with_landmarks:
            mixed = convolution(MAP_CHANNELS + 21, MAP_CHANNELS, 1)
            self.mix = nn.Sequential(mixed, nn.BatchNorm2d(MAP_CHANNELS), nn.ReLU(inplace=True))
        self.heat = nn.Conv2d(MAP_CHANNELS, POINTS, 1)
        self.coarse = nn.Conv2d(STAGE_CHANNELS[-1], _COARSE, 1)
        inputs = POINTS * (2 + MAP_CHANNELS) + 36 * _COARSE + (42 if with_landmarks else 0)
        self.join = ResidualMLP(inputs, outputs, width=384, blocks=2, dropout=0.1)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, crops: Tensor, landmarks: Tensor | None = None) -> CropFeatures:
        """Crops [B, 3, 96, 96] (0 … 255), and given 2D joints [B, 21, 2] in them where the encoder takes them."""
        with torch.autocast(crops.device.type, torch.bfloat16, enabled=self.training):
            merged, last = self.features(crops)
            if self.with_landmarks:
                assert landmarks is not None
                merged = self.mix(torch.cat([merged, drawn_maps(landmarks).to(merged.dtype)], 1))
            attention = self.heat(merged).float().flatten(2).softmax(-1)
            coarse = self.coarse(last).float().flatten(1)
        points = attention @ self.grid
        at_points = attention @ merged.float().flatten(2).mT
        parts = [4 * points.flatten(1), at_points.flatten(1), coarse]
        if self.with_landmarks:
            assert landmarks is not None
            parts.append(4 * landmarks.flatten(1))
        return CropFeatures(self.join(torch.cat(parts, 1)), points)
