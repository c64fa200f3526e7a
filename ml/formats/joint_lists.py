"""Joints alone, with the unit named in the file: RHD, STB, Dexter+Object and EgoDexter, truths and predictions.

`.json`: `{"unit": "mm", "joints": [[[x, y, z], …21], …N]}`; `.npz`: `unit` (a string) and `joints` [N, 21, 3]. In a truth a
joint that is not annotated (Dexter+Object and EgoDexter have fingertips only) is three times null, or NaN. OpenCV camera.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import numpy as np
import orjson

from ml.formats.faults import FormatError, kind_of
from ml.formats.frames import JOINT_COUNT, ArrayFrames, out_of_reach, sha256_of
from ml.formats.npz import open_npz, read_member

MAX_BYTES: Final = 256 << 20
MAX_JSON_BYTES: Final = 64 << 20
"""JSON is held as Python objects while it is read, ten times its size."""
METRES: Final = {"m": 1.0, "cm": 0.01, "mm": 0.001}


def open_joints(path: Path, name: str, *, truth: bool) -> ArrayFrames:
    """The joints of a file in metres; in a truth, those that are not annotated are not `seen`.

    Raises:
        FormatError: the file is neither, names no unit, or holds other than N × 21 × 3 finite numbers.
    """
    if path.is_dir():
        path = _the_one_in(path, name)
    with path.open("rb") as stream:
        is_archive = stream.read(2) == b"PK"
    unit, joints = _from_npz(path, name) if is_archive else _from_json(path, name)
    if unit not in METRES:
        raise FormatError(f"`unit` of {name} is {unit!r}, expected one of {', '.join(METRES)}")
    if joints.ndim != 3 or joints.shape[1:] != (JOINT_COUNT, 3):
        raise FormatError(f"`joints` of {name} has shape {list(joints.shape)}, expected [N, {JOINT_COUNT}, 3]")
    if not len(joints):
        raise FormatError(f"`joints` of {name} is empty, expected at least one frame")
    seen = ~np.isnan(joints).any(-1) if truth else None
    wrong = out_of_reach(joints) if seen is None else out_of_reach(joints) & seen
    if wrong.any():
        frame, joint = np.argwhere(wrong)[0]
        point = ", ".join(f"{v:.3g}" for v in joints[frame, joint])
        raise FormatError(f"frame {frame} of {name}: joint {joint} is [{point}], expected coordinates of a hand")
    annotated = None if seen is None or seen.all() else seen
    return ArrayFrames(name, joints * METRES[unit], seen=annotated, sha256=sha256_of([path]), stated_unit=unit)


def _the_one_in(folder: Path, name: str) -> Path:
    found = sorted(p for p in folder.iterdir() if p.suffix in (".json", ".npz"))
    if len(found) != 1:
        raise FormatError(f"{name} holds {len(found)} .json or .npz files, expected one with the truth")
    return found[0]


def _from_npz(path: Path, name: str) -> tuple[str, np.ndarray]:
    with open_npz(path, max_bytes=MAX_BYTES, name=name) as archive:
        try:
            unit, joints = read_member(archive, "unit"), read_member(archive, "joints")
        except FormatError as error:
            raise FormatError(f"{name}: {error}") from error
    if joints.dtype.kind not in "fiu":
        raise FormatError(f"`joints` of {name} holds {joints.dtype}, expected numbers")
    return str(unit)[:20], joints.astype(np.float64)


def _from_json(path: Path, name: str) -> tuple[str, np.ndarray]:
    size = path.stat().st_size
    if size > MAX_JSON_BYTES:
        raise FormatError(f"{name} has {size / 1e6:.0f} MB, at most {MAX_JSON_BYTES >> 20} MB of JSON are read: send a .npz")
    try:
        content = _loaded(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise FormatError(f"{name} is {kind_of(path)}, expected JSON: {error}") from error
    if not isinstance(content, dict) or "joints" not in content or "unit" not in content:
        raise FormatError(
            f'{name} is no object with `unit` and `joints`, expected {{"unit": "mm", "joints": [[[x, y, z], …], …]}}'
        )
    return str(content["unit"])[:20], _array(content["joints"], name)


def _loaded(text: bytes) -> Any:
    """JSON; with NaN, as Python's `json.dump` writes what is not annotated."""
    try:
        return orjson.loads(text)
    except ValueError:
        if b"NaN" not in text:
            raise
        return json.loads(text)


def _array(frames: Any, name: str) -> np.ndarray:
    if not isinstance(frames, list):
        raise FormatError(f"`joints` of {name} is no list, expected a list of frames")
    for number, frame in enumerate(frames):
        if not isinstance(frame, list) or len(frame) != JOINT_COUNT:
            found = f"{len(frame)} joints" if isinstance(frame, list) else "no list"
            raise FormatError(f"frame {number} of {name}: {found}, expected {JOINT_COUNT}")
        for joint, point in enumerate(frame):
            if not isinstance(point, list) or len(point) != 3:
                raise FormatError(f"frame {number} of {name}: joint {joint} is not [x, y, z]")
            if not all(v is None or (isinstance(v, int | float) and not isinstance(v, bool)) for v in point):
                raise FormatError(f"frame {number} of {name}: joint {joint} does not hold three numbers")
    return np.array(frames, dtype=np.float64).reshape(-1, JOINT_COUNT, 3)
