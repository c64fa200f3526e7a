"""Augmentation of training samples: in-plane rotation, scale, shift, colour and noise."""

from __future__ import annotations

from typing import Final, NamedTuple

import torch
from torch import Tensor, nn

from ml.identity.crops import CROP_PX, RIM_PX
from ml.identity.observation import roll_inputs, roll_matrices

ROLL: Final = 0.25
"""Radians."""
SCALE: Final = 0.1
SHIFT: Final = 0.06
"""Shares of half the crop."""


class AugmentedBatch(NamedTuple):
    """n augmented hands: inputs [n, 132], rotations [n, 16, 3, 3], crops [n, 3, S, S] (or None), points [k, n, 21, 2],
    maps [n, c, s, s] (or None).
    """

    inputs: Tensor
    rotations: Tensor
    crops: Tensor | None
    points: Tensor
    maps: Tensor | None = None


def without_rim(crops: Tensor) -> Tensor:
    """Crops, or maps over them, [n, c, S, S] without their rim: [n, c, 6/7 S, 6/7 S]."""
    side, inner = crops.shape[-1], _inner(crops)
    rim = (side - inner) // 2
    return crops[..., rim : side - rim, rim : side - rim]


def _inner(crops: Tensor) -> int:
    """Side of crops without their rim."""
    return crops.shape[-1] * CROP_PX // (CROP_PX + 2 * RIM_PX)


def augment(  # noqa: PLR0917
    inputs: Tensor,
    rotations: Tensor,
    crops: Tensor | None,
    points: Tensor,
    generator: torch.Generator,
    maps: Tensor | None = None,
) -> AugmentedBatch:
    """Rotate by up to 0.25 radians, scale by up to 10%, shift by up to 6%, and change the light.

    Args:
        inputs: [n, 132].
        rotations: [n, 16, 3, 3], true rotations in the crop camera.
        crops: uint8 [n, 3, S, S], with their rim; None for the landmark backbone.
        points: [k, n, 21, 2], in coordinates of the crop, whose sides lie at −1 and 1.
        generator: source of randomness.
        maps: [n, c, s, s] over the crop with its rim: what each pixel shows.
    """
    count = len(inputs)
    angles = (2 * torch.rand(count, generator=generator) - 1) * ROLL
    inputs, rotations = roll_inputs(inputs, rotations, angles)
    roll = roll_matrices(angles)[:, :2, :2]
    scale = 1 + SCALE * (2 * torch.rand(count, 1, 1, generator=generator) - 1)
    shift = SHIFT * (2 * torch.rand(count, 2, generator=generator) - 1)
    # the point at q was at p = scale · rollᵀ q + shift
    moved = ((points - shift[:, None]) @ roll.mT) / scale
    theta = torch.cat([roll.mT * scale, shift[..., None]], -1) * (CROP_PX / (CROP_PX + 2 * RIM_PX))
    changed = None if maps is None else _sampled(maps, theta, _inner(maps), "nearest")
    seen = None if crops is None else _relit(_sampled(crops, theta, _inner(crops), "bilinear"), generator)
    return AugmentedBatch(inputs, rotations, seen, moved, changed)


def _sampled(images: Tensor, theta: Tensor, side: int, mode: str) -> Tensor:
    """Images [n, c, h, w] under affine maps [n, 2, 3]: [n, c, side, side]."""
    grid = nn.functional.affine_grid(theta, [len(images), images.shape[1], side, side], align_corners=False)
    return nn.functional.grid_sample(images.float(), grid, mode=mode, align_corners=False)


def _relit(crops: Tensor, generator: torch.Generator) -> Tensor:
    """Random colour gain, brightness and sensor noise."""
    count = len(crops)
    gain = 0.75 + 0.5 * torch.rand(count, 3, 1, 1, generator=generator)
    offset = 40 * (torch.rand(count, 1, 1, 1, generator=generator) - 0.5)
    noise = 2 * torch.rand(count, 1, *crops.shape[-2:], generator=generator) - 1
    strength = 12 * torch.rand(count, 1, 1, 1, generator=generator)
    return (crops * gain + offset + strength * noise).clamp(0, 255)
