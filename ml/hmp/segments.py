"""Stretches of a hand's track that are one motion: gaps in them are filled, cuts and long gaps end them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import torch
from torch import Tensor

from ml.fitting.kinematics import ANGLE_COUNT, Kinematics
from ml.fitting.solver import Parameters
from ml.hand.joint_limits import joint_angles
from ml.keypoints.tracks import HandTrack
from ml.priors.slerp import fill_gaps

LONGEST_GAP_S: Final = 2.0
"""Seconds without a hand that are filled; a longer gap ends the motion."""
JUMP: Final = 1.0
"""Sizes of a hand that its centre moves between neighbouring frames at 30 fps only where the scene was cut."""
SIZE_JUMP: Final = 1.8
"""Factor by which its size changes only then."""


@dataclass(frozen=True)
class Segment:
    """One motion of one hand in N consecutive frames.

    Attributes:
        frames: int [N], consecutive.
        rows: int64 [N], row of the track for each frame; of a frame in a gap, the nearest one.
        seen: bool [N], false in gaps.
    """

    frames: np.ndarray
    rows: Tensor
    seen: Tensor


def segments_of(track: HandTrack, fps: float) -> list[Segment]:
    """The motions of a track, in order."""
    frames = track.frames.astype(int)
    gaps = np.diff(frames)
    cuts = np.flatnonzero((gaps > LONGEST_GAP_S * fps) | jumps(track, fps)) + 1
    return [_segment(frames, first, last) for first, last in zip([0, *cuts], [*cuts, len(frames)], strict=True)]


def jumps(track: HandTrack, fps: float) -> np.ndarray:
    """Between which neighbouring rows the hand's box jumps as no hand moves: bool [n - 1]."""
    low, high = track.joints_2d.min(1), track.joints_2d.max(1)
    centre, size = (low + high) / 2, np.maximum((high - low).max(-1), 1.0)
    moved = np.linalg.norm(np.diff(centre, axis=0), axis=-1) / np.maximum(size[1:], size[:-1])
    grown = np.maximum(size[1:], size[:-1]) / np.minimum(size[1:], size[:-1])
    apart = np.diff(track.frames) * max(30.0 / fps, 1.0)  # after a gap, or at a low rate, a hand may be elsewhere
    found: np.ndarray = (moved > JUMP * apart) | (grown > SIZE_JUMP**apart)
    return found


def filled(p: Parameters, segment: Segment, kinematics: Kinematics) -> Parameters:
    """Parameters of each frame [N] of a segment, from those of the track's rows: gaps by spherical linear interpolation."""
    own = replace(p.rows(segment.rows), betas=p.betas)
    if bool(segment.seen.all()):
        return own
    rotations, translation = fill_gaps(
        kinematics.matrices(own.angles, own.root).double().numpy(), own.translation.double().numpy(), segment.seen.numpy()
    )
    turned = torch.as_tensor(rotations, dtype=own.angles.dtype)
    angles = joint_angles(turned, kinematics.frames)[:, 1:].reshape(-1, ANGLE_COUNT)
    hidden = ~segment.seen[:, None]
    return replace(
        own,
        angles=torch.where(hidden, angles, own.angles),
        root=torch.where(hidden[..., None], turned[:, 0], own.root),
        translation=torch.as_tensor(translation, dtype=own.angles.dtype),
    )


def _segment(frames: np.ndarray, first: int, last: int) -> Segment:
    own = frames[first:last]
    every = np.arange(own[0], own[-1] + 1)
    after = np.clip(np.searchsorted(own, every), 0, len(own) - 1)
    before = np.clip(after - 1, 0, None)
    nearest = np.where(np.abs(own[before] - every) < np.abs(own[after] - every), before, after)
    return Segment(every, torch.as_tensor(first + nearest), torch.as_tensor(np.isin(every, own)))
