"""Cai et al., *Weakly-supervised 3D Hand Pose Estimation from Monocular RGB Images*, ECCV 2018: 2D joints and their depths.

Networks regress the 2D joints in the crop and the depths of the joints behind the wrist's, and back-project them. In training a
depth regulariser draws the hand's depth map from them, so that a depth map teaches where no 3D joints are known.
Lengths are in units of the crop's half side at the wrist's distance.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn

from ml.networks.feature_pyramid import MAP_CHANNELS, STAGE_CHANNELS
from ml.networks.hand_batch import HandBatch, HandGuess, HandNetwork
from ml.networks.residual_mlp import ResidualMLP
from ml.networks.score_pyramid import ScorePyramid

DEPTH_MAP: Final = 24
"""Side of the drawn depth map."""
WIDTH: Final = 512


def back_projected(points: Tensor, depths: Tensor, windows: Tensor) -> Tensor:
    """Joints [B, 21, 3] about the wrist, on the rays of their 2D joints.

    Args:
        points: [B, 21, 2], in the crop.
        depths: [B, 21], of the joints behind the wrist, in units of the crop's half side at the wrist.
        windows: [B, 3], of the crops (`ml.networks.hand_batch.HandBatch`).
    """
    centre, half = windows[:, None, :2], windows[:, None, 2:]
    distance = (depths - depths[:, :1])[..., None] + 1 / half
    joints = torch.cat([(centre + half * points) * distance, distance], -1)
    return joints - joints[:, :1]


class KeypointDepth(HandNetwork):
    """From the detector's 2D joints to their corrected places and depths."""

    def __init__(self, width: int = WIDTH) -> None:
        super().__init__()
        self.regress = ResidualMLP(42, 63, width=width, blocks=3)

    def found(self, hands: HandBatch) -> tuple[Tensor, Tensor]:
        """The 2D joints [B, 21, 2] and their depths [B, 21]."""
        found = self.regress(hands.landmarks.flatten(1)).view(-1, 21, 3).float()
        return hands.landmarks + found[..., :2], found[..., 2]

    def forward(self, hands: HandBatch) -> HandGuess:
        """The joints in space, and in the crop."""
        points, depths = self.found(hands)
        return _guess(points, depths, hands)


class PixelDepth(HandNetwork):
    """2D joints from score maps, and their depths from the features there."""

    uses_pixels = True

    def __init__(self) -> None:
        super().__init__()
        self.backbone = ScorePyramid()
        self.depth = ResidualMLP(42 + 21 * MAP_CHANNELS + STAGE_CHANNELS[-1], 21, width=384, blocks=2)

    def found(self, hands: HandBatch) -> tuple[Tensor, Tensor]:
        """The 2D joints [B, 21, 2] and their depths [B, 21]."""
        assert hands.crops is not None
        points, features, whole = self.backbone(hands.crops)
        return points, self.depth(torch.cat([points.flatten(1), features.flatten(1), whole], 1)).float()

    def forward(self, hands: HandBatch) -> HandGuess:
        """The joints in space, and in the crop."""
        points, depths = self.found(hands)
        return _guess(points, depths, hands)


class DepthRegulariser(nn.Module):
    """Draws a hand's depth map from its joints: a dense layer, then transposed convolutions. Not part of what is shipped."""

    def __init__(self) -> None:
        super().__init__()
        self.enter = nn.Sequential(nn.Linear(63, 256), nn.ReLU(), nn.Linear(256, 32 * 9), nn.ReLU())
        self.draw = nn.Sequential(
            nn.ConvTranspose2d(32, 32, 4, 2, 1), nn.ReLU(),
            nn.ConvTranspose2d(32, 16, 4, 2, 1), nn.ReLU(),
            nn.ConvTranspose2d(16, 1, 4, 2, 1),
        )  # fmt: skip

    def forward(self, points: Tensor, depths: Tensor) -> Tensor:
        """2D joints [B, 21, 2] and depths [B, 21] to maps [B, 24, 24]: 1 for a hand's nearest point to 0 for the background."""
        seen = self.enter(torch.cat([points, depths[..., None]], -1).flatten(1))
        maps: Tensor = self.draw(seen.view(-1, 32, 3, 3))[:, 0]
        return maps


def _guess(points: Tensor, depths: Tensor, hands: HandBatch) -> HandGuess:
    assert hands.windows is not None
    return HandGuess(joints=back_projected(points, depths, hands.windows), landmarks=points)
