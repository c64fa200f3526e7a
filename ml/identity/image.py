"""What a network sees of one hand where it sees pixels: a square picture by a camera that looks straight at the hand.

The camera is the one of `ml.identity.observation`, turned to the middle of the detected joints and mirrored for left hands,
so that poses mean the same for both backbones; and as there, size is left out: the hand fills the square.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import torch
from torch import Tensor, nn

from ml.identity.networks import FEATURES
from ml.identity.observation import crop_camera

CROP_PX: Final = 64
MARGIN: Final = 1.35
"""Side of the square over that of the joints' box: skin lies outside the joints, and detections are off."""
PIECE: Final = 256
"""Crops looked at together: bounds the memory."""
_WIDTHS: Final = (24, 48, 96, 128)


def crop_of(picture: np.ndarray, joints_2d: np.ndarray, intrinsics: np.ndarray, *, mirrored: bool) -> np.ndarray:
    """One hand's crop, uint8 [3, 64, 64], as a right hand; black where the picture ends.

    Args:
        picture: uint8 [H, W, 3].
        joints_2d: [21, 2], px, as detected.
        intrinsics: [3, 3], px.
        mirrored: it is a left hand.
    """
    pixels, k = torch.as_tensor(joints_2d, dtype=torch.float32)[None], torch.as_tensor(intrinsics, dtype=torch.float32)
    sight, rotation = crop_camera(pixels, k, torch.tensor([mirrored]))
    low, high = sight[0].amin(0), sight[0].amax(0)
    centre, half = (low + high) / 2, MARGIN * (high - low).max() / 2
    steps = (torch.arange(CROP_PX) + 0.5) / CROP_PX * 2 - 1
    y, x = torch.meshgrid(steps, steps, indexing="ij")
    rays = torch.stack([centre[0] + half * x, centre[1] + half * y, torch.ones_like(x)], -1) @ rotation[0]
    if mirrored:
        rays = rays * rays.new_tensor([-1.0, 1.0, 1.0])
    places = rays @ k.T
    places = places[..., :2] / places[..., 2:].clamp_min(1e-3)
    height, width = picture.shape[:2]
    # grid_sample counts from −1 to 1 over the picture's outer edges; pixel centres lie at whole coordinates
    grid = (2 * places + 1) / places.new_tensor([width, height]) - 1
    # averaging down first: a hand of 500 px in 64 would alias
    factor = max(1, int(2 * half * float(k[0, 0]) / CROP_PX))
    whole = torch.as_tensor(np.ascontiguousarray(picture)).permute(2, 0, 1)[None].float()
    small = nn.functional.avg_pool2d(whole, factor, ceil_mode=True, count_include_pad=False) if factor > 1 else whole
    found = nn.functional.grid_sample(small, grid[None], align_corners=False)[0]
    return np.asarray(found.round().clamp(0, 255).to(torch.uint8).numpy())


class _Block(nn.Module):
    """Two convolutions beside a shortcut; the first halves the picture where `stride` is 2."""

    def __init__(self, channels: int, widths: int, stride: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, widths, 3, stride, 1, bias=False)
        self.second = nn.Conv2d(widths, widths, 3, 1, 1, bias=False)
        self.norms = nn.ModuleList(nn.BatchNorm2d(widths) for _ in range(2))
        self.shortcut = nn.Conv2d(channels, widths, 1, stride, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        y = nn.functional.relu(self.norms[0](self.first(x)), inplace=True)
        return nn.functional.relu(self.norms[1](self.second(y)) + self.shortcut(x), inplace=True)


class ImageBackbone(nn.Module):
    """A residual CNN on the crop, small enough to be trained on two cores."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, _WIDTHS[0], 5, 2, 2)
        pairs = zip(_WIDTHS, (*_WIDTHS[1:], _WIDTHS[-1]), strict=True)
        self.blocks = nn.Sequential(*(_Block(a, b, 2) for a, b in pairs))
        # 2 × 2 places are kept apart: where something lies in the square says which finger it is
        self.leave = nn.Sequential(nn.Flatten(), nn.Dropout(0.1), nn.Linear(4 * _WIDTHS[-1], FEATURES))

    def forward(self, crops: Tensor) -> Tensor:
        """Crops [B, 3, 64, 64], 0 … 255, to features [B, 256]."""
        if not self.training and len(crops) > PIECE:
            return torch.cat([self(piece) for piece in torch.split(crops, PIECE)])
        x = (crops.float() - 128.0) / 64.0
        features: Tensor = self.leave(self.blocks(nn.functional.relu(self.stem(x), inplace=True)))
        return features
