"""HUMBI's hands (Yu et al., CVPR 2020) as training data: its published folders, with licensed MANO.

```
ROOT/subject_N/hand/intrinsic.txt, extrinsic.txt                 of all cameras
ROOT/subject_N/hand/FRAME/image_cropped/SIDE/list.txt            lines: camera xmin xmax ymin ymax, px of the whole image
ROOT/subject_N/hand/FRAME/image_cropped/SIDE/image0000004.png    250 × 250, of camera 4
ROOT/subject_N/hand/FRAME/reconstruction/keypoints_S.txt         21 × 3, S is l or r; world frame, OpenPose's order (ours)
ROOT/subject_N/hand/FRAME/reconstruction/mano_params_S.txt       36: translation 3, rotation 3, 20 pose coefficients, shape 10
```

A camera maps X to R (X − C). The files state no unit and no mean pose: metres and coefficients about MANO's mean pose are
assumed, and a label whose parameters and keypoints then disagree is an error. Source: the data set's repository
(zhixuany/HUMBI): "Hand" and "Camera Calibration" in its README, and `hand/visualize.m` for a crop's scale (its box
includes both ends).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
import torch
from scipy.spatial.transform import Rotation

from ml.formats.faults import FormatError
from ml.hand.model import load_hand_model
from ml.hand.skeleton import SIDES, Side
from ml.training.labelled import Label, detect_labelled, pose_of
from ml.training.samples import Samples

CROP_PX: Final = 250
_MAX_BYTES: Final = 8 << 20


@dataclass(frozen=True)
class HumbiCamera:
    """K [3, 3] in px of the whole image, rotation R [3, 3] and centre C [3] in the world."""

    intrinsics: np.ndarray
    rotation: np.ndarray
    centre: np.ndarray


def load(root: Path, subjects: range, *, every: int = 10, hand_model: str = "mano") -> Samples:
    """Detected hands of some subjects.

    Args:
        root: the data set's folder.
        subjects: N of `subject_N`; the data set defines no split.
        every: keep every n-th crop of a hand.
        hand_model: the model of the parameters.

    Raises:
        FormatError: a file does not follow the layout; the message says which and what was expected.
    """
    return detect_labelled(labels(root, subjects, every=every, hand_model=hand_model), partial(load_hand_model, hand_model))


def labels(root: Path, subjects: range, *, every: int = 1, hand_model: str = "mano") -> Iterator[Label]:
    """The labels of these subjects, crop by crop."""
    folders = [(number, root / f"subject_{number}" / "hand") for number in subjects]
    there = [(number, folder) for number, folder in folders if folder.is_dir()]
    if not there:
        raise FormatError(f"{root} holds none of subject_{subjects.start} … subject_{subjects.stop - 1}/hand")
    for number, folder in there:
        cameras = read_cameras(folder)
        for frame in sorted(path for path in folder.iterdir() if path.is_dir()):
            for side in SIDES:
                if (frame / "image_cropped" / side / "list.txt").exists():
                    for label in _labels(frame, side, cameras, every=every, hand_model=hand_model):
                        yield replace(label, subject=number)


def _labels(frame: Path, side: Side, cameras: dict[int, HumbiCamera], *, every: int, hand_model: str) -> Iterator[Label]:
    model = load_hand_model(hand_model, side)
    keypoints = _numbers(frame / "reconstruction" / f"keypoints_{side[0]}.txt", 63).reshape(21, 3)
    path = frame / "reconstruction" / f"mano_params_{side[0]}.txt"
    given = _numbers(path, 36)
    place, root, coefficients, betas = np.split(given, [3, 6, 26])
    rest = model.rest_joints(torch.as_tensor(betas, dtype=torch.float32))[0, 0].numpy()
    crops = frame / "image_cropped" / side
    for line in [line for line in _text(crops / "list.txt").splitlines() if line.strip()][::every]:
        number, box = _crop(line, crops / "list.txt")
        if number not in cameras:
            raise FormatError(f"{crops / 'list.txt'} names camera {number}, which is not in intrinsic.txt")
        camera = cameras[number]
        image = next(crops.glob(f"image{number:07d}.*"), crops / f"image{number:07d}.png")
        turned = (Rotation.from_matrix(camera.rotation) * Rotation.from_rotvec(root)).as_rotvec()
        yield Label(
            image=image,
            where=f"{path}, camera {number}",
            side=side,
            subject=0,
            intrinsics=_cropped(camera.intrinsics, box),
            pose=pose_of(model, turned, coefficients),
            betas=betas,
            # the hand turns about its wrist, which lies at `rest` before it is moved
            translation=camera.rotation @ (rest + place - camera.centre) - rest,
            joints=(keypoints - camera.centre) @ camera.rotation.T,
        )


def read_cameras(folder: Path) -> dict[int, HumbiCamera]:
    """All cameras of a session, by number.

    Raises:
        FormatError: a file is missing, is cut short, or the two name different cameras.
    """
    inside, outside = _blocks(folder / "intrinsic.txt", 3), _blocks(folder / "extrinsic.txt", 4)
    if inside.keys() != outside.keys():
        raise FormatError(f"intrinsic.txt and extrinsic.txt of {folder} name different cameras")
    return {number: HumbiCamera(inside[number], outside[number][1:], outside[number][0]) for number in inside}


def _blocks(path: Path, height: int) -> dict[int, np.ndarray]:
    """Three lines of head; then for each camera “ignored, number”, and `height` rows of three numbers."""
    lines = [line.split() for line in _text(path).splitlines()[3:] if line.strip()]
    if not lines or len(lines) % (height + 1):
        raise FormatError(f"{path} has {len(lines)} lines after its head, expected {height + 1} a camera")
    try:
        return {
            int(lines[at][-1]): np.array(lines[at + 1 : at + 1 + height], np.float64).reshape(height, 3)
            for at in range(0, len(lines), height + 1)
        }
    except ValueError as error:
        raise FormatError(f"{path}: a camera is not its number and {height} rows of three numbers") from error


def _crop(line: str, path: Path) -> tuple[int, np.ndarray]:
    """A camera's number, and (xmin, xmax, ymin, ymax) in px."""
    try:
        number, *box = (float(word) for word in line.replace(",", " ").split())
    except ValueError as error:
        raise FormatError(f"{path}: “{line[:60]}” is not a camera and four numbers") from error
    if len(box) != 4 or box[1] <= box[0] or box[3] <= box[2]:
        raise FormatError(f"{path}: “{line[:60]}” is not a camera and xmin < xmax, ymin < ymax")
    return int(number), np.array(box)


def _cropped(intrinsics: np.ndarray, box: np.ndarray) -> np.ndarray:
    """K of the crop: moved by its corner, and scaled to `CROP_PX`; a box from 0 to 249 is 250 px wide."""
    x_min, x_max, y_min, y_max = box
    across, down = CROP_PX / (x_max - x_min + 1), CROP_PX / (y_max - y_min + 1)
    crop = np.array([[across, 0, -across * x_min], [0, down, -down * y_min], [0, 0, 1]])
    return np.asarray(crop @ intrinsics)


def _numbers(path: Path, count: int) -> np.ndarray:
    words = _text(path).replace(",", " ").split()
    try:
        found = np.array(words, np.float64)
    except ValueError as error:
        raise FormatError(f"{path} holds something that is no number") from error
    if found.shape != (count,) or not np.isfinite(found).all():
        raise FormatError(f"{path} holds {len(found)} numbers, expected {count} finite ones")
    return found


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise FormatError(f"{path} is larger than such a file can be")
        return path.read_text()
    except FileNotFoundError as error:
        raise FormatError(f"{path} is missing") from error
    except UnicodeDecodeError as error:
        raise FormatError(f"{path} is no text") from error
