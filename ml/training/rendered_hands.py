"""Rendered hands as MediaPipe's landmark stage finds them, in the device's memory, and the batches that are drawn from them."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Final

import numpy as np
import roma
import torch
from torch import Tensor, nn

from ml.identity.crops import CROP_PX
from ml.identity.observation import observe, roll_matrices
from ml.networks.hand_trunk import LandmarkStage
from ml.training.crop_colours import recoloured
from ml.training.landmark_detection import detected, squares_around
from ml.training.render_pool import PIXELS, Rendered

AT_ONCE: Final = 256
"""Every call of the landmark stage has this size: cuDNN plans each new one for seconds."""
_MATCH_SHARE: Final = 0.2
"""Largest mean distance to the true joints, as a share of the hand's box, at which a detection counts as this hand."""
_LEAST_BOX_PX: Final = 50
_SECOND: Final = 0.6
"""Share of hands that are found from the square about a first detection; others are found from the palm detector's."""
_PALM_ERRORS: Final = (0.26, 0.2, 0.12)
"""Largest errors of the palm detector's square: roll (radians), logarithm of the size, shift (share of half the square)."""
_ROLL: Final = 0.3
_RESIZED: Final = 0.15
_SHIFTED: Final = 0.1
"""Augmentation of crops: radians, logarithm of the size, share of half the crop."""


@dataclass(frozen=True)
class Hands:
    """n right hands in the cameras of their crops.

    Attributes:
        images: uint8 [n, 256, 256, 3], in which they were found.
        to_pixels: [n, 3, 3], homographies from coordinates of the crop, whose sides lie at −1 and 1, to pixels.
        landmarks, joints: [n, 21, 2], detected and true joints in coordinates of the crop.
        rotations, betas: true values, [n, 16, 3, 3] and [n, 10].
    """

    images: Tensor
    to_pixels: Tensor
    landmarks: Tensor
    joints: Tensor
    rotations: Tensor
    betas: Tensor

    def __len__(self) -> int:
        return len(self.betas)


_SHAPES: Final[dict[str, tuple[int, ...]]] = {
    "images": (PIXELS, PIXELS, 3),
    "to_pixels": (3, 3),
    "landmarks": (21, 2),
    "joints": (21, 2),
    "rotations": (16, 3, 3),
    "betas": (10,),
}


