"""Network input of one hand: landmarks in a virtual camera that looks straight at it, always as an upright right hand.

At the edge of a wide-angle image a hand looks rotated. So each hand gets its own camera (same centre of projection), which
looks at the middle of its joints and is rolled until the knuckles lie above the wrist; poses are estimated in that camera and
transformed back by `Observation.to_camera`. The size in pixels is not part of the input: one camera cannot tell a large hand
from a near one, and a network that sees the size learns the distances of its training data.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from ml.hand.skeleton import BONES, Side

INPUTS: Final = 132
"""42 for the 2D joints, 63 for the world landmarks, 27 for proportions."""
_PALM: Final = ((5, 17), (5, 9), (9, 13), (13, 17), (0, 5), (0, 17), (1, 5))
"""Distances across the palm, which are not bones."""
_KNUCKLES: Final = [5, 9, 13, 17]
_SPREAD: Final = 5.0
"""Scale of the log proportions, about 0.2 in size, so that all inputs have similar variance."""
_MIRROR = (-1.0, 1.0, 1.0)
MARGIN: Final = 1.4
"""Side of the crop over that of the joints' box: skin lies outside the joints, and detections have errors."""


@dataclass(frozen=True)
class Observation:
    """n observed hands.

    Attributes:
        inputs: [n, 132]: 2D joints in the crop's camera, then world landmarks in it, both centred, with a mean square of 1;
            then the logarithms of bone lengths and palm distances over the mean bone length, which hold the visible shape.
        landmarks: [n, 21, 2], the detected joints in coordinates of the crop, whose sides lie at −1 and 1.
        world: [n, 21, 3], m, the detected world landmarks, axes of the crop camera.
        crop_rotation: [n, 3, 3], camera frame → crop camera, of the hand (mirrored if left).
        centre, half: [n, 2] and [n], centre and half side of the crop, as x / z and y / z in the crop camera.
        mirrored: bool [n], True for left hands.
    """

    inputs: Tensor
    landmarks: Tensor
    world: Tensor
    crop_rotation: Tensor
    centre: Tensor
    half: Tensor
    mirrored: Tensor

    def to_camera(self, rotations: Tensor) -> Tensor:
        """Rotations [n, 16, 3, 3] of the right hand in the crop camera → of the real hand in the camera frame."""
        root = self.crop_rotation.mT @ rotations[:, 0]
        turned = torch.cat([root.unsqueeze(1), rotations[:, 1:]], dim=1)
        return torch.where(self.mirrored[:, None, None, None], mirror_rotations(turned), turned)

    def from_camera(self, rotations: Tensor) -> Tensor:
        """The inverse of `to_camera`."""
        seen = torch.where(self.mirrored[:, None, None, None], mirror_rotations(rotations), rotations)
        root = self.crop_rotation @ seen[:, 0]
        return torch.cat([root.unsqueeze(1), seen[:, 1:]], dim=1)

    def points_to_camera(self, points: Tensor) -> Tensor:
        """Points [n, k, 3] of the right hand in the crop camera → of the real hand in the camera frame."""
        return (points @ self.crop_rotation) * _signs(self.mirrored, points)

    def in_crop(self, joints: Tensor) -> Tensor:
        """Joints [n, 21, 3] (m, camera frame) in coordinates of the crops: [n, 21, 2]."""
        rays = (joints * _signs(self.mirrored, joints)) @ self.crop_rotation.mT
        return (rays[..., :2] / rays[..., 2:].clamp_min(1e-3) - self.centre[:, None]) / self.half[:, None, None]


def _signs(mirrored: Tensor, like: Tensor) -> Tensor:
    """Factors [n, 1, 3] that mirror left hands in x and keep right ones."""
    return torch.where(mirrored[:, None], like.new_tensor(_MIRROR), like.new_ones(3))[:, None]


def mirror_rotations(rotations: Tensor) -> Tensor:
    """Rotations [..., 3, 3] mirrored in the plane x = 0: S·R·S with S = diag(−1, 1, 1)."""
    mirror = rotations.new_tensor(_MIRROR)
    return rotations * mirror.unsqueeze(-1) * mirror


def sides(side: Side, count: int) -> Tensor:
    """The `mirrored` flags of `count` hands of one side."""
    return torch.full((count,), side == "left")


def observe(joints_2d: Tensor, world: Tensor, intrinsics: Tensor, mirrored: Tensor) -> Observation:
    """Network input of n detected hands.

    Args:
        joints_2d: [n, 21, 2], px.
        world: [n, 21, 3], m, any origin, OpenCV axes (the detector's world landmarks).
        intrinsics: [3, 3] or [n, 3, 3], px.
        mirrored: bool [n]: left hands.
    """
    keypoints, rotation = crop_camera(joints_2d, intrinsics, mirrored)
    centre, half = crop_square(keypoints)
    world = (world * _signs(mirrored, world)) @ rotation.mT
    inputs = torch.cat([_standard(keypoints), _standard(world), _proportions(world)], dim=1)
    return Observation(inputs, (keypoints - centre[:, None]) / half[:, None, None], world, rotation, centre, half, mirrored)


