"""Anatomical axes of the joints, from the rest skeleton alone: so they hold for any hand model, any shape, either side.

Each joint has a frame of three axes. A rotation vector `twist·t + flexion·f + deviation·d` (radians) then means the
same on both sides: positive flexion closes the hand, positive deviation moves the bone towards the thumb's side of the
hand, twist turns about the bone.

The dorsal direction of the thumb relative to the palm is that of the open hand's thumbnail; those of the fingers tilt so that
flexed fingers converge, as they do towards the scaphoid bone.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from ml.hand.skeleton import FINGERS, MANO_JOINTS, MANO_TO_OPENPOSE, Side

# proximal, dorsal and radial part of each finger's dorsal direction in the palm's frame
_DORSAL: Final = {
    "thumb": (0.41, 0.25, 0.88),
    "index": (-0.09, 0.99, 0.06),
    "middle": (-0.10, 0.99, -0.02),
    "ring": (-0.09, 0.99, -0.11),
    "pinky": (-0.09, 0.96, -0.25),
}

_MIRROR: Final = np.array([-1.0, 1.0, 1.0])
_MIRROR_ROTATION: Final = np.array([1.0, -1.0, -1.0])


def palm_frame(rest_joints: np.ndarray) -> np.ndarray:
    """Axes of a *right* palm, rows proximal (towards the wrist), dorsal, radial (towards the thumb), from [21, 3]."""
    wrist, index, middle, pinky = (rest_joints[j] for j in (0, 5, 9, 17))
    proximal = _unit(wrist - middle)
    radial = index - pinky
    radial = _unit(radial - proximal * (radial @ proximal))
    return np.stack([proximal, np.cross(radial, proximal), radial])


def bone_frames(rest_joints: np.ndarray, side: Side) -> np.ndarray:
    """Axes of the 16 posed joints.

    Args:
        rest_joints: [21, 3], metres, OpenPose order, of the flat rest pose.
        side: of this hand.

    Returns:
        float64 [16, 3, 3], MANO order; rows: twist (along the bone, away from the wrist), flexion, deviation. Unit
        rotation axes in the model's own frame; the wrist's are those of the palm.
    """
    joints = np.asarray(rest_joints, np.float64) * (_MIRROR if side == "left" else 1.0)
    palm = palm_frame(joints)
    frames = [np.stack([-palm[0], palm[2], palm[1]])]
    for index, name in enumerate(MANO_JOINTS[1:], start=1):
        base = _openpose_index(index)
        along = _unit(joints[base + 1] - joints[base])
        dorsal = np.array(_DORSAL[name[:-1]]) @ palm
        dorsal = _unit(dorsal - along * (dorsal @ along))
        frames.append(np.stack([along, np.cross(dorsal, along), dorsal]))
    axes = np.stack(frames)
    turned: np.ndarray = axes * _MIRROR_ROTATION if side == "left" else axes
    return turned


def _openpose_index(mano: int) -> int:
    return MANO_TO_OPENPOSE.index(mano)


def _unit(vector: np.ndarray) -> np.ndarray:
    unit: np.ndarray = vector / np.linalg.norm(vector)
    return unit


FINGER_OF: Final = tuple(FINGERS.index(name[:-1]) if name != "wrist" else -1 for name in MANO_JOINTS)
"""For each of MANO's 16 joints, the number of its finger in OpenPose order; -1 for the wrist."""
