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
    """n augmented hands: inputs [n, 132], rotations [n, 16, 3, 3], crops [n, 3, 96, 96] (or None), points [k, n, 21, 2]."""

    inputs: Tensor
    rotations: Tensor
    crops: Tensor | None
    points: Tensor


def without_rim(crops: Tensor) -> Tensor:
    """Crops [n, 3, 112, 112] without their rim: [n, 3, 96, 96]."""
    return crops[..., RIM_PX:-RIM_PX, RIM_PX:-RIM_PX]


def augment(
    inputs: Tensor, rotations: Tensor, crops: Tensor | None, points: Tensor, generator: torch.Generator
) -> AugmentedBatch:
    """Rotate by up to 0.25 radians, scale by up to 10%, shift by up to 6%, and change the light.

    Args:
        inputs: [n, 132].
        rotations: [n, 16, 3, 3], true rotations in the crop camera.
        crops: uint8 [n, 3, 112, 112], with their rim; None for the landmark backbone.
        points: [k, n, 21, 2], in coordinates of the crop, whose sides lie at −1 and 1.
        generator: source of randomness.
    """
    count = len(inputs)
    angles = (2 * torch.rand(count, generator=generator) - 1) * ROLL
    inputs, rotations = roll_inputs(inputs, rotations, angles)
    roll = roll_matrices(angles)[:, :2, :2]
    scale = 1 + SCALE * (2 * torch.rand(count, 1, 1, generator=generator) - 1)
    shift = SHIFT * (2 * torch.rand(count, 2, generator=generator) - 1)
    # the point at q was at p = scale · rollᵀ q + shift
    moved = ((points - shift[:, None]) @ roll.mT) / scale
    if crops is None:
        return AugmentedBatch(inputs, rotations, None, moved)
    theta = torch.cat([roll.mT * scale, shift[..., None]], -1) * (CROP_PX / (CROP_PX + 2 * RIM_PX))
    grid = nn.functional.affine_grid(theta, [count, 3, CROP_PX, CROP_PX], align_corners=False)
    seen = nn.functional.grid_sample(crops.float(), grid, align_corners=False)
    return AugmentedBatch(inputs, rotations, _relit(seen, generator), moved)


def _relit(crops: Tensor, generator: torch.Generator) -> Tensor:
    """Random colour gain, brightness and sensor noise."""
    count = len(crops)
    gain = 0.75 + 0.5 * torch.rand(count, 3, 1, 1, generator=generator)
    offset = 40 * (torch.rand(count, 1, 1, 1, generator=generator) - 0.5)
    noise = 2 * torch.rand(count, 1, CROP_PX, CROP_PX, generator=generator) - 1
    strength = 12 * torch.rand(count, 1, 1, 1, generator=generator)
    return (crops * gain + offset + strength * noise).clamp(0, 255)
