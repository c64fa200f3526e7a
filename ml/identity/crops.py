"""The square image crop of one hand for the image backbone, in the camera of `ml.identity.observation`.

The hand points up and fills the square whatever its size in the image; left hands are mirrored, so that poses mean the same
for both backbones.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import torch
from torch import Tensor, nn

from ml.identity.observation import crop_camera, crop_square

CROP_PX: Final = 192
"""Side of the crops of the image backbone; a hand is as large as in MediaPipe's own crops of 224 px, whose margin is wider."""
SMALL_CROP_PX: Final = 96
"""That of the survey's systems on pixels."""
RIM_PX: Final = 16
"""Margin around the crop, so that training may shift, rotate and shrink it without black borders."""


def crop_of(
    image: np.ndarray,
    joints_2d: np.ndarray,
    intrinsics: np.ndarray,
    *,
    mirrored: bool,
    rim: int = 0,
    side: int = CROP_PX,
) -> np.ndarray:
    """One hand's crop, uint8 [3, side, side], as an upright right hand; black outside the image.

    Args:
        image: uint8 [H, W, 3].
        joints_2d: [21, 2], px, as detected.
        intrinsics: [3, 3], px.
        mirrored: True for a left hand.
        rim: extra pixels on every side.
        side: of the crop without the rim, px.
    """
    pixels, k = torch.as_tensor(joints_2d, dtype=torch.float32)[None], torch.as_tensor(intrinsics, dtype=torch.float32)
    keypoints, rotation = crop_camera(pixels, k, torch.tensor([mirrored]))
    centre, half = (value[0] for value in crop_square(keypoints))
    steps = (torch.arange(-rim, side + rim) + 0.5) / side * 2 - 1
    y, x = torch.meshgrid(steps, steps, indexing="ij")
    rays = torch.stack([centre[0] + half * x, centre[1] + half * y, torch.ones_like(x)], -1) @ rotation[0]
    if mirrored:
        rays = rays * rays.new_tensor([-1.0, 1.0, 1.0])
    pixels_at = rays @ k.T
    pixels_at = pixels_at[..., :2] / pixels_at[..., 2:].clamp_min(1e-3)
    part, corner = _part(image, pixels_at)
    if not part.size:
        return np.zeros((3, *x.shape), np.uint8)
    # average first: a hand of 500 px sampled at a fifth of that would alias
    factor = max(1, int(2 * half * float(k[0, 0]) / side))
    whole = torch.as_tensor(np.ascontiguousarray(part)).permute(2, 0, 1)[None].float()
    small = nn.functional.avg_pool2d(whole, factor, ceil_mode=True, count_include_pad=False) if factor > 1 else whole
    # grid_sample counts from −1 to 1 over the outer edges; pixel centres lie at whole coordinates
    size = factor * torch.tensor(small.shape[:1:-1])
    grid = (2 * (pixels_at - corner) + 1) / size - 1
    found = nn.functional.grid_sample(small, grid[None], align_corners=False)[0]
    return np.asarray(found.round().clamp(0, 255).to(torch.uint8).numpy())


def _part(image: np.ndarray, pixels_at: Tensor) -> tuple[np.ndarray, Tensor]:
    """The part of an image [H, W, 3] around pixels [..., 2] (px), and its top left corner."""
    limits = torch.tensor(image.shape[1::-1])
    low = (pixels_at.flatten(0, -2).amin(0) - 2).clamp_min(0).minimum(limits).long()
    high = (pixels_at.flatten(0, -2).amax(0) + 3).clamp_min(0).minimum(limits).long()
    return image[low[1] : high[1], low[0] : high[0]], low.float()
