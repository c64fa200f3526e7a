"""Motion capture of hands in its published layouts, for `train_motion_prior --data amass DIR`.

- AMASS (GRAB, TCDHands, SAMP): `**/*.npz` with `poses` [N, 156] (SMPL-H) or [N, 165] (SMPL-X), or `pose_hand` [N, 90], and
  `mocap_framerate` or `mocap_frame_rate`. The last 90 columns of a pose are the left hand's 45 and the right hand's 45,
  axis-angle of a flat hand, in MANO's order of joints (Mahmood et al., *AMASS*, ICCV 2019).
- ARCTIC: `**/*.mano.npy`, 30 fps, a dictionary of `left` and `right` with `pose` [N, 45] relative to MANO's mean pose (Fan
  et al., *ARCTIC*, CVPR 2023), which needs licensed MANO (`MANO_DIR`).

As published (HMP, WACV 2024): sequences of at least a second, their middle 90%, resampled to 30 fps by index, hands whose pose
varies by more than 5e-3 rad² (mean over its 45 numbers of the variance over time); left hands are mirrored.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
import torch
from scipy.spatial.transform import Rotation

from ml.hand.anatomy import bone_frames
from ml.hand.joint_limits import LIMITS, joint_angles
from ml.hand.licensed import LicensedModelError
from ml.hand.model import load_hand_arrays, load_hand_model
from ml.hand.skeleton import SIDES, Side
from ml.priors.motion_window import ANGLES, FPS
from ml.training.pickled_dictionaries import PickledFileError, read_dictionary
from ml.training.recorded_motion import Motion, RecordedMotionError

LEAST_SECONDS: Final = 1.0
MIDDLE: Final = 0.9
LEAST_VARIANCE: Final = 5e-3
ARCTIC_FPS: Final = 30.0
HAND_COLUMNS: Final = 90
DATA_SETS: Final = {
    **{name: name for name in ("GRAB", "SAMP", "TCDHands")},
    **{"TCD_handMocap": "TCDHands", "arctic": "ARCTIC"},
}
"""Folders → the data set; AMASS names one differently in its releases for SMPL-X and SMPL-H."""
_MIRROR: Final = np.array([1.0, -1.0, -1.0])
_POSE_SIZES: Final = (156, 165)


def mocap_motions(folder: Path) -> list[Motion]:
    """All hands of all sequences below a folder that move enough, in the order of their paths; the session is the data set's.

    The folder may hold data sets, or be that of one.

    Raises:
        RecordedMotionError: there is no sequence below the folder, or a file has another layout; the message says which.
    """
    paths = sorted([*folder.rglob("*.npz"), *folder.rglob("*.mano.npy")])
    paths = [
        path for path in paths if path.name not in ("shape.npz", "neutral_stagei.npz", "male_stagei.npz", "female_stagei.npz")
    ]
    if not paths:
        raise RecordedMotionError(f"no *.npz of AMASS and no *.mano.npy of ARCTIC below {folder}")
    return [motion for path in paths for motion in _hands(path, path.relative_to(folder), _data_set(path, folder))]


def mocap_split(motion: Motion) -> str:
    """`validation` for SAMP, `test` for TCDHands, `train` for all others: as the published code does."""
    return {"SAMP": "validation", "TCDHands": "test"}.get(motion.session, "train")


def _data_set(path: Path, folder: Path) -> str:
    """By the names of the folders from `folder` itself down; where none is known, that of the first below it."""
    names = (folder.resolve().name, *path.relative_to(folder).parts[:-1])
    return next((DATA_SETS[name] for name in names if name in DATA_SETS), names[min(1, len(names) - 1)])


def _hands(path: Path, name: Path, data_set: str) -> Iterator[Motion]:
    poses, fps = _arctic(path) if path.suffix == ".npy" else _amass(path)
    for side, pose in poses.items():
        if not np.isfinite(pose).all():
            raise RecordedMotionError(f"{path}: the {side} hand's pose is not finite")
        if len(pose) < LEAST_SECONDS * fps:
            continue
        kept = _at_30_fps(_middle(pose), fps)
        if len(kept) > 1 and float(kept.var(0).mean()) > LEAST_VARIANCE:
            yield Motion(data_set, f"{name}:{side}", angles_of(kept, side))


def _amass(path: Path) -> tuple[dict[Side, np.ndarray], float]:
    """Poses [N, 45] of both hands, and the frame rate."""
    expected = "expected `poses` [N, 156] or [N, 165], or `pose_hand` [N, 90], and `mocap_framerate`"
    try:
        with np.load(path, allow_pickle=False) as archive:
            rate = next((key for key in ("mocap_framerate", "mocap_frame_rate") if key in archive), None)
            key = next((key for key in ("pose_hand", "poses") if key in archive), None)
            if rate is None or key is None:
                raise RecordedMotionError(f"{path} has {', '.join(archive.files)}; {expected}")
            pose, fps = archive[key], float(archive[rate])
    except RecordedMotionError:
        raise
    except Exception as error:  # a damaged archive raises anything from zlib's errors to ValueError
        raise RecordedMotionError(f"{path} cannot be read ({error}); {expected}") from error
    sizes = (HAND_COLUMNS,) if key == "pose_hand" else _POSE_SIZES
    if pose.ndim != 2 or pose.shape[1] not in sizes or not fps > 0:
        raise RecordedMotionError(f"{path}: `{key}` is {list(pose.shape)} at {fps:g} fps; {expected}")
    hands = pose[:, -HAND_COLUMNS:].astype(np.float64)
    return {"left": hands[:, :ANGLES], "right": hands[:, ANGLES:]}, fps


def _arctic(path: Path) -> tuple[dict[Side, np.ndarray], float]:
    """As `_amass`."""
    try:
        found = read_dictionary(path)
    except PickledFileError as error:
        raise RecordedMotionError(str(error)) from error
    poses: dict[Side, np.ndarray] = {}
    for side in SIDES:
        pose = found.get(side, {}).get("pose") if isinstance(found.get(side), dict) else None
        if not isinstance(pose, np.ndarray) or pose.ndim != 2 or pose.shape[1] != ANGLES:
            raise RecordedMotionError(f"{path}: expected `{side}` with `pose` [N, 45]")
        try:
            mean = load_hand_arrays("mano", side).pose_mean
        except LicensedModelError as error:
            raise RecordedMotionError(f"{path}: ARCTIC's poses are relative to MANO's mean pose: {error}") from error
        poses[side] = pose.astype(np.float64) + mean.reshape(ANGLES)
    return poses, ARCTIC_FPS


def _middle(pose: np.ndarray) -> np.ndarray:
    cut = round(len(pose) * (1 - MIDDLE) / 2)
    return pose[cut : len(pose) - cut]


def _at_30_fps(pose: np.ndarray, fps: float) -> np.ndarray:
    indices = np.round(np.arange(0, len(pose) * FPS / fps) * fps / FPS).astype(int)
    kept: np.ndarray = pose[indices[indices < len(pose)]]
    return kept


def angles_of(pose: np.ndarray, side: Side) -> np.ndarray:
    """Angles float32 [N, 45] within the joint limits, of axis-angle poses [N, 45] of a flat hand in MANO's axes.

    The axes of the joints are those of the open hand, which lies as MANO does.
    """
    right = pose.reshape(-1, 15, 3) * (_MIRROR if side == "left" else 1.0)
    matrices = Rotation.from_rotvec(right.reshape(-1, 3)).as_matrix().reshape(-1, 15, 3, 3)
    rest = load_hand_model("open", "right").rest_joints(torch.zeros(1, 10))[0].double().numpy()
    axes = torch.as_tensor(bone_frames(rest, "right")[1:])
    angles = joint_angles(torch.as_tensor(matrices), axes).numpy()
    clipped: np.ndarray = np.clip(angles, LIMITS[1:, :, 0], LIMITS[1:, :, 1]).reshape(-1, ANGLES).astype(np.float32)
    return clipped