def crop_camera(joints_2d: Tensor, intrinsics: Tensor, mirrored: Tensor) -> tuple[Tensor, Tensor]:
    """The joints in each hand's own camera, (x / z, y / z) [n, 21, 2], and its rotation [n, 3, 3]; left hands are mirrored.

    The camera looks at the mean of the joints and is rolled so that the knuckles lie above the wrist.

    Args:
        joints_2d: [n, 21, 2], px.
        intrinsics: [3, 3] or [n, 3, 3], px.
        mirrored: bool [n]: left hands.
    """
    homogeneous = torch.cat([joints_2d, torch.ones_like(joints_2d[..., :1])], dim=-1)
    rays = homogeneous @ torch.linalg.inv(intrinsics).mT
    rays = rays * _signs(mirrored, rays)
    rotation = _towards(rays[..., :2].mean(1))
    up = ((rays[:, _KNUCKLES].mean(1) - rays[:, 0]).unsqueeze(1) @ rotation.mT)[:, 0]
    rotation = roll_matrices(-torch.pi / 2 - torch.atan2(up[:, 1], up[:, 0])) @ rotation
    rays = rays @ rotation.mT
    return rays[..., :2] / rays[..., 2:].clamp_min(1e-3), rotation


def crop_square(keypoints: Tensor) -> tuple[Tensor, Tensor]:
    """Centre [n, 2] and half side [n] of the crops around keypoints [n, 21, 2] from `crop_camera`."""
    low, high = keypoints.amin(1), keypoints.amax(1)
    return (low + high) / 2, MARGIN * (high - low).amax(-1).clamp_min(1e-6) / 2


def roll_matrices(angles: Tensor) -> Tensor:
    """Rotations [n, 3, 3] about the line of sight by angles [n]."""
    cosine, sine, zero, one = angles.cos(), angles.sin(), torch.zeros_like(angles), torch.ones_like(angles)
    return torch.stack([cosine, -sine, zero, sine, cosine, zero, zero, zero, one], -1).view(-1, 3, 3)


def roll_inputs(inputs: Tensor, rotations: Tensor, angles: Tensor) -> tuple[Tensor, Tensor]:
    """Augmentation: inputs [n, 132] and true rotations [n, 16, 3, 3] after the crop camera is rolled by angles [n]."""
    roll = roll_matrices(angles)
    flat, world = inputs[:, :42].reshape(-1, 21, 2), inputs[:, 42:105].reshape(-1, 21, 3)
    rolled = torch.cat([(flat @ roll[:, :2, :2].mT).flatten(1), (world @ roll.mT).flatten(1), inputs[:, 105:]], 1)
    return rolled, torch.cat([(roll @ rotations[:, 0])[:, None], rotations[:, 1:]], 1)


def _standard(points: Tensor) -> Tensor:
    """Points [n, 21, d] centred and scaled to a mean squared distance of 1 from their mean, flattened."""
    centred = points - points.mean(1, keepdim=True)
    size = centred.square().sum(-1).mean(-1).sqrt().clamp_min(1e-6)
    return (centred / size[:, None, None]).flatten(1)


def _proportions(world: Tensor) -> Tensor:
    """Logarithms [n, 27] of the 20 bone lengths and 7 palm distances of landmarks [n, 21, 3], over the mean bone length."""
    starts, ends = (torch.tensor(side, device=world.device) for side in zip(*BONES, *_PALM, strict=True))
    lengths = (world[:, ends] - world[:, starts]).norm(dim=-1).clamp_min(1e-6)
    proportions: Tensor = _SPREAD * (lengths / lengths[:, : len(BONES)].mean(1, keepdim=True)).log()
    return proportions


def _towards(direction: Tensor) -> Tensor:
    """The smallest rotations [n, 3, 3] that take the rays (x, y, 1) of directions [n, 2] to the optical axis."""
    z = torch.nn.functional.normalize(torch.cat([direction, torch.ones_like(direction[:, :1])], dim=1), dim=1)
    axis = torch.stack([z[:, 1], -z[:, 0], torch.zeros_like(z[:, 0])], dim=1)  # z × (0, 0, 1)
    x, y, w = axis.unbind(1)
    zero = torch.zeros_like(x)
    skew = torch.stack([zero, -w, y, w, zero, -x, -y, x, zero], dim=1).view(-1, 3, 3)
    eye = torch.eye(3, dtype=z.dtype, device=z.device)
    return eye + skew + skew @ skew / (1 + z[:, 2])[:, None, None]
