"""What MediaPipe's landmark stage finds on many images at once, on a GPU where there is one.

The square that the stage looks at is the one that MediaPipe tracks with: about twelve landmarks, twice as large, upright.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn

from ml.networks.hand_trunk import LANDMARK_PX, LandmarkStage

_AROUND: Final = [0, 1, 2, 3, 5, 6, 9, 10, 13, 14, 17, 18]
_ENLARGED: Final = 2.0
_SHIFT: Final = 0.1
"""Towards the fingers, as a share of the square."""


def squares_around(joints: Tensor) -> Tensor:
    """The squares that MediaPipe would look at next: maps [n, 2, 3] from (x, y) in −1 … 1 of the square to pixels.

    Args:
        joints: [n, 21, 2], px.
    """
    middle = ((joints[:, 5] + joints[:, 13]) / 2 + joints[:, 9]) / 2
    up = nn.functional.normalize(middle - joints[:, 0], dim=-1)
    # columns: the square's x and y axes in the image; y points down, away from the fingers
    axes = torch.stack([torch.stack([-up[:, 1], up[:, 0]], -1), -up], -1)
    turned = joints[:, _AROUND] @ axes
    low, high = turned.amin(1), turned.amax(1)
    centre, side = (low + high) / 2, (high - low).amax(-1)
    centre = centre + torch.stack([torch.zeros_like(side), -_SHIFT * (high - low)[:, 1]], -1)
    return torch.cat([axes * (_ENLARGED * side / 2)[:, None, None], (axes @ centre[..., None])], -1)


def sampled(images: Tensor, maps: Tensor, side: int) -> Tensor:
    """Squares of images as float [n, 3, side, side], 0 … 255; black outside.

    Args:
        images: uint8 [n, 3, H, W].
        maps: [n, 2, 3], from −1 … 1 of the square to pixels.
        side: px.
    """
    steps = ((torch.arange(side, device=images.device) + 0.5) / side * 2 - 1).to(maps)
    y, x = torch.meshgrid(steps, steps, indexing="ij")
    at = torch.stack([x, y, torch.ones_like(x)], -1).view(1, -1, 3) @ maps.mT
    size = torch.tensor(images.shape[:1:-1], device=images.device).to(maps)
    return nn.functional.grid_sample(images.float(), (2 * at / size - 1).view(-1, side, side, 2), align_corners=False)


@torch.no_grad()
def detected(stage: LandmarkStage, images: Tensor, squares: Tensor) -> tuple[Tensor, Tensor]:
    """Joints [n, 21, 2] (px) and world landmarks [n, 21, 3] (m, axes of the camera) that the stage finds in squares.

    Args:
        stage: with MediaPipe's weights.
        images: uint8 [n, 3, H, W].
        squares: [n, 2, 3], see `squares_around`.
    """
    joints, world = stage(sampled(images, squares, LANDMARK_PX))
    joints = joints.float() / (LANDMARK_PX / 2) - 1
    axes = nn.functional.normalize(squares[..., :2], dim=1)
    turned = torch.cat([world[..., :2].float() @ axes.mT, world[..., 2:].float()], -1)
    return joints @ squares[..., :2].mT + squares[..., 2][:, None], turned
