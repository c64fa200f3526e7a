"""What a network sees of one hand: landmarks in the camera of their own crop, always as a right hand.

A hand at the edge of a wide picture looks turned. So each hand gets a camera of its own, turned towards the middle of
its box; poses are estimated there and turned back by `Observation.to_camera`.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ml.hand.skeleton import Side

_MIRROR = (-1.0, 1.0, 1.0)


@dataclass(frozen=True)
class Observation:
    """n hands, as the landmark networks take them.

    Attributes:
        inputs: [n, 147] (`networks.LandmarkBackbone`).
        crop_rotation: [n, 3, 3], camera frame → crop camera, of the (mirrored, if left) hand.
        mirrored: whether the hand is a left one.
    """

    inputs: Tensor
    crop_rotation: Tensor
    mirrored: bool

    def to_camera(self, rotations: Tensor) -> Tensor:
        """Rotations [n, 16, 3, 3] of the right hand in the crop camera → of the real hand in the camera frame."""
        root = self.crop_rotation.mT @ rotations[:, 0]
        rotations = torch.cat([root.unsqueeze(1), rotations[:, 1:]], dim=1)
        return mirror_rotations(rotations) if self.mirrored else rotations

    def from_camera(self, rotations: Tensor) -> Tensor:
        """The inverse of `to_camera`."""
        rotations = mirror_rotations(rotations) if self.mirrored else rotations
        root = self.crop_rotation @ rotations[:, 0]
        return torch.cat([root.unsqueeze(1), rotations[:, 1:]], dim=1)


def mirror_rotations(rotations: Tensor) -> Tensor:
    """Rotations [..., 3, 3] seen in a mirror whose plane is x = 0: S·R·S with S = diag(−1, 1, 1)."""
    mirror = rotations.new_tensor(_MIRROR)
    return rotations * mirror.unsqueeze(-1) * mirror


def observe(joints_2d: Tensor, world: Tensor, intrinsics: Tensor, side: Side) -> Observation:
    """Network input of n detected hands.

    Args:
        joints_2d: [n, 21, 2], px.
        world: [n, 21, 3], m, any origin, OpenCV axes (the detector's world landmarks).
        intrinsics: [3, 3] or [n, 3, 3], px.
        side: of all n hands.
    """
    mirrored = side == "left"
    homogeneous = torch.cat([joints_2d, torch.ones_like(joints_2d[..., :1])], dim=-1)
    rays = homogeneous @ torch.linalg.inv(intrinsics).mT
    if mirrored:
        mirror = rays.new_tensor(_MIRROR)
        rays, world = rays * mirror, world * mirror
    centre = 0.5 * (rays[..., :2].amin(1) + rays[..., :2].amax(1))
    rotation = _towards(centre)
    rays = rays @ rotation.mT
    sight = rays[..., :2] / rays[..., 2:].clamp_min(1e-3)
    half_size = 0.5 * (sight.amax(1) - sight.amin(1)).amax(-1).clamp_min(1e-4)
    middle = 0.5 * (sight.amax(1) + sight.amin(1))
    boxed = (sight - middle.unsqueeze(1)) / half_size[:, None, None]
    centred = world - world.mean(1, keepdim=True)
    centred = centred / centred.square().sum(-1).mean(-1).sqrt().clamp_min(1e-6)[:, None, None]
    return Observation(torch.cat([boxed.flatten(1), sight.flatten(1), centred.flatten(1)], dim=1), rotation, mirrored)


def _towards(direction: Tensor) -> Tensor:
    """The smallest rotations [n, 3, 3] that turn the rays (x, y, 1) of directions [n, 2] onto the optical axis."""
    z = torch.nn.functional.normalize(torch.cat([direction, torch.ones_like(direction[:, :1])], dim=1), dim=1)
    axis = torch.stack([z[:, 1], -z[:, 0], torch.zeros_like(z[:, 0])], dim=1)  # z × (0, 0, 1)
    x, y, w = axis.unbind(1)
    zero = torch.zeros_like(x)
    skew = torch.stack([zero, -w, y, w, zero, -x, -y, x, zero], dim=1).unflatten(1, (3, 3))
    eye = torch.eye(3, dtype=z.dtype, device=z.device)
    return eye + skew + skew @ skew / (1 + z[:, 2])[:, None, None]
