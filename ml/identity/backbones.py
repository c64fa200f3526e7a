"""Backbones: one hand to a feature vector, from MediaPipe's landmarks or from an image crop.

The image backbone continues MediaPipe's landmark network, which has seen real hands, on renders, which come with pose and
shape. In Kong et al. it is a ResNet-50, and a separate heat-map network finds the 2D joints for the optimisation; here they are
a head of the same network. The heads of pose and shape (`ml.identity.networks`) are the same for both backbones.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import torch
from torch import Tensor, nn

from ml.identity.observation import INPUTS
from ml.networks.hand_trunk import TRUNK_FEATURES, HandTrunk
from ml.networks.residual_mlp import ResidualMLP

FEATURES: Final = 256
"""Size of the feature vector; 1000 in the paper."""


ON_CPU: Final = 32
"""Crops at a time on a CPU, whose caches do not hold more."""
HALF_ON_CPU: Final = bool(torch.cpu._is_avx512_bf16_supported())  # type: ignore[no-untyped-call]
"""Whether the trunk runs in bfloat16, as in training, on this CPU: in half the time; joints differ by .1 % of the box."""


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


class ImageBackbone(nn.Module):
    """MediaPipe's trunk, trained further, on the crop alone."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk = HandTrunk()
        self.find = nn.Linear(TRUNK_FEATURES, 42)
        self.spread = nn.Linear(TRUNK_FEATURES, 21)
        self.join = ResidualMLP(TRUNK_FEATURES, FEATURES, width=512, blocks=2, dropout=0.1)
        self.trunk.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, crops: Tensor) -> BackboneOutput:
        """Crops [B, 3, 192, 192] (0 … 255) to features, joints and their error."""
        return self.read(self.pooled(crops).float())

    def pooled(self, crops: Tensor) -> Tensor:
        """Crops to the mean [B, 1152] of the trunk's map, all that is kept of the image."""
        if crops.device.type != "cpu":
            return self._mean(crops)
        with torch.autocast("cpu", torch.bfloat16, enabled=HALF_ON_CPU):
            return torch.cat([self._mean(part) for part in torch.split(crops, ON_CPU)])

    def _mean(self, crops: Tensor) -> Tensor:
        mean: Tensor = self.trunk(crops).mean((2, 3))
        return mean

    def read(self, pooled: Tensor) -> BackboneOutput:
        """What `pooled` tells; in float32 wherever the trunk ran in less."""
        # the error estimate must not change where the joint is found
        joints, log_scale = self.find(pooled).unflatten(1, (21, 2)), self.spread(pooled.detach())
        return BackboneOutput(self.join(pooled), joints, log_scale)
