"""What the encoder of the motion prior sees: 15 numbers a joint and frame, as published.

Position, linear velocity, the first two columns of the rotation and angular velocity of the 15 finger joints of the mean hand,
all relative to the wrist. The wrist itself would be constant, so it is left out.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final, NamedTuple

import torch
from torch import Tensor

from ml.fitting.kinematics import Kinematics
from ml.hand.forward_kinematics import finger_positions, finger_rotations
from ml.hand.model import load_hand_model
from ml.priors.motion_window import FPS

JOINTS: Final = 15
"""Finger joints: 5 fingers in MANO order × 3, base to tip."""
CHANNELS: Final = 15
"""Numbers a joint."""


class _MeanHand(NamedTuple):
    axes: Tensor  # [5, 3, 3, 3]: finger, joint, (twist, flexion, deviation), xyz
    rest: Tensor  # [1, 21, 3, 1], MANO order
    ends: Tensor  # [5, 3]: from each finger's last joint to its tip


@lru_cache(maxsize=4)
def _mean_hand(device: torch.device) -> _MeanHand:
    model = load_hand_model("open", "right")
    rest = model.rest_mano(torch.zeros(1, 10))
    ends = rest[0, 16:][torch.tensor([1, 2, 4, 3, 0])] - rest[0, [3, 6, 9, 12, 15]]
    return _MeanHand(Kinematics(model).axes.to(device), rest[..., None].to(device), ends.to(device))


def pose(angles: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The mean right hand with its wrist at rest.

    Args:
        angles: [B, 45], radians.

    Returns:
        Rotations [B, 5, 3, 3, 3] of the finger joints relative to the wrist, their positions [B, 5, 3, 3] and those of the
        fingertips [B, 5, 3], both in metres about the wrist.
    """
    hand = _mean_hand(angles.device)
    turns = finger_rotations(hand.axes.mT @ _local(angles.view(-1, 5, 3, 3)) @ hand.axes)
    joints = finger_positions(turns, hand.rest)[..., 0]
    tips = joints[:, :, 2] + (turns[:, :, 2] @ hand.ends[..., None])[..., 0]
    return turns, joints, tips


def _local(angles: Tensor) -> Tensor:
    """R(flexion) R(deviation) R(twist) [..., 3, 3] in the joint's own axes, of angles [..., 3] (twist, flexion, deviation)."""
    (a, b, c), (d, e, f) = angles.cos().unbind(-1), angles.sin().unbind(-1)
    rows = [b * c, e * d - b * f * a, b * f * d + e * a, f, c * a, -c * d, -e * c, e * f * a + b * d, b * a - e * f * d]
    return torch.stack(rows, -1).view(*angles.shape, 3)


def features(angles: Tensor) -> Tensor:
    """Features [W, T, 15, 15] (time, joint, channel) of motions [W, T, 45] at 30 fps, T ≥ 2."""
    count, frames = angles.shape[:2]
    turns, joints, _ = pose(angles.flatten(0, 1))
    rotations, positions = turns.view(count, frames, JOINTS, 3, 3), joints.view(count, frames, JOINTS, 3)
    turning = (_after(rotations) - _before(rotations)) @ rotations.mT  # (dR/dt) Rᵀ, antisymmetric but for the differences
    steps = 0.5 * torch.stack([turning[..., j, i] - turning[..., i, j] for i, j in ((1, 2), (2, 0), (0, 1))], -1)
    seconds = torch.full((frames, 1, 1), 2.0 / FPS, dtype=angles.dtype, device=angles.device)
    seconds[[0, -1]] = 1.0 / FPS
    columns = rotations[..., :2].mT.flatten(-2)
    return torch.cat([positions, (_after(positions) - _before(positions)) / seconds, columns, steps / seconds], -1)


def _after(values: Tensor) -> Tensor:
    return torch.cat([values[:, 1:], values[:, -1:]], 1)


def _before(values: Tensor) -> Tensor:
    return torch.cat([values[:, :1], values[:, :-1]], 1)
