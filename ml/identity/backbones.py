"""Backbones: one hand to a feature vector, from MediaPipe's landmarks alone or from landmarks and an image crop.

The image backbone is a residual CNN. In Kong et al. a separate heat-map network finds the 2D joints for the optimisation; here
it is a branch of the same CNN that refines MediaPipe's joints. The feature combines the CNN's responses at each joint, its
response to the whole crop, and the landmarks. The heads (`ml.identity.networks`) are the same for both backbones.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import torch
from torch import Tensor, nn

from ml.identity.observation import INPUTS
from ml.networks.feature_pyramid import MAP_CHANNELS, STAGE_CHANNELS, FeaturePyramid, convolution, drawn_maps
from ml.networks.residual_mlp import ResidualMLP

FEATURES: Final = 256
"""Size of the feature vector; 1000 in the paper."""


class BackboneOutput(NamedTuple):
    """The feature [B, 256]; 2D joints in the crop [B, 21, 2], whose sides lie at −1 and 1; and the logarithm of the scale of
    their error [B, 21]. The landmark backbone gives the feature only.
    """

    features: Tensor
    joints: Tensor | None = None
    log_scale: Tensor | None = None


class LandmarkBackbone(ResidualMLP):
    """A residual MLP on the detected landmarks (`ml.identity.observation`), without pixels."""

    def __init__(self) -> None:
        super().__init__(INPUTS, FEATURES, width=512, blocks=3, dropout=0.1)

    def forward(self, observation: Tensor) -> BackboneOutput:  # type: ignore[override]
        """Observations [B, 132] to features [B, 256]."""
        return BackboneOutput(super().forward(observation))


class ImageBackbone(FeaturePyramid):
    """A residual CNN on the crop and the landmarks, small enough to be trained on two cores."""

    def __init__(self) -> None:
        super().__init__()
        channels = MAP_CHANNELS
        self.mix = nn.Sequential(convolution(channels + 21, channels, 1), nn.BatchNorm2d(channels), nn.ReLU(inplace=True))
        self.heat = nn.Conv2d(MAP_CHANNELS, 21, 1)
        self.spread = nn.Linear(MAP_CHANNELS, 1)
        inputs = INPUTS + 42 + 21 * MAP_CHANNELS + STAGE_CHANNELS[-1]
        self.join = ResidualMLP(inputs, FEATURES, width=512, blocks=2, dropout=0.1)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, observation: Tensor, crops: Tensor, landmarks: Tensor) -> BackboneOutput:
        """Observations [B, 132], crops [B, 3, 96, 96] (0 … 255) and the landmarks in them [B, 21, 2]."""
        merged, last = self.features(crops)
        mixed = self.mix(torch.cat([merged, drawn_maps(landmarks).to(merged.dtype)], 1))
        attention = self.heat(mixed).float().flatten(2).softmax(-1)
        joints = attention @ self.grid
        at_joints = attention @ mixed.float().flatten(2).mT
        # the error estimate must not change where the joint is found
        log_scale = self.spread(at_joints.detach()).squeeze(-1)
        parts = [4 * joints.flatten(1), at_joints.flatten(1), last.float().mean((2, 3)), observation]
        return BackboneOutput(self.join(torch.cat(parts, 1)), joints, log_scale)
