"""Training data of the survey's systems: the samples of `ml.training.samples`, with the depth map of every hand.

A batch is a dictionary of tensors of B right hands in the cameras of their crops:

===============  ====================  ==========================================================================
`inputs`         [B, 132]              as detected (`ml.networks.hand_batch.HandBatch`)
`landmarks`      [B, 21, 2]            as detected, in the crop, whose sides lie at −1 and 1
`crops`          [B, 3, 96, 96]        for networks on pixels
`points`         [B, 21, 2]            true joints in the crop
`rotations`      [B, 16, 3, 3]         true pose
`betas`          [B, 10]               true shape
`joints`         [B, 21, 3]            true joints about the wrist, m
`windows`        [B, 3]                the crop's centre and half side in its camera, as x / z and y / z
`distances`      [B]                   true distance of the wrist along the optical axis, m
`depths`         [B, 48, 48]           1 for the nearest point of the hand to 0 for its furthest and for the background
`silhouettes`    [B, 48, 48]           1 on the hand, 0 elsewhere
===============  ====================  ==========================================================================
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn

from ml.hand.model import load_hand_model
from ml.identity.crops import CROP_PX, RIM_PX, SMALL_CROP_PX
from ml.networks.hand_batch import HandBatch
from ml.synthetic.zbuffer import rasterise
from ml.training.augment import augment, without_rim
from ml.training.loop import Batch, epochs
from ml.training.samples import Samples
from ml.training.train_kong2022 import Dataset

DEPTH_PX: Final = (CROP_PX + 2 * RIM_PX) // 4
"""Side of a stored depth map, which covers the crop with its rim."""
NOISE: Final = 0.005
"""Standard deviation of the noise added to `inputs`, in their unit."""


@dataclass(frozen=True)
class SurveyData:
    """n hands.

    Attributes:
        data: network inputs, crops and truth.
        true_joints: [n, 21, 3], m, in the cameras of the crops.
        people: int [n], number of the person.
        depth_file: keeps the depth maps once they are made.
    """

    data: Dataset
    true_joints: Tensor
    people: Tensor
    depth_file: Path | None = None

    @classmethod
    def of(cls, samples: Samples, depth_file: Path | None = None) -> SurveyData:
        """From samples; left hands are mirrored."""
        data = Dataset.of(samples)
        data = replace(data, crops=_halved(data.crops))
        joints = _in_crop_cameras(data, torch.as_tensor(samples.joints))
        return cls(data, joints, torch.as_tensor(samples.subject), depth_file)

    def __len__(self) -> int:
        return len(self.data)

    @cached_property
    def depth_maps(self) -> np.ndarray:
        """float16 [n, 56, 56] over the crop with its rim: depth from 1 (nearest) to 0, −1 for the background."""
        if self.depth_file is not None and self.depth_file.exists():
            stored: np.ndarray = np.load(self.depth_file, allow_pickle=False)
            if len(stored) == len(self):
                return stored
        made = depth_maps(self.data, self.true_joints)
        if self.depth_file is not None:
            np.save(self.depth_file, made)
        return made

    def batches(
        self, batch: int, seed: int, *, pixels: bool, depths: bool = False, rows: Tensor | None = None
    ) -> Callable[[int], Batch]:
        """Step → augmented batch, of all hands or of some `rows`."""
        chosen = torch.arange(len(self)) if rows is None else rows
        order = epochs(len(chosen), batch, seed)

        def made(step: int) -> Batch:
            generator = torch.Generator().manual_seed(seed * 7_368_787 + step)
            found = self.batch(chosen[order(step)], pixels=pixels, depths=depths, generator=generator)
            noise = torch.randn(found["inputs"].shape, generator=generator)
            return found | {"inputs": found["inputs"] + NOISE * noise}

        return made

    def batch(self, rows: Tensor, *, pixels: bool, depths: bool = False, generator: torch.Generator | None = None) -> Batch:
        """Some hands, augmented where there is a generator."""
        data = self.data
        axis = _axis_points(data.seen.centre[rows], data.seen.half[rows])
        points = torch.stack([torch.cat([found, axis], 1) for found in (data.seen.landmarks[rows], data.joints[rows])])
        maps = torch.as_tensor(self.depth_maps[rows.numpy()])[:, None].float() if depths else None
        inputs, rotations = data.seen.inputs[rows], data.rotations[rows]
        crops = data.crops[rows] if pixels else None
        if generator is not None:
            other = augment(inputs, rotations, crops, points, generator, maps)
            inputs, rotations, crops, points, maps = other
        else:
            crops = None if crops is None else without_rim(crops)
            maps = None if maps is None else without_rim(maps)
        found = {
            "inputs": inputs,
            "landmarks": points[0, :, :21],
            "points": points[1, :, :21],
            "windows": _windows(points[1, :, 21:]),
            "distances": self.true_joints[rows, 0, 2],
            "rotations": rotations,
            "betas": data.betas[rows],
            "joints": joints_of(rotations, data.betas[rows]),
        }
        if crops is not None:
            found["crops"] = crops
        if maps is not None:
            found |= {"depths": maps[:, 0].clamp_min(0), "silhouettes": (maps[:, 0] >= 0).float()}
        return found

    def hands(self, rows: Tensor, *, pixels: bool) -> HandBatch:
        """Some hands as networks see them, without augmentation."""
        return HandBatch.of(self.batch(rows, pixels=pixels))


def _halved(crops: Tensor) -> Tensor:
    """Crops uint8 [n, 3, 224, 224] as the systems see them, [n, 3, 112, 112], in parts that fit into memory."""
    assert CROP_PX == 2 * SMALL_CROP_PX
    parts = [nn.functional.avg_pool2d(part.float(), 2).round().to(torch.uint8) for part in torch.split(crops, 256)]
    return torch.cat(parts)


def joints_of(rotations: Tensor, betas: Tensor) -> Tensor:
    """Joints [B, 21, 3] (m) about the wrist of right hands."""
    model = load_hand_model("open", "right", device=rotations.device)
    joints = model.joints(rotations, betas, rotations.new_zeros(3))
    return joints - joints[:, :1]


def _axis_points(centre: Tensor, half: Tensor) -> Tensor:
    """Where the rays x / z = y / z = 0 and x / z = 1, y / z = 0 of a crop's camera are in the crop: [B, 2, 2].

    They are augmented with the joints, so that the crop's place in its camera stays known.
    """
    rays = centre.new_tensor([[0.0, 0.0], [1.0, 0.0]])
    return (rays - centre[:, None]) / half[:, None, None]


def _windows(axis: Tensor) -> Tensor:
    """The inverse of `_axis_points`: centres and half sides [B, 3] of points [B, 2, 2].

    Rolled cameras keep the ray 0 and the length of the other.
    """
    half = 1 / (axis[:, 1] - axis[:, 0]).norm(dim=-1, keepdim=True)
    return torch.cat([-axis[:, 0] * half, half], 1)


def _in_crop_cameras(data: Dataset, joints: Tensor) -> Tensor:
    """Joints [n, 21, 3] of real hands in the camera frame → of right hands in the cameras of their crops, m."""
    mirrored = torch.where(data.seen.mirrored[:, None, None], joints.new_tensor([-1.0, 1.0, 1.0]), joints.new_ones(3))
    return (joints * mirrored) @ data.seen.crop_rotation.mT


@torch.no_grad()
def depth_maps(data: Dataset, true_joints: Tensor, chunk: int = 256) -> np.ndarray:
    """The depth maps of n hands: float16 [n, 56, 56], 1 for a hand's nearest point to 0 for its furthest, −1 elsewhere."""
    model = load_hand_model("open", "right")
    faces = np.asarray(model.faces)
    found = np.full((len(data), DEPTH_PX, DEPTH_PX), -1.0, np.float16)
    reach = 1 + 2 * RIM_PX / CROP_PX
    for first in range(0, len(data), chunk):
        rows = slice(first, first + chunk)
        output = model(data.rotations[rows], data.betas[rows], torch.zeros(3))
        vertices = (output.vertices - output.joints[:, :1] + true_joints[rows, :1]).numpy()
        for row, mesh in enumerate(vertices, start=first):
            half = float(data.seen.half[row]) * reach
            focal = DEPTH_PX / (2 * half)
            x, y = (float(value) for value in data.seen.centre[row])
            camera = np.array([[focal, 0, DEPTH_PX / 2 - focal * x], [0, focal, DEPTH_PX / 2 - focal * y], [0, 0, 1]])
            depth = rasterise(mesh, faces, camera, DEPTH_PX, DEPTH_PX).depth
            seen = np.isfinite(depth)
            if seen.any():
                low, high = depth[seen].min(), depth[seen].max()
                found[row][seen] = (high - depth[seen]) / max(high - low, 1e-6)
    return found
