"""DexYCB (Chao et al., CVPR 2021) as training data: its published folders, with licensed MANO.

```
ROOT/calibration/intrinsics/SERIAL_640x480.yml          color: {fx, fy, ppx, ppy}
ROOT/calibration/mano_DATE-subject-NN_SIDE/mano.yml     betas: [10]
ROOT/DATE-subject-NN/TAKE/meta.yml                      serials, mano_sides, mano_calib
ROOT/DATE-subject-NN/TAKE/SERIAL/color_000000.jpg       640 × 480
ROOT/DATE-subject-NN/TAKE/SERIAL/labels_000000.npz      pose_m [1, 51], joint_3d [1, 21, 3] m
```

`pose_m` is the root's axis-angle, 45 coefficients of MANO's pose components about its mean pose, and a translation in metres;
all zero where the hand is outside the image, and then `joint_3d` is −1. Source: the data set's toolkit
(NVlabs/dex-ycb-toolkit, `dex_ycb.py`), which also takes the first entry of `mano_sides` and of `mano_calib`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import yaml

from ml.formats.faults import FormatError
from ml.formats.npz import open_npz, read_member
from ml.hand.model import HandModel, load_hand_model
from ml.hand.skeleton import SIDES, Side
from ml.synthetic.subjects import Split
from ml.training.labelled import Label, detect_labelled, pose_of
from ml.training.samples import Samples

SUBJECTS: Final[dict[Split, tuple[int, ...]]] = {"train": (1, 2, 3, 4, 5, 6, 10), "validation": (7,), "test": (8, 9)}
"""Split S1: unseen subjects."""
_MAX_BYTES: Final = 64 << 20
_SUBJECT: Final = re.compile(r"\d{8}-subject-(\d+)")


def load(root: Path, split: Split, *, every: int = 10, hand_model: str = "mano") -> Samples:
    """Detected hands of one split.

    Args:
        root: the data set's folder.
        split: of S1.
        every: keep every n-th frame of a camera.
        hand_model: the model of `pose_m`.

    Raises:
        FormatError: a file does not follow the layout; the message says which and what was expected.
    """
    return detect_labelled(labels(root, split, every=every, hand_model=hand_model), partial(load_hand_model, hand_model))


def labels(root: Path, split: Split, *, every: int = 1, hand_model: str = "mano") -> Iterator[Label]:
    """The labels of a split that show a hand, camera by camera."""
    takes = [take for take in sorted(root.glob("*-subject-*/*/")) if _subject(take.parent) in SUBJECTS[split]]
    if not takes:
        wanted = ", ".join(map(str, SUBJECTS[split]))
        raise FormatError(f"{root} has no take of the {split} subjects {wanted}, expected DATE-subject-NN/TAKE/")
    for take in takes:
        serials, sides, calibrations = _lists(take / "meta.yml", "serials", "mano_sides", "mano_calib")
        side: Side | None = next((s for s in SIDES if s == sides[0]), None)
        if side is None:
            raise FormatError(f"{take / 'meta.yml'}: the side is {sides[0]!r}, expected left or right")
        model = load_hand_model(hand_model, side)
        betas = _numbers(root / "calibration" / f"mano_{calibrations[0]}" / "mano.yml", "betas", 10)
        for serial in serials:
            intrinsics = _intrinsics(root / "calibration" / "intrinsics" / f"{serial}_640x480.yml")
            for path in sorted((take / serial).glob("labels_*.npz"))[::every]:
                found = _label(path, model, intrinsics, betas)
                if found is not None:
                    yield found


def _label(path: Path, model: HandModel, intrinsics: np.ndarray, betas: np.ndarray) -> Label | None:
    with open_npz(path, max_bytes=_MAX_BYTES, name=str(path)) as archive:
        try:
            pose_m, joints = (read_member(archive, name) for name in ("pose_m", "joint_3d"))
        except FormatError as error:
            raise FormatError(f"{path}: {error}") from error
    for name, array, shape in (("pose_m", pose_m, (1, 51)), ("joint_3d", joints, (1, 21, 3))):
        if array.shape != shape or array.dtype.kind != "f":
            raise FormatError(f"`{name}` of {path} is {array.dtype} {list(array.shape)}, expected numbers {list(shape)}")
        if not np.isfinite(array).all():
            raise FormatError(f"`{name}` of {path} has an entry that is not finite, expected finite numbers")
    if (joints == -1).all() or (joints == 0).all():
        return None
    return Label(
        image=path.with_name(path.stem.replace("labels_", "color_") + ".jpg"),
        where=str(path),
        side=model.side,
        subject=_subject(path.parents[2]),
        intrinsics=intrinsics,
        pose=pose_of(model, pose_m[0, :3], pose_m[0, 3:48]),
        betas=betas,
        translation=pose_m[0, 48:],
        joints=joints[0],
    )


def _subject(folder: Path) -> int:
    found = _SUBJECT.fullmatch(folder.name)
    return int(found[1]) if found else -1


def _intrinsics(path: Path) -> np.ndarray:
    color = _yaml(path, "color")["color"]
    try:
        fx, fy, cx, cy = (float(color[name]) for name in ("fx", "fy", "ppx", "ppy"))
    except (KeyError, TypeError, ValueError) as error:
        raise FormatError(f"`color` of {path} has no numbers fx, fy, ppx and ppy") from error
    if not (fx > 0 and fy > 0 and np.isfinite([fx, fy, cx, cy]).all()):
        raise FormatError(f"`color` of {path} has fx {fx}, fy {fy}, ppx {cx}, ppy {cy}, expected pixels, fx and fy above 0")
    return np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1]], np.float32)


def _numbers(path: Path, name: str, count: int) -> np.ndarray:
    values = _yaml(path, name)[name]
    try:
        found = np.array(values, np.float32)
    except (TypeError, ValueError) as error:
        raise FormatError(f"`{name}` of {path} holds no numbers") from error
    if found.shape != (count,):
        raise FormatError(f"`{name}` of {path} has shape {list(found.shape)}, expected [{count}]")
    if not np.isfinite(found).all():
        raise FormatError(f"`{name}` of {path} has an entry that is not finite, expected {count} finite numbers")
    return found


def _lists(path: Path, *names: str) -> list[list[str]]:
    content = _yaml(path, *names)
    for name in names:
        if not isinstance(content[name], list) or not content[name]:
            raise FormatError(f"`{name}` of {path} is {content[name]!r}, expected a list with an entry")
    return [[str(entry) for entry in content[name]] for name in names]


def _yaml(path: Path, *names: str) -> dict[str, Any]:
    try:
        content = yaml.safe_load(path.read_text())
    except FileNotFoundError as error:
        raise FormatError(f"{path} is missing") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise FormatError(f"{path} is not YAML: {error}") from error
    if not isinstance(content, dict) or (absent := [name for name in names if name not in content]):
        raise FormatError(f"{path} has no {', '.join(absent) if isinstance(content, dict) else 'keys'}")
    return content
