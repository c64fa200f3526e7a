"""FreiHAND's and HO3D's files: `pred.json` = `[xyz, verts]`, truth = `evaluation_xyz.json` and `evaluation_verts.json`.

Both are lists of N frames of 21 × 3 joints and V × 3 vertices in metres. FreiHAND: OpenCV camera, OpenPose order. HO3D: OpenGL
camera, MANO order. Source: the evaluation scripts of both (github.com/lmb-freiburg/freihand, github.com/shreyashampali/ho3d).
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from ml.formats.faults import FormatError, kind_of
from ml.formats.frames import JOINT_COUNT, FrameSet, sha256_of
from ml.formats.json_frames import JsonFrames, index_frames

TRUTH_FILES = ("evaluation_xyz.json", "evaluation_verts.json")


class MeshFrames(FrameSet):
    """N hands of joints and meshes, parsed from JSON when they are asked for."""

    def __init__(self, name: str, xyz: JsonFrames, verts: JsonFrames, sha256: str) -> None:
        self.name, self.sha256 = name, sha256
        if len(xyz) != len(verts):
            raise FormatError(f"{xyz.label} has {len(xyz)} frames and {verts.label} {len(verts)}, expected as many")
        self._xyz, self._verts = xyz, verts
        self.vertex_count = verts.count_points(0) if len(verts) else 0
        self.columns = {"frame": range(len(xyz))}

    def __len__(self) -> int:
        return len(self._xyz)

    def joints(self, first: int, last: int) -> np.ndarray:
        return self._xyz.read(first, last, JOINT_COUNT)

    def vertices(self, first: int, last: int) -> np.ndarray:
        return self._verts.read(first, last, self.vertex_count or 0)


def open_truth(folder: Path) -> MeshFrames:
    """The truth in a folder as FreiHAND's and HO3D's authors lay it out."""
    wanted = " and ".join(TRUTH_FILES)
    if not folder.is_dir():
        raise FormatError(f"{folder.name} is {kind_of(folder)}, expected a folder (or an archive) with {wanted}")
    paths = [folder / name for name in TRUTH_FILES]
    for path in paths:
        if not path.is_file():
            raise FormatError(f"{path.name} is missing in {folder.name}; the truth is a folder with {wanted}")
    with ThreadPoolExecutor(1) as pool:  # hashing runs beside the walk
        digest = pool.submit(sha256_of, paths)
        (xyz,), (verts,) = (index_frames(path, [path.stem], wrapped=False) for path in paths)
        return MeshFrames(folder.name, xyz, verts, digest.result())


def open_prediction(path: Path, name: str) -> MeshFrames:
    """A `pred.json`, already out of its archive; `name` is what messages call it."""
    with ThreadPoolExecutor(1) as pool:
        digest = pool.submit(sha256_of, [path])
        xyz, verts = index_frames(path, ["xyz", "verts"], wrapped=True, name=name)
        return MeshFrames(name, xyz, verts, digest.result())
