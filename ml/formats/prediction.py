"""The canonical prediction: what a method found in one clip, as one `.npz` of plain arrays.

N rows, one per frame and hand seen:

======================  ==================  =====================================================================
`frame`                 int32 [N]           index of the video frame
`side`                  uint8 [N]           0 left, 1 right
`track`                 int32 [N]           one physical hand over time
`score`                 float32 [N]         confidence, 0 … 1
`joints`                float32 [N, 21, 3]  metres, OpenCV camera frame, OpenPose order
`vertices` (optional)   float32 [N, V, 3]   metres, OpenCV camera frame
`pose` (optional)       float32 [N, 16, 3]  axis-angle, MANO order, in the space of the side's own model
`betas` (optional)      float32 [N, 10]
`translation` (opt.)    float32 [N, 3]      metres
`joint_std` (opt.)      float32 [N, 21]     metres: standard deviation of each joint's place in the hand
`visible` (optional)    uint8 [N, 21]       1 for joints that are seen, 0 for those that nothing saw: hidden ones of a ground
                                            truth; of a method, outside the image or where no hand was detected
`intrinsics` (opt.)     float32 [3, 3]      pixels
`faces` (optional)      int32 [F, 3]        triangles of the meshes, for hands of a topology that is not known here
`meta`                  JSON string         `hand_model`, `fps`, `method`, `version`, `sequence`, `frame_count`, …
======================  ==================  =====================================================================

Files are untrusted input: nothing in them is unpickled, every member's shape and type is checked against the
table before its data is read, and sizes are bounded.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from ml.formats.faults import FormatError
from ml.formats.npz import open_npz, read_member
from ml.formats.spill import blocks

MAX_BYTES = 4 << 30
"""Largest decompressed prediction accepted; also stops archives that claim to be enormous."""

MAX_META_BYTES = 8 << 20
"""An hour of two hands at 60 fps has records of their keypoints of 3.5 MB: NumPy keeps text at four bytes a letter."""

_LAYOUT: dict[str, tuple[str, tuple[int | str, ...], bool]] = {
    # name: (dtype kind as numpy spells it, shape, required); letters are sizes that must agree between members
    "frame": ("i4", ("N",), True),
    "side": ("u1", ("N",), True),
    "track": ("i4", ("N",), True),
    "score": ("f4", ("N",), True),
    "joints": ("f4", ("N", 21, 3), True),
    "vertices": ("f4", ("N", "V", 3), False),
    "pose": ("f4", ("N", 16, 3), False),
    "betas": ("f4", ("N", 10), False),
    "translation": ("f4", ("N", 3), False),
    "joint_std": ("f4", ("N", 21), False),
    "visible": ("u1", ("N", 21), False),
    "intrinsics": ("f4", (3, 3), False),
    "faces": ("i4", ("F", 3), False),
}
_OF_THE_CLIP = ("intrinsics", "faces")
"""Members that do not have a row a hand."""


class PredictionError(ValueError):
    """A file or a set of arrays is not a canonical prediction; the message says what and where, for its author."""


@dataclass(frozen=True)
class PredictionArrays:
    """What a method found in one clip. Shapes and units: the table at the head of this module."""

    frame: np.ndarray
    side: np.ndarray
    track: np.ndarray
    score: np.ndarray
    joints: np.ndarray
    vertices: np.ndarray | None = None
    pose: np.ndarray | None = None
    betas: np.ndarray | None = None
    translation: np.ndarray | None = None
    joint_std: np.ndarray | None = None
    visible: np.ndarray | None = None
    intrinsics: np.ndarray | None = None
    faces: np.ndarray | None = None
    meta: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        sizes: dict[str, int] = {}
        for name, (dtype, shape, required) in _LAYOUT.items():
            array = getattr(self, name)
            if array is None:
                if required:
                    raise PredictionError(f"`{name}` is missing")
                continue
            object.__setattr__(self, name, _checked(name, np.asarray(array), dtype, shape, sizes))
        if self.side.size and self.side.max() > 1:
            row = int(np.argmax(self.side > 1))
            raise PredictionError(f"row {row} of `side` is {int(self.side[row])}, expected 0 (left) or 1 (right)")

    def __len__(self) -> int:
        return len(self.frame)

    def rows(self, mask: np.ndarray) -> PredictionArrays:
        """The rows selected by a boolean mask or an index array [M], as a prediction of their own."""
        arrays = {
            name: None if (array := getattr(self, name)) is None else array if name in _OF_THE_CLIP else array[mask]
            for name in _LAYOUT
        }
        return PredictionArrays(**arrays, meta=self.meta)  # type: ignore[arg-type]

    def save(self, target: str | Path | BinaryIO) -> None:
        """Write the `.npz` (uncompressed: floats do not shrink, and readers can map it)."""
        arrays = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "meta" and getattr(self, f.name) is not None}
        arrays["meta"] = np.array(json.dumps(dict(self.meta), sort_keys=True))
        with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
            for name, array in arrays.items():
                # a fixed moment: the same prediction is the same file, to the byte
                with archive.open(zipfile.ZipInfo(f"{name}.npy"), "w", force_zip64=True) as stream:
                    np.lib.format.write_array_header_1_0(stream, np.lib.format.header_data_from_array_1_0(array))  # type: ignore[no-untyped-call]
                    for block in blocks(array) if array.ndim else (array,):
                        stream.write(block.tobytes())

    @classmethod
    def load(
        cls, source: str | Path | BinaryIO, *, max_bytes: int = MAX_BYTES, without: Collection[str] = ()
    ) -> PredictionArrays:
        """Read a `.npz`, which is untrusted input.

        Args:
            source: the file.
            max_bytes: decompressed, at most.
            without: optional members that are not read, such as `vertices`: most of a large file.

        Raises:
            PredictionError: the file is no such archive, lacks a member, or a member has another shape or type.
        """
        try:
            with open_npz(source, max_bytes=max_bytes) as archive:
                held = {name.removesuffix(".npy") for name in archive.namelist()}
                unknown = sorted(held - {*_LAYOUT, "meta"})
                if unknown:
                    raise PredictionError(f"unknown member `{unknown[0]}`; a prediction holds {', '.join((*_LAYOUT, 'meta'))}")
                wanted = held - {*without}
                arrays = {name: read_member(archive, name) if name in wanted else None for name in _LAYOUT}
                meta = _read_meta(archive) if "meta" in held else {}
        except FormatError as error:
            raise PredictionError(str(error)) from error
        return cls(**arrays, meta=meta)  # type: ignore[arg-type]


def _checked(name: str, array: np.ndarray, dtype: str, shape: tuple[int | str, ...], sizes: dict[str, int]) -> np.ndarray:
    spelled = "[" + ", ".join(str(s) for s in shape) + "]"
    if array.ndim != len(shape):
        raise PredictionError(f"`{name}` has shape {list(array.shape)}, expected {spelled}")
    for got, expected in zip(array.shape, shape, strict=True):
        want = expected if isinstance(expected, int) else sizes.setdefault(expected, got)
        if got != want:
            raise PredictionError(f"`{name}` has shape {list(array.shape)}, expected {spelled} with {expected} = {want}")
    kind = np.dtype(dtype).kind
    if array.dtype.kind not in ("f" if kind == "f" else "iub"):
        raise PredictionError(f"`{name}` holds {array.dtype}, expected {np.dtype(dtype).name}")
    if kind != "f" and array.size:
        info = np.iinfo(dtype)
        if array.min() < info.min or array.max() > info.max:
            raise PredictionError(f"`{name}` holds numbers outside {info.min} … {info.max}")
    return np.ascontiguousarray(array, dtype=dtype)


def _read_meta(archive: zipfile.ZipFile) -> Mapping[str, Any]:
    if archive.getinfo("meta.npy").file_size > MAX_META_BYTES:
        raise PredictionError(f"`meta` is larger than {MAX_META_BYTES >> 20} MB")
    try:
        meta = json.loads(str(read_member(archive, "meta")))
    except (ValueError, RecursionError) as error:
        raise PredictionError(f"`meta` is not JSON: {error}") from error
    if not isinstance(meta, dict):
        raise PredictionError("`meta` is not a JSON object")
    return meta
