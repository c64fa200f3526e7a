"""Recorded hand motion as joint angles: 21 joints in space, retargeted by inverse kinematics, smoothed and resampled to 30 fps.

Files are `leap.npz`, `dex.npz` and `asl_ai.npz` (`joints` [N, 21, 3] in OpenPose order, `lengths` and `fps` of each recording,
`names`); `docs/motion-prior.md` says where they come from and how to make them. Left hands are mirrored: whether a hand is a
left one is found by retargeting both ways.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

import numpy as np
import roma
import torch
from scipy.ndimage import gaussian_filter1d
from torch import Tensor

from ml.fitting.inverse_kinematics import inverse_kinematics, shape_from_bones
from ml.fitting.kinematics import Kinematics
from ml.hand.model import load_hand_model
from ml.priors.motion_window import FPS

SOURCES: Final = ("leap", "dex", "asl_ai")
SMOOTHING: Final = {"leap": 0.02, "dex": 0.03, "asl_ai": 0.04}
"""Standard deviation (s) of the Gaussian over time: 3 dB at 6.6, 4.4 and 3.3 Hz. The last two are detections, and jitter."""
_PICTURE: Final = np.array([16 / 9, 1.0, 1.6 * 16 / 9])
"""`asl_ai` is in shares of a picture's width, height and width; aspect and depth are those at which bones change least."""
_LARGEST_STEP: Final = np.radians(1500.0) / FPS
"""Radians a frame of any angle beyond which a detection is taken for lost, and the recording cut."""
_SHORTEST: Final = int(FPS)
_KNUCKLES: Final = (5, 9, 13, 17)
_RIGID: Final = (1, *_KNUCKLES)
_MIRROR: Final = np.array([-1.0, 1.0, 1.0])


class RecordedMotionError(ValueError):
    """A file of recorded motion is missing or has another layout; the message says which."""


@dataclass(frozen=True)
class Motion:
    """A recording of one right hand: `angles` float32 [N, 45] at 30 fps; recordings of one session share its name."""

    session: str
    name: str
    angles: np.ndarray


def recorded_motions(folder: Path) -> list[Motion]:
    """All recordings of the three files, in order.

    Raises:
        RecordedMotionError: a file is missing or has another layout.
    """
    return list(_all(folder))


@lru_cache(maxsize=1)
def _all(folder: Path) -> tuple[Motion, ...]:
    return tuple(motion for source in SOURCES for motion in _read(source, folder / f"{source}.npz"))


def _read(source: str, path: Path) -> Iterator[Motion]:
    joints, lengths, fps, names = _arrays(path)
    session, before = "", (0, 0.0)
    for first, length, rate, name in zip(np.cumsum(lengths) - lengths, lengths, fps, names, strict=True):
        if source != "leap" or (length, rate) != before:  # two hands of one recording follow each other, equally long
            session, before = str(name), (length, rate)
        own = joints[first : first + length].astype(np.float64)
        if source == "asl_ai":
            own = own * _PICTURE
        own = resampled(own, float(rate), SMOOTHING[source])
        if source == "leap":
            own = _with_wrist(own)
        angles = retargeted(own)
        for piece in [angles] if source == "leap" else whole_pieces(angles):
            yield Motion(f"{source}:{session}", str(name), piece)


