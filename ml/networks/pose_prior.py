"""PosePrior of Zimmermann and Brox (*Learning to Estimate 3D Hand Pose from Single RGB Images*, ICCV 2017).

Score maps of the 21 joints become a hand in its canonical frame (w_c) and the viewpoint (R), in two streams of convolutions and
dense layers; the hand as seen is w_c·R. All hands are right hands here, so neither mirroring nor a handedness input is needed.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn
from torch.nn.functional import affine_grid, avg_pool2d, grid_sample, interpolate, normalize

from ml.identity.networks import rows_to_rotations
from ml.networks.feature_pyramid import convolution, drawn_maps
from ml.networks.hand_batch import HandBatch, HandGuess, HandNetwork
from ml.networks.score_pyramid import ScorePyramid

SCORE_MAP: Final = 12
"""Side of the score maps that are lifted."""
SPREAD: Final = 1.0
"""Standard deviation of the Gaussians in them, cells: wide enough that a joint's place between cells is seen."""
WIDTHS: Final = (32, 64, 128)
"""Channels of a stream's convolutions, twice each, the second with stride 2."""
DENSE: Final = 512
WRIST, MIDDLE, MIDDLE_PIP, PINKY = 0, 9, 10, 17
SILHOUETTE_MARGIN: Final = 1.25
"""Side of the tightened crop over that of the silhouette's box."""
LEAST_HALF: Final = 0.3
"""Half side of the smallest tightened crop, in halves of the crop: a smaller silhouette is not a whole hand."""


def canonical_hand(joints: Tensor) -> tuple[Tensor, Tensor]:
    """Joints [B, 21, 3] of right hands to (w_c [B, 21, 3], R [B, 3, 3]): joints − wrist = unit · w_c·R, rows as vectors.

    In the canonical frame the wrist is the origin, the middle knuckle lies on +y and the pinky's at z = 0 and x ≥ 0; the unit
    is the middle finger's proximal bone. Section 4.3 of the paper.
    """
    relative = joints - joints[:, WRIST : WRIST + 1]
    y = normalize(relative[:, MIDDLE], dim=-1)
    across = relative[:, PINKY]
    x = normalize(across - (across * y).sum(-1, keepdim=True) * y, dim=-1)
    viewpoint = torch.stack([x, y, torch.linalg.cross(x, y)], 1)
    return relative @ viewpoint.mT / proximal_bone(joints), viewpoint


def proximal_bone(joints: Tensor) -> Tensor:
    """Length [B, 1, 1] of the middle finger's proximal bone of joints [B, 21, 3]."""
    length: Tensor = (joints[:, MIDDLE_PIP] - joints[:, MIDDLE]).norm(dim=-1).clamp_min(1e-6)[:, None, None]
    return length


def score_maps(points: Tensor) -> Tensor:
    """Maps [B, 21, 12, 12] of Gaussians at 2D joints [B, 21, 2] in the crop."""
    return drawn_maps(points, SCORE_MAP, SPREAD)


class ScoreMapStream(nn.Module):
    """One stream: 21 score maps to `outputs` numbers."""

    def __init__(self, outputs: int, widths: tuple[int, ...] = WIDTHS, dense: int = DENSE) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        before = 21
        for after in widths:
            for source, stride in ((before, 1), (after, 2)):
                layers += [convolution(source, after, stride), nn.BatchNorm2d(after), nn.ReLU(inplace=True)]
            before = after
        self.convolutions = nn.Sequential(*layers)
        cells = (-(-SCORE_MAP // 2 ** len(widths))) ** 2
        self.dense = nn.Sequential(
            nn.Linear(cells * before, dense), nn.ReLU(inplace=True), nn.Dropout(0.1),
            nn.Linear(dense, dense), nn.ReLU(inplace=True), nn.Dropout(0.1),
            nn.Linear(dense, outputs),
        )  # fmt: skip
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, maps: Tensor) -> Tensor:
        """[B, 21, 12, 12] to [B, outputs]."""
        seen = self.convolutions(maps.contiguous(memory_format=torch.channels_last))
        found: Tensor = self.dense(seen.flatten(1))
        return found


class TwoStreamPrior(nn.Module):
    """PosePrior: the two streams."""

    def __init__(self) -> None:
        super().__init__()
        self.canonical = ScoreMapStream(63)
        self.viewpoint = ScoreMapStream(6)

    def forward(self, maps: Tensor) -> tuple[Tensor, Tensor]:
        """Score maps [B, 21, 12, 12] to w_c [B, 21, 3] and R [B, 3, 3], from the first two rows of R by Gram–Schmidt."""
        return self.canonical(maps).float().view(-1, 21, 3), rows_to_rotations(self.viewpoint(maps).float())


class KeypointPosePrior(HandNetwork):
    """PosePrior on maps drawn at the detector's 2D joints."""

    def __init__(self) -> None:
        super().__init__()
        self.lift = TwoStreamPrior()

    def streams(self, points: Tensor) -> tuple[Tensor, Tensor]:
        """2D joints [B, 21, 2] in the crop to w_c and R."""
        canonical, viewpoint = self.lift(score_maps(points))
        return canonical, viewpoint

    def forward(self, hands: HandBatch) -> HandGuess:
        """The hand as seen: w_c·R, in proximal bones."""
        canonical, viewpoint = self.streams(hands.landmarks)
        return HandGuess(joints=canonical @ viewpoint)


class DirectLifting(HandNetwork):
    """One stream of as many weights as PosePrior's two, straight to the hand as seen: what the paper compares with."""

    def __init__(self) -> None:
        super().__init__()
        self.lift = ScoreMapStream(63, (45, 90, 180), 728)

    def seen(self, points: Tensor) -> Tensor:
        """2D joints [B, 21, 2] in the crop to joints [B, 21, 3] in proximal bones."""
        joints: Tensor = self.lift(score_maps(points)).float().view(-1, 21, 3)
        return joints

    def forward(self, hands: HandBatch) -> HandGuess:
        """The hand as seen, in proximal bones."""
        return HandGuess(joints=self.seen(hands.landmarks))


class HandSegmenter(nn.Module):
    """The hand's silhouette in a crop; HandSegNet's part, small."""

    def __init__(self) -> None:
        super().__init__()
        widths = (16, 32, 48)
        self.stages = nn.ModuleList(
            nn.Sequential(convolution(a, b, 2), nn.BatchNorm2d(b), nn.ReLU(inplace=True), *_same(b))
            for a, b in zip((3, *widths), widths, strict=False)
        )
        self.lateral = nn.ModuleList(nn.Conv2d(width, widths[0], 1) for width in widths)
        self.leave = nn.Sequential(*_same(widths[0]), nn.Conv2d(widths[0], 1, 1))
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, crops: Tensor) -> Tensor:
        """Crops [B, 3, 96, 96] (0 … 255) to logits [B, 48, 48]."""
        x = ((crops.float() - 128.0) / 64.0).contiguous(memory_format=torch.channels_last)
        scales = []
        for stage, lateral in zip(self.stages, self.lateral, strict=True):
            x = stage(x)
            scales.append(lateral(x))
        merged = scales[-1]
        for scale in scales[-2::-1]:
            merged = scale + interpolate(merged, scale_factor=2, mode="nearest")
        logits: Tensor = self.leave(merged)[:, 0]
        return logits


