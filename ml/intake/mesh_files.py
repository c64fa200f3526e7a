"""A zip of one OBJ or PLY file a frame and hand: the mesh as other programs write it, of any topology.

The last number in a name is the frame, `left` or `right` in it the side: `000012_right.obj`, `frame-12-left.ply`. All files
have the same vertices and faces in the same order. Where the hands are behind the camera (z < 0), axes are taken as OpenGL's
(x right, y up), as in our own exports; else as OpenCV's. Joints are in `joints.npy` [files, 21, 3], in the order of the names
and in the same axes; without it they come from the regressor of an installed hand model that has as many vertices.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np

from ml.formats.faults import FormatError
from ml.formats.npz import read_array
from ml.formats.orders import Axes, to_opencv
from ml.formats.prediction import PredictionArrays
from ml.formats.spill import spilled
from ml.formats.truth_archive import unpack_truth
from ml.hand.arrays import HandArrays
from ml.hand.skeleton import MANO_TO_OPENPOSE, SIDES, Side
from ml.intake.clip_facts import RawRows
from ml.keypoints.track_matching import tracks_over_time

MAX_FILE_BYTES: Final = 32 << 20
MAX_VERTICES: Final = 50_000
_FRAME: Final = re.compile(r"(\d{1,9})\D*$")
_SIDE: Final = re.compile(r"(?<![a-z])(left|right)(?![a-z])", re.IGNORECASE)
_JOINTS: Final = "joints.npy"


@dataclass(frozen=True)
class _Mesh:
    frame: int
    side: Side
    vertices: np.ndarray
    faces: np.ndarray


def read_meshes(path: Path, called: str, side: Side) -> RawRows:
    """One row a file.

    Args:
        path: the zip.
        called: what messages call it.
        side: of hands whose file's name does not say.
    """
    with TemporaryDirectory(prefix="palmares-") as name:
        folder = Path(name)
        unpack_truth(path, folder, called)
        files = sorted(file for file in folder.iterdir() if file.suffix.lower() in (".obj", ".ply"))
        if not files:
            raise FormatError(f"{called} holds no .obj or .ply, expected one a frame and hand, such as `000012_right.obj`")
        meshes = [_mesh(file, called, side) for file in files]
        given = _joints(folder / _JOINTS, len(files), called)
    first = meshes[0]
    for file, mesh in zip(files, meshes, strict=True):
        if mesh.vertices.shape != first.vertices.shape:
            counts = f"{len(mesh.vertices)} vertices, and `{files[0].name}` {len(first.vertices)}"
            raise FormatError(f"`{file.name}` in {called} has {counts}: expected the same mesh in all files")
    vertices = spilled((len(meshes), *first.vertices.shape))
    for row, mesh in enumerate(meshes):
        vertices[row] = mesh.vertices
    sides = np.array([SIDES.index(mesh.side) for mesh in meshes], np.uint8)
    axes: Axes = "opengl" if np.median(vertices[..., 2]) < 0 else "opencv"
    vertices = to_opencv(vertices, axes)
    joints = to_opencv(given, axes) if given is not None else _regressed(vertices, sides, called)
    frame = np.array([mesh.frame for mesh in meshes], np.int32)
    rows = PredictionArrays(
        frame=frame,
        side=sides,
        track=tracks_over_time(frame, sides, joints),
        score=np.ones(len(meshes), np.float32),
        joints=joints.astype(np.float32),
        vertices=vertices,
        faces=first.faces if len(first.faces) else None,
    )
    notes = () if given is not None else ("joints were computed from the meshes by the hand model's regressor",)
    return RawRows(rows, notes, side_is_assumed=not all(_SIDE.search(file.name) for file in files))


def _mesh(file: Path, called: str, side: Side) -> _Mesh:
    shown = f"`{file.name}` in {called}"
    if not (number := _FRAME.search(file.stem)):
        raise FormatError(f"the name of {shown} holds no number, expected the frame, such as `000012_right.obj`")
    if file.stat().st_size > MAX_FILE_BYTES:
        raise FormatError(f"{shown} has {file.stat().st_size >> 20} MB, at most {MAX_FILE_BYTES >> 20} are read")
    try:
        vertices, faces = _read_obj(file) if file.suffix.lower() == ".obj" else _read_ply(file)
    except (ValueError, KeyError, IndexError, TypeError, UnicodeError) as error:
        raise FormatError(f"{shown} cannot be read: {str(error)[:200]}") from error
    if vertices.ndim != 2 or vertices.shape[1:] != (3,) or not 0 < len(vertices) <= MAX_VERTICES:
        raise FormatError(f"{shown} has {len(vertices)} vertices, expected 1 to {MAX_VERTICES} of x, y, z")
    if len(faces) and not 0 <= faces.min() <= faces.max() < len(vertices):
        raise FormatError(f"a face of {shown} names vertex {faces.max() + 1}, expected 1 to {len(vertices)}")
    found = _SIDE.search(file.name)
    return _Mesh(int(number[1]), found[1].lower() if found else side, vertices, faces)  # type: ignore[arg-type]


def _read_obj(file: Path) -> tuple[np.ndarray, np.ndarray]:
    """Vertices and triangles of the lines `v` and `f`; polygons become fans."""
    vertices: list[list[float]] = []
    faces: list[list[int]] = []
    for number, line in enumerate(file.read_text("utf-8").splitlines(), 1):
        kind, *fields = line.split()[:12] or [""]
        if kind == "v":
            if len(fields) < 3:
                raise ValueError(f"line {number} has {len(fields)} coordinates, expected x, y, z")
            vertices.append([float(field) for field in fields[:3]])
        elif kind == "f":
            corners = [int(field.partition("/")[0]) for field in fields]
            corners = [corner - 1 if corner > 0 else len(vertices) + corner for corner in corners]
            if len(corners) < 3:
                raise ValueError(f"line {number} has {len(corners)} corners, expected three or more")
            faces += [[corners[0], corners[k], corners[k + 1]] for k in range(1, len(corners) - 1)]
    return np.array(vertices, np.float32).reshape(-1, 3), np.array(faces, np.int32).reshape(-1, 3)


def _read_ply(file: Path) -> tuple[np.ndarray, np.ndarray]:
    from trimesh.exchange.ply import load_ply  # noqa: PLC0415 - only where there are such files

    with file.open("rb") as stream:
        loaded: dict[str, Any] = load_ply(stream, fix_texture=False)
    vertices = np.asarray(loaded["vertices"], np.float32)
    faces = loaded.get("faces")
    return vertices, np.zeros((0, 3), np.int32) if faces is None else np.asarray(faces, np.int32).reshape(-1, 3)


def _joints(file: Path, count: int, called: str) -> np.ndarray | None:
    if not file.exists():
        return None
    try:
        with file.open("rb") as stream:
            joints = read_array(stream, file.stat().st_size, _JOINTS)
    except FormatError as error:
        raise FormatError(f"{called} holds no plain array of joints: {str(error)[:200]}") from error
    if joints.shape != (count, 21, 3) or joints.dtype.kind != "f":
        found = f"{joints.dtype} {list(joints.shape)}"
        raise FormatError(f"`{_JOINTS}` in {called} is {found}, expected floats [{count}, 21, 3]: a row for each mesh, by name")
    return joints


def _regressed(vertices: np.ndarray, sides: np.ndarray, called: str) -> np.ndarray:
    from ml.intake.topology import installed_model  # noqa: PLC0415 - reads hand models

    joints = np.empty((len(vertices), 21, 3))
    for number in np.unique(sides):
        model: HandArrays | None = installed_model(vertices.shape[1], SIDES[number])
        if model is None:
            raise FormatError(
                f"{called} holds meshes of {vertices.shape[1]} vertices, of no hand model that is installed here, so their "
                f"joints are not known: add `{_JOINTS}` [{len(vertices)}, 21, 3]"
            )
        own = vertices[sides == number].astype(np.float64)
        tips = own[:, list(next(iter(model.tip_sets.values())))]
        inner = np.einsum("jv,nvx->njx", model.regressor, own)
        joints[sides == number] = np.concatenate([inner, tips], 1)[:, list(MANO_TO_OPENPOSE)]
    return joints
