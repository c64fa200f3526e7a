"""DetNet of Zhou et al., CVPR 2020: heat, delta and location maps over the crop, and the system of DetNet and IKNet.

Three heads follow each other, and each sees what those before it found. Delta and location maps hold at every place what a
joint would be in space if it were seen there, and are read where its heat map is highest.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor, nn

from ml.fitting.bone_ratios import bone_ratios, shape_from_ratios
from ml.hand.model import load_hand_model
from ml.networks.feature_pyramid import MAP, MAP_CHANNELS, FeaturePyramid, convolution, map_grid
from ml.networks.hand_batch import HandBatch, HandGuess, HandNetwork
from ml.networks.pose_quaternions import JOINTS, IKNet, Posed

COORDINATES: Final = 2
RARE: Final = -4.0
"""Logit of the heat maps before training: a joint is in few cells."""
REFINED: Final = 1.5
"""Cells: a joint's place in the crop is the mean of its heat map within this distance of the maximum."""


@dataclass(frozen=True)
class DetectedMaps:
    """What DetNet finds in B crops.

    Attributes:
        heat: [B, 21, 24, 24], logits of the heat maps.
        deltas: [B, 63, 24, 24], from each joint's parent to it, in units of wrist to middle MCP.
        locations: [B, 63, 24, 24], joints about the middle MCP in the same unit, axes of the crop camera.
    """

    heat: Tensor
    deltas: Tensor
    locations: Tensor

    def joints(self) -> Tensor:
        """[B, 21, 3], about the middle MCP: the location maps at the maxima of the heat maps."""
        highest = self.heat.flatten(2).argmax(-1)  # [B, 21]
        maps = self.locations.float().reshape(len(highest), JOINTS, 3, MAP * MAP)
        return maps.gather(-1, highest[..., None, None].expand(-1, -1, 3, 1))[..., 0]

    def landmarks(self) -> Tensor:
        """[B, 21, 2], in the crop, whose sides lie at −1 and 1: the mean of each heat map about its maximum."""
        heat = self.heat.float().sigmoid().flatten(2)
        grid = map_grid(MAP).to(heat)
        peak = grid[heat.argmax(-1)]
        near = (grid - peak[:, :, None]).norm(dim=-1) <= REFINED * 2 / MAP + 1e-6
        weights = heat * near
        mean: Tensor = (weights[..., None] * grid).sum(2) / weights.sum(2, keepdim=True).clamp_min(1e-9)
        return mean


class DetNet(FeaturePyramid):
    """A crop to `DetectedMaps`."""

    def __init__(self) -> None:
        super().__init__()
        channels = MAP_CHANNELS + COORDINATES
        self.heat = _head(channels, JOINTS)
        self.delta = _head(channels + JOINTS, 3 * JOINTS)
        self.location = _head(channels + 4 * JOINTS, 3 * JOINTS)
        last = self.heat[-1].bias
        assert isinstance(last, Tensor)
        nn.init.constant_(last, RARE)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, crops: Tensor) -> DetectedMaps:
        """Crops [B, 3, 96, 96], 0 … 255."""
        features, _ = self.features(crops)
        places = self.grid.to(features.dtype).mT.reshape(1, COORDINATES, MAP, MAP).expand(len(features), -1, -1, -1)
        seen = torch.cat([features, places], 1)
        heat = self.heat(seen)
        seen = torch.cat([seen, heat.sigmoid()], 1)
        deltas = self.delta(seen)
        return DetectedMaps(heat, deltas, self.location(torch.cat([seen, deltas], 1)))


class DetectorOnly(HandNetwork):
    """DetNet alone: joints in space, as in the paper's row "w/o IKNet"."""

    uses_pixels = True

    def __init__(self) -> None:
        super().__init__()
        self.backbone = DetNet()

    def forward(self, hands: HandBatch) -> HandGuess:
        """Joints in space and in the crop, and the shape of every hand."""
        assert hands.crops is not None
        found = self.backbone(hands.crops)
        joints = found.joints()
        ratios = bone_ratios(joints)
        betas = shape_from_ratios(load_hand_model("open", "right", device=joints.device), ratios)
        return HandGuess(joints=joints, betas=betas, landmarks=found.landmarks(), bone_ratios=ratios)


class PixelIKNet(DetectorOnly):
    """IKNet on the joints that DetNet finds."""

    def __init__(self) -> None:
        super().__init__()
        self.ik = IKNet()

    def forward(self, hands: HandBatch) -> HandGuess:
        """Pose and shape of every hand."""
        assert hands.crops is not None
        found = self.backbone(hands.crops)
        landmarks = found.landmarks()
        posed: Posed = self.ik(found.joints(), landmarks)
        return posed.guess(landmarks)


def _head(before: int, after: int) -> nn.Sequential:
    """A 3 × 3 convolution to the pyramid's channels and a 1 × 1 one to maps."""
    return nn.Sequential(
        convolution(before, MAP_CHANNELS, 1),
        nn.BatchNorm2d(MAP_CHANNELS),
        nn.ReLU(inplace=True),
        nn.Conv2d(MAP_CHANNELS, after, 1),
    )