def _arrays(path: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    if not path.is_file():
        raise RecordedMotionError(f"{path} is missing; docs/motion-prior.md says where recorded motion comes from")
    try:
        with np.load(path, allow_pickle=False) as archive:
            joints, lengths, fps, names = (archive[key] for key in ("joints", "lengths", "fps", "names"))
    except (KeyError, ValueError, OSError) as error:
        raise RecordedMotionError(f"{path}: expected a .npz with joints, lengths, fps and names ({error})") from error
    if joints.ndim != 3 or joints.shape[1:] != (21, 3) or int(lengths.sum()) != len(joints):
        raise RecordedMotionError(
            f"{path}: joints are {joints.shape}, expected [N, 21, 3] with N = {int(lengths.sum())}, the sum of lengths"
        )
    if not len(lengths) == len(fps) == len(names) or not (fps > 0).all() or not np.isfinite(joints).all():
        raise RecordedMotionError(f"{path}: expected one positive fps and one name a recording, and finite joints")
    return joints, lengths, fps, names


def resampled(values: np.ndarray, fps: float, smoothing: float) -> np.ndarray:
    """[N, ...] at `fps` to 30 fps, by time; a Gaussian of `smoothing` seconds goes first, which also prevents aliasing."""
    smooth = gaussian_filter1d(values, smoothing * fps, axis=0, mode="nearest") if smoothing > 0 else values
    wanted = np.arange(0, (len(values) - 1) * FPS / fps + 1e-6) * fps / FPS
    below = np.clip(wanted.astype(int), 0, max(len(values) - 2, 0))
    share = (wanted - below).reshape(-1, *[1] * (values.ndim - 1))
    above = np.minimum(below + 1, len(values) - 1)
    between: np.ndarray = smooth[below] * (1 - share) + smooth[above] * share
    return between


def whole_pieces(angles: np.ndarray) -> list[np.ndarray]:
    """A detected motion [N, 45] without the frames where a hand was lost: pieces of at least a second."""
    cuts = np.flatnonzero(np.abs(np.diff(angles, axis=0)).max(1) > _LARGEST_STEP) + 1
    return [piece for piece in np.split(angles, cuts) if len(piece) >= _SHORTEST]


def retargeted(joints: np.ndarray) -> np.ndarray:
    """Angles float32 [N, 45] of a right hand from joints [N, 21, 3] of either hand, at any scale."""
    kinematics = Kinematics(load_hand_model("open", "right"))
    found = [_retargeted(kinematics, torch.as_tensor(one, dtype=torch.float32)) for one in (joints, joints * _MIRROR)]
    angles: np.ndarray = min(found, key=lambda pair: pair[1])[0].numpy()
    return angles


def _retargeted(kinematics: Kinematics, joints: Tensor) -> tuple[Tensor, float]:
    """Angles, and the mean distance (m) of the joints they give to those wanted."""
    rest = kinematics.model.rest_joints(torch.zeros(1, 10))[0]
    knuckles = torch.tensor(_KNUCKLES)
    scaled = joints * (
        (rest[knuckles] - rest[0]).norm(dim=-1).mean() / (joints[:, knuckles] - joints[:, :1]).norm(dim=-1).mean()
    )
    betas = shape_from_bones(kinematics, scaled)
    angles, root = inverse_kinematics(kinematics, scaled, betas)
    made = kinematics.joints(angles, root, torch.zeros(len(angles), 3), betas)
    apart = (made - made.mean(1, keepdim=True)) - (scaled - scaled.mean(1, keepdim=True))
    return angles, float(apart.norm(dim=-1).mean())


def _with_wrist(joints: np.ndarray) -> np.ndarray:
    """Leap's joint 0 lies in the middle of the palm: put it where knuckles and thumb base have it in the mean hand."""
    wanted = torch.as_tensor(joints)
    rest = load_hand_model("open", "right").rest_joints(torch.zeros(1, 10))[0].double()
    best, least = joints, np.inf
    for mirror in (1.0, -1.0):
        own = rest * torch.tensor([1.0, 1.0, mirror])
        source = own[list(_RIGID)]
        target = wanted[:, list(_RIGID)]
        size = (target[:, 1] - target[:, 4]).norm(dim=-1).mean() / (source[1] - source[4]).norm()
        turn, move = roma.rigid_points_registration((source * size).expand_as(target), target)
        placed = (turn @ (own * size).mT).mT + move[:, None]
        error = float((placed[:, list(_RIGID)] - target).norm(dim=-1).mean())
        if error < least:
            least, best = error, joints.copy()
            best[:, 0] = placed[:, 0].numpy()
    return best
