"""`slerp`: gaps filled joint by joint on the shortest arc. A rival of motion priors that knows nothing of hands."""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation, Slerp


def fill_gaps(rotations: np.ndarray, translation: np.ndarray, known: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Fill the frames that are not known.

    Args:
        rotations: [N, J, 3, 3], each joint's rotation; unknown frames may hold anything.
        translation: [N, 3], metres.
        known: bool [N], at least one of them.

    Returns:
        Rotations by spherical linear interpolation of each joint, and translation by linear interpolation; before the first
        known frame and after the last one they are held.

    Raises:
        ValueError: no frame is known.
    """
    frames = np.flatnonzero(known)
    if not len(frames):
        raise ValueError("no frame of the clip is known, so there is nothing to interpolate between")
    wanted = np.clip(np.arange(len(known)), frames[0], frames[-1]).astype(float)
    filled, moved = rotations.copy(), translation.copy()
    for axis in range(3):
        moved[:, axis] = np.interp(wanted, frames, translation[frames, axis])
    for joint in range(rotations.shape[1]):
        own = Rotation.from_matrix(rotations[frames, joint])
        between = Slerp(frames, own)(wanted).as_matrix() if len(frames) > 1 else own.as_matrix().repeat(len(known), 0)
        filled[:, joint] = np.where(known[:, None, None], rotations[:, joint], between)
    moved[known] = translation[known]
    return filled, moved
