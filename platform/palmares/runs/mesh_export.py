"""One frame of a prediction as a mesh file. Only that frame's rows are read."""

from __future__ import annotations

import gzip
import json
import zipfile
from typing import IO, Any, Final

import numpy as np

from palmares.api.problems import NotFoundError
from palmares.runs.method_names import colour_of
from palmares.stored_object import open_seekable, read_object

FORMATS: Final = {"glb": "model/gltf-binary", "obj": "model/obj", "ply": "application/octet-stream"}
_SIDES: Final = ("left", "right")
_LOCAL_HEADER: Final = 30
_FROM_CAMERA: Final = np.diag([1.0, -1.0, -1.0])
"""From the axes of OpenCV's camera frame (x right, y down, z away) to those of the files (y up, z towards the camera)."""
AXES: Final = "metres; x right, y up, z towards the camera, which is at the origin; OpenCV's camera frame is (x, -y, -z)"
"""Said in every file."""
_LIGHTER: Final = 0.35
"""How far a left hand's colour goes towards white, so that the two hands differ."""


def frame_meshes(*, folder: str, method: str, frame: int, extension: str) -> bytes:
    """The hands of one frame as a GLB, OBJ or PLY file, in the method's colour, left hands lighter.

    All three have the same axes, and say so: `AXES`.

    Args:
        folder: storage prefix of the prediction.
        method: gives the colour.
        frame: index of the video frame.
        extension: `glb`, `obj` or `ply`.

    Raises:
        NotFoundError: no hand in that frame, or a prediction without vertices.
    """
    import trimesh  # noqa: PLC0415 - the web starts without it

    header = json.loads(_read(f"{folder}/track.json"))
    with open_seekable(f"{folder}/prediction.npz") as source, zipfile.ZipFile(source) as archive:
        rows = np.flatnonzero(read_member(source, archive, "frame") == frame)
        if not rows.size:
            raise NotFoundError(f"No hand was found in frame {frame}.")
        sides, tracks = (read_member(source, archive, name)[rows] for name in ("side", "track"))
        vertices = np.stack([read_member(source, archive, "vertices", row=int(row)) for row in rows])
    scene = trimesh.Scene()
    for side, track, points in zip(sides.tolist(), tracks.tolist(), vertices, strict=True):
        faces = _faces(folder, header, _SIDES[side])
        mesh = trimesh.Trimesh(points @ _FROM_CAMERA, faces, process=False)
        mesh.visual = trimesh.visual.ColorVisuals(mesh, vertex_colors=np.tile(_colour(method, side), (len(points), 1)))
        scene.add_geometry(mesh, node_name=f"{_SIDES[side]}-{track}", geom_name=f"{_SIDES[side]}-{track}")
    return _export(scene, extension)


def _export(scene: Any, extension: str) -> bytes:
    """A trimesh scene as a file that names its axes: in `asset.extras` of a GLB, else in a comment."""
    if extension == "glb":
        return bytes(scene.export(file_type="glb", tree_postprocessor=lambda tree: tree["asset"].update(extras={"axes": AXES})))
    if extension == "obj":
        return str(scene.to_mesh().export(file_type="obj", header=AXES)).encode()
    magic, layout, rest = bytes(scene.to_mesh().export(file_type="ply")).split(b"\n", 2)
    return b"\n".join([magic, layout, b"comment " + AXES.encode(), rest])


def read_member(source: IO[bytes], archive: zipfile.ZipFile, name: str, *, row: int | None = None) -> np.ndarray:
    """An array of a `.npz` of our own making, or one row of it, read in place when it is stored uncompressed.

    Raises:
        NotFoundError: there is no such array.
    """
    try:
        info = archive.getinfo(f"{name}.npy")
    except KeyError as error:
        raise NotFoundError(f"This prediction has no {name}.") from error
    if info.compress_type == zipfile.ZIP_STORED:
        source.seek(info.header_offset + 26)
        sizes = source.read(4)
        source.seek(
            info.header_offset + _LOCAL_HEADER + int.from_bytes(sizes[:2], "little") + int.from_bytes(sizes[2:], "little")
        )
        return _read_array(source, row)
    with archive.open(info) as member:
        return _read_array(member, row)


def _read_array(stream: IO[bytes], row: int | None) -> np.ndarray:
    layout: Any = np.lib.format
    version = layout.read_magic(stream)
    shape, fortran, dtype = (layout.read_array_header_1_0 if version == (1, 0) else layout.read_array_header_2_0)(stream)
    if fortran or dtype.hasobject:
        raise ValueError("expected plain arrays in C order")
    if row is not None:
        shape = shape[1:]
        stream.seek(row * int(np.prod(shape)) * dtype.itemsize, 1)
    return np.frombuffer(stream.read(int(np.prod(shape)) * dtype.itemsize), dtype).reshape(shape)


def _faces(folder: str, header: dict[str, Any], side: str) -> np.ndarray:
    for hand in header["hands"]:
        if hand["side"] == side and hand["faces"]:
            data = gzip.decompress(_read(f"{folder}/track/{hand['faces']['file']}"))
            return np.frombuffer(data, np.dtype(hand["faces"]["type"]).newbyteorder("<")).reshape(-1, 3).astype(np.int64)
    raise NotFoundError(f"This prediction has no faces for {side} hands.")


def _read(key: str) -> bytes:
    try:
        return read_object(key)
    except FileNotFoundError as error:
        raise NotFoundError("The files of this prediction do not exist any more.") from error


def _colour(method: str, side: int) -> np.ndarray:
    text = colour_of(method)
    rgb = np.array([int(text[i : i + 2], 16) for i in (1, 3, 5)], np.float64)
    lighter = rgb + (255 - rgb) * _LIGHTER if side == 0 else rgb
    return np.array([*lighter.round(), 255], np.uint8)