class PixelPosePrior(HandNetwork):
    """The whole chain: segment the hand, tighten the crop, find the 2D joints in it, lift them."""

    uses_pixels = True

    def __init__(self) -> None:
        super().__init__()
        self.segmenter = HandSegmenter()
        self.backbone = ScorePyramid()
        self.lift = TwoStreamPrior()

    def streams(self, points: Tensor) -> tuple[Tensor, Tensor]:
        """2D joints [B, 21, 2] in the tightened crop to w_c and R."""
        canonical, viewpoint = self.lift(score_maps(points))
        return canonical, viewpoint

    def forward(self, hands: HandBatch) -> HandGuess:
        """The hand as seen, in proximal bones, and its 2D joints."""
        assert hands.crops is not None
        windows = silhouette_windows(self.segmenter(hands.crops).float().sigmoid())
        points = self.backbone(tightened(hands.crops, windows)).points
        canonical, viewpoint = self.streams(points)
        return HandGuess(joints=canonical @ viewpoint, landmarks=points * windows[:, None, 2:] + windows[:, None, :2])


def silhouette_windows(shares: Tensor) -> Tensor:
    """Squares [B, 3] (centre x, y and half side, in the crop) of 1.25 times the boxes of silhouettes [B, n, n] (0 … 1).

    Cells count where most of their neighbourhood is hand, so that specks do not; without any, the square is the crop.
    """
    hand = avg_pool2d(shares[:, None].float(), 3, 1, 1)[:, 0] > 0.5
    side = hand.shape[-1]
    steps = (torch.arange(side, device=shares.device) + 0.5) / side * 2 - 1
    ends = []
    for along in (hand.any(1), hand.any(2)):
        low = torch.where(along, steps, steps.new_tensor(2.0)).amin(1)
        high = torch.where(along, steps, steps.new_tensor(-2.0)).amax(1)
        ends.append((low, high))
    (left, right), (top, bottom) = ends
    half = SILHOUETTE_MARGIN * torch.maximum(right - left, bottom - top) / 2
    windows = torch.stack([(left + right) / 2, (top + bottom) / 2, half.clamp(LEAST_HALF, 1.0)], 1)
    return torch.where(hand.flatten(1).any(1)[:, None], windows, windows.new_tensor([0.0, 0.0, 1.0]))


def tightened(crops: Tensor, windows: Tensor) -> Tensor:
    """What squares [B, 3] of crops [B, 3, n, n] show, at the crops' size; black outside."""
    x, y, half = windows.unbind(1)
    zero = torch.zeros_like(x)
    theta = torch.stack([half, zero, x, zero, half, y], 1).view(-1, 2, 3)
    grid = affine_grid(theta, list(crops.shape), align_corners=False)
    return grid_sample(crops.float(), grid, mode="bilinear", align_corners=False)


def _same(channels: int) -> tuple[nn.Module, ...]:
    return convolution(channels, channels, 1), nn.BatchNorm2d(channels), nn.ReLU(inplace=True)
