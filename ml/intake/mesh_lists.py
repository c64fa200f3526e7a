"""FreiHAND's and HO3D's lists for a set of images: one hand an image, joints and vertices in the order of the images.

A truth is a zip of one `*_xyz.json` and, where there are meshes, one `*_verts.json`; a prediction is `pred.json`,
`[xyz, verts]` (Zimmermann et al., ICCV 2019; Hampali et al., CVPR 2020).
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, Literal

import numpy as np

from ml.formats.archive import unpacked
from ml.formats.faults import FormatError
from ml.formats.frames import JOINT_COUNT
from ml.formats.json_frames import JsonFrames, index_frames
from ml.formats.orders import Axes, Order, to_opencv, to_openpose
from ml.formats.prediction import PredictionArrays
from ml.formats.spill import spilled
from ml.formats.truth_archive import unpack_truth
from ml.hand.skeleton import SIDES, Side
from ml.intake.clip_facts import RawRows

Layout = Literal["freihand", "ho3d"]
_LAYOUTS: Final[dict[Layout, tuple[Order, Axes]]] = {"freihand": ("openpose", "opencv"), "ho3d": ("mano", "opengl")}
_BLOCK: Final = 256


def read_truth_lists(path: Path, called: str, layout: Layout, side: Side) -> RawRows:
    """The lists of a truth."""
    with TemporaryDirectory(prefix="palmares-") as name:
        folder = Path(name)
        unpack_truth(path, folder, called)
        files = sorted(folder.iterdir())
        if len(files) == 1 and files[0].name == "truth.json":
            return _read(index_frames(files[0], ["xyz"], wrapped=False, name=called)[0], None, called, layout, side)
        xyz, verts = (_the_one(files, ending, called) for ending in ("_xyz.json", "_verts.json"))
        if xyz is None:
            raise FormatError(f"{called} holds no `*_xyz.json`, expected one, and `*_verts.json` where there are meshes")
        lists = [index_frames(file, [file.stem], wrapped=False)[0] if file else None for file in (xyz, verts)]
        assert lists[0] is not None
        return _read(lists[0], lists[1], called, layout, side)


def read_prediction_lists(path: Path, called: str, layout: Layout, side: Side) -> RawRows:
    """`pred.json`, or a zip of it."""
    with unpacked(path, ".json", name=called) as file:
        xyz, verts = index_frames(file, ["xyz", "verts"], wrapped=True, name=called)
        return _read(xyz, verts, called, layout, side)


def _the_one(files: list[Path], ending: str, called: str) -> Path | None:
    found = [file for file in files if file.name.endswith(ending)]
    if len(found) > 1:
        raise FormatError(f"{called} holds `{found[0].name}` and `{found[1].name}`, expected one `*{ending}`")
    return found[0] if found else None


def _read(xyz: JsonFrames, verts: JsonFrames | None, called: str, layout: Layout, side: Side) -> RawRows:
    order, axes = _LAYOUTS[layout]
    count = len(xyz)
    if verts is not None and len(verts) != count:
        raise FormatError(f"{xyz.label} has {count} frames and {verts.label} {len(verts)}, expected as many")
    joints = to_opencv(to_openpose(xyz.read(0, count, JOINT_COUNT), order), axes)
    vertices = None
    points = verts.count_points(0) if verts is not None and count else 0
    if verts is not None and points:
        vertices = spilled((count, points, 3))
        for first in range(0, count, _BLOCK):
            last = min(first + _BLOCK, count)
            vertices[first:last] = to_opencv(verts.read(first, last, points), axes)
    rows = PredictionArrays(
        frame=np.arange(count, dtype=np.int32),
        side=np.full(count, SIDES.index(side), np.uint8),
        track=np.zeros(count, np.int32),
        score=np.ones(count, np.float32),
        joints=joints.astype(np.float32),
        vertices=vertices,
    )
    return RawRows(rows, side_is_assumed=True)