class HandStore:
    """Room for hands on a device; `hands` of it are filled."""

    def __init__(self, room: int, stage: LandmarkStage, device: torch.device) -> None:
        kinds = {"images": torch.uint8}
        self._arrays = {
            name: torch.empty((room, *shape), dtype=kinds.get(name, torch.float32), device=device)
            for name, shape in _SHAPES.items()
        }
        self.hands, self.images, self.room = 0, 0, room
        self._stage, self._device = stage, device
        self._waiting: list[Rendered] = []
        self._generator = torch.Generator(device).manual_seed(1)

    @property
    def is_full(self) -> bool:
        """Whether no more hands are taken."""
        return self.hands == self.room

    def add(self, rendered: Rendered) -> None:
        """Take images; they are looked at in sets of `AT_ONCE`."""
        if self.is_full:
            return
        self._waiting.append(rendered)
        count = sum(map(len, self._waiting))
        if count < AT_ONCE:
            return
        together = {f.name: np.concatenate([getattr(one, f.name) for one in self._waiting]) for f in fields(Rendered)}
        whole = count // AT_ONCE * AT_ONCE
        for first in range(0, whole, AT_ONCE):
            part = {name: array[first : first + AT_ONCE] for name, array in together.items()}
            self._keep(self._found({name: torch.as_tensor(array).to(self._device) for name, array in part.items()}))
        self._waiting = [Rendered(**{name: array[whole:] for name, array in together.items()})]
        self.images += whole

    def rows(self, rows: Tensor | slice) -> Hands:
        """Some of the hands."""
        return Hands(**{name: array[rows] for name, array in self._arrays.items()})

    def _keep(self, hands: Hands) -> None:
        count = min(len(hands), self.room - self.hands)
        for name, array in self._arrays.items():
            array[self.hands : self.hands + count] = getattr(hands, name)[:count]
        self.hands += count

    def _found(self, shown: dict[str, Tensor]) -> Hands:
        """The hands that the landmark stage finds where they are."""
        intrinsics, images, left = shown["intrinsics"], shown["images"].permute(0, 3, 1, 2), shown["left"]
        rays = shown["joints"] @ intrinsics.mT
        true = rays[..., :2] / rays[..., 2:].clamp_min(1e-3)
        first, first_world = detected(self._stage, images, self._palm_squares(true))
        second, second_world = detected(self._stage, images, squares_around(first))
        twice = (torch.rand(len(left), 1, 1, generator=self._generator, device=self._device)) < _SECOND
        joints, world = torch.where(twice, second, first), torch.where(twice, second_world, first_world)
        box = (true.amax(1) - true.amin(1)).amax(-1)
        good = ((joints - true).norm(dim=-1).mean(1) <= _MATCH_SHARE * box) & (box >= _LEAST_BOX_PX)
        seen = observe(joints, world, intrinsics, left)
        square = torch.diag_embed(torch.stack([seen.half, seen.half, torch.ones_like(seen.half)], -1))
        square[:, :2, 2] = seen.centre
        mirror = torch.ones_like(square[:, 0])
        mirror[:, 0] = torch.where(left, -1.0, 1.0)
        hands = Hands(
            images=shown["images"],
            to_pixels=(intrinsics * mirror[:, None]) @ seen.crop_rotation.mT @ square,
            landmarks=seen.landmarks,
            joints=seen.in_crop(shown["joints"]),
            rotations=seen.from_camera(roma.rotvec_to_rotmat(shown["pose"])),
            betas=shown["betas"],
        )
        return Hands(**{f.name: getattr(hands, f.name)[good] for f in fields(Hands)})

    def _palm_squares(self, joints: Tensor) -> Tensor:
        """Squares [n, 2, 3] as the palm detector might have placed them around joints [n, 21, 2] (px)."""
        squares, count = squares_around(joints), len(joints)
        rolled, resized, moved = _PALM_ERRORS
        turn = roll_matrices(rolled * self._uniform(count))[:, :2, :2]
        axes = squares[..., :2]
        shifted = squares[..., 2:] + axes @ (moved * self._uniform(count, 2, 1))
        return torch.cat([axes @ turn * (resized * self._uniform(count, 1, 1)).exp(), shifted], -1)

    def _uniform(self, *shape: int) -> Tensor:
        """Numbers from −1 to 1."""
        return 2 * torch.rand(*shape, generator=self._generator, device=self._device) - 1


def crops_of(hands: Hands, moved: Tensor | None = None) -> Tensor:
    """Crops [n, 3, 192, 192], 0 … 255; `moved` [n, 3, 3] are homographies from new coordinates of the crop to old ones."""
    maps = hands.to_pixels if moved is None else hands.to_pixels @ moved
    steps = (torch.arange(CROP_PX, device=maps.device) + 0.5) / CROP_PX * 2 - 1
    y, x = torch.meshgrid(steps, steps, indexing="ij")
    at = torch.stack([x, y, torch.ones_like(x)], -1).view(1, -1, 3) @ maps.mT
    at = at[..., :2] / at[..., 2:].clamp_min(1e-3)
    grid = ((2 * at + 1) / PIXELS - 1).view(-1, CROP_PX, CROP_PX, 2)
    return nn.functional.grid_sample(hands.images.permute(0, 3, 1, 2).float(), grid, align_corners=False)


def augmented_crops(hands: Hands, generator: torch.Generator) -> tuple[Tensor, Hands]:
    """Crops rolled by up to 0.3 radians, resized by 15 %, shifted by 10 % and in other light; and the hands in them."""
    count, device = len(hands), hands.betas.device

    def uniform(*shape: int) -> Tensor:
        return 2 * torch.rand(*shape, generator=generator, device=device) - 1

    roll = roll_matrices(_ROLL * uniform(count))
    scale, shift = (_RESIZED * uniform(count, 1, 1)).exp(), _SHIFTED * uniform(count, 2)
    # the point at q of the new crop was at p = scale · rollᵀ q + shift
    moved = torch.zeros(count, 3, 3, device=device)
    moved[:, :2, :2], moved[:, :2, 2], moved[:, 2, 2] = scale * roll[:, :2, :2].mT, shift, 1.0
    joints = ((hands.joints - shift[:, None]) @ roll[:, :2, :2].mT) / scale
    rotations = torch.cat([(roll @ hands.rotations[:, 0])[:, None], hands.rotations[:, 1:]], 1)
    return recoloured(crops_of(hands, moved), generator), replace(hands, joints=joints, rotations=rotations)
