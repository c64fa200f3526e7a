"""How far the joints of a hand go, and poses drawn from within.

Ranges are active ranges of motion of adults, in degrees, in the anatomical axes of `ml.hand.anatomy`:

- finger MCP: flexion 90, extension 45 (of which 20 are kept: what people reach without help); PIP: flexion 100; DIP:
  flexion 90 (70 kept: the DIP does not flex fully on its own); thumb MCP: flexion 50; IP: flexion 80, extension 20; thumb
  CMC: abduction 70, flexion 15, extension 20 from the anatomical position: American Academy of Orthopaedic Surgeons,
  *Joint Motion: Method of Measuring and Recording*, 1965; Norkin & White, *Measurement of Joint Motion*.
- abduction of the finger MCPs 15 to 20 to either side; θ_DIP = 2/3 θ_PIP: Lin, Wu & Huang, *Modeling the constraints of
  human hand motion*, HUMO 2000.

The rest pose of the models is a flat hand with the thumb half abducted, so the thumb's ranges are given from there.
Twist is no motion of these joints, but skinning models use a little of it: 10 degrees are allowed, 25 at the thumb's CMC.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import torch
from scipy.spatial.transform import Rotation
from torch import Tensor

from ml.hand.anatomy import FINGER_OF, bone_frames
from ml.hand.skeleton import MANO_JOINTS, Side

# (least, most) of twist, flexion, deviation, degrees
_FINGER_LIMITS: Final = {
    1: ((-10, 10), (-20, 90), (-20, 20)),
    2: ((-5, 5), (-5, 100), (-3, 3)),
    3: ((-5, 5), (-5, 70), (-3, 3)),
}
_THUMB_LIMITS: Final = {
    1: ((-25, 25), (-20, 40), (-25, 30)),
    2: ((-10, 10), (-10, 50), (-10, 10)),
    3: ((-5, 5), (-20, 80), (-3, 3)),
}

LIMITS: Final = np.radians(
    [
        ((0, 0),) * 3 if name == "wrist" else (_THUMB_LIMITS if name.startswith("thumb") else _FINGER_LIMITS)[int(name[-1])]
        for name in MANO_JOINTS
    ]
)
"""float64 [16, 3, 2], radians: for each joint (MANO order) and axis (twist, flexion, deviation) the least and the most."""


def angles_to_pose(angles: np.ndarray, rest_joints: np.ndarray, side: Side) -> np.ndarray:
    """Axis-angle poses [..., 16, 3] from angles [..., 16, 3] (twist, flexion, deviation; radians).

    R = R(flexion) R(deviation) R(twist): flexion about an axis fixed in the parent, twist about the bone itself, deviation
    about what is square to both, as the International Society of Biomechanics recommends (Wu et al., J. Biomech. 38, 2005).
    """
    axes = bone_frames(rest_joints, side)
    twist, flexion, deviation = (Rotation.from_rotvec((angles[..., k, None] * axes[:, k]).reshape(-1, 3)) for k in range(3))
    composed: np.ndarray = (flexion * deviation * twist).as_rotvec()
    return composed.reshape(angles.shape)


def joint_angles(matrices: Tensor, axes: Tensor) -> Tensor:
    """The inverse of `angles_to_pose`: angles [..., 16, 3] (twist, flexion, deviation; radians), differentiable.

    Args:
        matrices: rotations [..., 16, 3, 3], MANO order.
        axes: [16, 3, 3] from `bone_frames`, as a tensor.

    Unique while a joint deviates by less than 90 degrees; flexion and twist may be anything in ±180.
    """
    local = axes @ matrices @ axes.transpose(-1, -2)
    twist = torch.atan2(-local[..., 1, 2], local[..., 1, 1])
    flexion = torch.atan2(-local[..., 2, 0], local[..., 0, 0])
    deviation = torch.asin(local[..., 1, 0].clamp(-1 + 1e-6, 1 - 1e-6))
    return torch.stack([twist, flexion, deviation], -1)


def sample_angles(rng: np.random.Generator, count: int) -> np.ndarray:
    """Angles [count, 16, 3] (radians) of everyday poses within `LIMITS`.

    Fingers flex together to a degree that differs from pose to pose (a hand opens and closes as one far more often than a
    finger moves alone: Santello, Flanders & Soechting 1998), the DIP follows the PIP by two thirds, fingers spread less
    the more they flex. The wrist's rows are zero: the orientation of a hand is no matter of its joints.
    """
    closed = rng.beta(0.9, 1.3, (count, 1))
    together = rng.beta(2.0, 2.0, (count, 1))
    finger = np.clip(closed + (1 - together) * rng.normal(0, 0.35, (count, 5)), 0, 1)
    share = np.clip(finger[:, :, None] + rng.normal(0, 0.12, (count, 5, 3)), 0, 1)
    share[:, 1:, 2] = np.clip(share[:, 1:, 1] * (2 / 3) * (100 / 70) + rng.normal(0, 0.06, (count, 4)), 0, 1)
    spread = rng.normal(0, 0.35, (count, 1)) * np.array([0, 1.0, 0.2, -0.6, -1.2]) + rng.normal(0, 0.15, (count, 5))
    spread = spread * (1 - 0.7 * share[:, :, 0])
    angles = np.zeros((count, 16, 3))
    low, high = LIMITS[..., 0], LIMITS[..., 1]
    for joint in range(1, 16):
        finger_index, part = FINGER_OF[joint], int(MANO_JOINTS[joint][-1]) - 1
        angles[:, joint, 1] = low[joint, 1] + share[:, finger_index, part] * (high[joint, 1] - low[joint, 1])
        if part == 0:
            angles[:, joint, 2] = spread[:, finger_index] * high[joint, 2]
            angles[:, joint, 0] = rng.normal(0, 0.3, count) * high[joint, 0]
    angles[:, 13, 2] = rng.uniform(low[13, 2], high[13, 2], count)
    return np.clip(angles, low, high)


def sample_poses(rng: np.random.Generator, count: int, rest_joints: np.ndarray, side: Side) -> np.ndarray:
    """Axis-angle poses [count, 16, 3] within the limits, for a hand with these rest joints [21, 3]; the root is zero."""
    return angles_to_pose(sample_angles(rng, count), rest_joints, side)
