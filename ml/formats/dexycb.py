"""DexYCB's files: results as text, truth as label files or as one table.

Results: one line a sample, its index and 63 numbers (21 × 3, millimetres, OpenCV camera, OpenPose order), by commas or spaces.
Truth: `labels_*.npz` with `joint_3d` [1, 21, 3] in metres, or one `.npz` with `index` [N], `joint_3d` [N, 21, 3] and, if known,
`side` [N] (0 left, 1 right). Samples whose joints are all −1 or all 0 show no hand and are skipped. Source: dex-ycb-toolkit
(Chao et al., CVPR 2021).
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np

from ml.formats.faults import FormatError, kind_of
from ml.formats.frames import JOINT_COUNT, ArrayFrames, out_of_reach, sha256_of
from ml.formats.npz import open_npz, read_member
from ml.hand.skeleton import SIDES

MAX_TRUTH_BYTES: Final = 2 << 30
MAX_LINE: Final = 1 << 14
MAX_INDEX: Final = 2**31 - 1
_FIELDS: Final = 1 + 3 * JOINT_COUNT


def open_truth(path: Path) -> ArrayFrames:
    """All samples that show a hand, by index, in millimetres.

    In a folder the index of a label file is its place among all `labels_*.npz` below it, in the order of their paths.
    """
    side = None
    if path.is_dir():
        paths = sorted(path.rglob("labels_*.npz"))
        if not paths:
            raise FormatError(f"{path.name} holds no `labels_*.npz`, expected DexYCB's label files or one .npz")
        joints = np.stack([read_array(p, "joint_3d", hands=1)[0] for p in paths])
        index = np.arange(len(paths))
    else:
        paths = [path]
        joints, index = read_array(path, "joint_3d"), read_array(path, "index")
        joints = joints.reshape(-1, JOINT_COUNT, 3)
        side = _side(path, len(joints))
        if index.shape != (len(joints),) or index.dtype.kind not in "iu":
            raise FormatError(
                f"`index` of {path.name} is {index.dtype} {list(index.shape)}, expected whole numbers [{len(joints)}]"
            )
        if len(index) and not (int(index.min()) >= 0 and int(index.max()) <= MAX_INDEX):
            raise FormatError(f"`index` of {path.name} holds numbers outside 0 … {MAX_INDEX}")
        if len(np.unique(index)) != len(index):
            raise FormatError(f"`index` of {path.name} names a sample twice")
    if (wrong := out_of_reach(joints)).any():
        raise FormatError(f"sample {int(np.argmax(wrong.any(1)))} of {path.name}: a joint is not finite, expected metres")
    # The toolkit multiplies in the file's float32 and only then goes to float64.
    scaled = (joints * joints.dtype.type(1000)).astype(np.float64)
    shown = ~((joints == -1).all((1, 2)) | (joints == 0).all((1, 2)))
    columns = {"index": index[shown].astype(np.int64).tolist()}
    if side is not None:
        columns["side"] = [SIDES[number] for number in side[shown]]
    return ArrayFrames(path.name, scaled[shown], columns=columns, sha256=sha256_of(paths))


def _side(path: Path, count: int) -> np.ndarray | None:
    with open_npz(path, max_bytes=MAX_TRUTH_BYTES, name=path.name) as archive:
        if "side.npy" not in archive.namelist():
            return None
    side = read_array(path, "side")
    if side.shape != (count,) or side.dtype.kind not in "iu" or not np.isin(side, (0, 1)).all():
        found = f"{side.dtype} {list(side.shape)}"
        raise FormatError(f"`side` of {path.name} is {found}, expected 0 (left) or 1 (right) for each of {count} samples")
    return side


def read_array(path: Path, member: str, *, hands: int | None = None) -> np.ndarray:
    """One array of a label file or table, checked: `joint_3d` [hands or N, 21, 3] in metres, or another member as it is.

    Raises:
        FormatError: it is missing, or of another type or shape.
    """
    with open_npz(path, max_bytes=MAX_TRUTH_BYTES, name=path.name) as archive:
        try:
            array = read_member(archive, member)
        except FormatError as error:
            raise FormatError(f"{path.name}: {error}") from error
    if member == "joint_3d":
        if array.dtype.kind != "f":
            raise FormatError(f"`joint_3d` of {path.name} holds {array.dtype}, expected metres as floating-point numbers")
        if array.ndim != 3 or array.shape[1:] != (JOINT_COUNT, 3) or len(array) != (hands or len(array)):
            raise FormatError(f"`joint_3d` of {path.name} has shape {list(array.shape)}, expected [{hands or 'N'}, 21, 3]")
    return array


def open_prediction(path: Path, truth: ArrayFrames, name: str, *, limit: int | None = None) -> ArrayFrames:
    """The results for the truth's samples, in its order; lines for other samples are not looked at further.

    Args:
        path: the text, already out of its archive.
        truth: whose samples are asked for.
        name: how messages call the file.
        limit: ask for so many of the truth's samples, from the first; for all if not given.

    Raises:
        FormatError: a line is not an index and 63 numbers, or a sample asked for has none.
    """
    samples = truth.columns["index"][:limit]
    wanted = {int(index): row for row, index in enumerate(samples)}
    joints = np.full((len(samples), JOINT_COUNT, 3), np.nan)
    with path.open("rb") as stream:
        number = 0
        while line := stream.readline(MAX_LINE):
            number += 1
            where = f"line {number} of {name}"
            if len(line) == MAX_LINE:
                raise FormatError(f"{where} is longer than {MAX_LINE} bytes, expected an index and 63 numbers")
            fields = line.replace(b",", b" ").split()
            if not fields:
                continue
            if number == 1 and (b"\0" in line or not fields[0].lstrip(b"+-").isdigit()):
                raise FormatError(f"{where} begins {line[:20]!r} ({kind_of(path)}), expected an index and 63 numbers")
            index, values = _sample(fields, where)
            if index in wanted:  # of two lines for a sample the last one counts, as in the toolkit
                joints[wanted[index]] = values
    missing = np.flatnonzero(np.isnan(joints[:, 0, 0]))
    if len(missing):
        first = samples[int(missing[0])]
        raise FormatError(
            f"{name}: no line for sample {first}; {len(missing)} of {len(samples)} samples are missing, expected all"
        )
    return ArrayFrames(name, joints, columns={"index": samples}, sha256=sha256_of([path]))


def _sample(fields: list[bytes], where: str) -> tuple[int, np.ndarray]:
    if len(fields) != _FIELDS:
        raise FormatError(f"{where} has {len(fields)} fields, expected {_FIELDS}: an index and 21 × 3 numbers")
    if len(fields[0]) > 10 or not fields[0].isdigit() or int(fields[0]) > MAX_INDEX:
        raise FormatError(f"{where}: index {fields[0][:20].decode('latin-1')!r}, expected 0 … {MAX_INDEX}")
    try:
        if any(b"_" in field for field in fields):
            raise ValueError("a number with an underscore")  # which Python would take
        values = np.array([float(field) for field in fields[1:]])
    except ValueError as error:
        raise FormatError(f"{where}: {error}, expected 63 numbers") from error
    joints = values.reshape(JOINT_COUNT, 3)
    if (wrong := out_of_reach(joints)).any():
        point = ", ".join(f"{v:.3g}" for v in joints[wrong][0])
        raise FormatError(f"{where}: joint {np.argmax(wrong)} is [{point}], expected coordinates of a hand")
    return int(fields[0]), joints
