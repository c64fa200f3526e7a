"""A small valid prediction file for each protocol: two frames of one right hand, to be filled with one's own values."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Final

import numpy as np

_REST_MM: Final = (
    (90, 3, -2), (55, -16, 26), (32, -31, 43), (8, -41, 64), (-5, -48, 83), (3, -5, 21), (-41, -8, 20), (-65, -10, 19),
    (-87, -8, 16), (0, 0, 0), (-46, -4, -4), (-73, -7, -7), (-97, -4, -11), (7, -4, -19), (-34, -8, -28), (-59, -11, -34),
    (-82, -11, -39), (17, -11, -36), (-16, -15, -43), (-34, -18, -50), (-55, -19, -55),
)  # fmt: skip
"""A right hand at rest, OpenPose joint order: wrist, then thumb to pinky, base to tip."""
_PARENTS: Final = (0, 0, 1, 2, 3, 0, 5, 6, 7, 0, 9, 10, 11, 0, 13, 14, 15, 0, 17, 18, 19)
_FROM_OPENPOSE: Final = {
    "ho3d": (0, 5, 6, 7, 9, 10, 11, 17, 18, 19, 13, 14, 15, 1, 2, 3, 4, 8, 12, 16, 20),
    "rhd": (0, 4, 3, 2, 1, 8, 7, 6, 5, 12, 11, 10, 9, 16, 15, 14, 13, 20, 19, 18, 17),
    "stb": (0, 17, 18, 19, 20, 13, 14, 15, 16, 9, 10, 11, 12, 5, 6, 7, 8, 1, 2, 3, 4),
}
"""For each place of a data set's joint order, the joint in OpenPose order."""
VERTICES: Final = 778


def template(protocol: str) -> tuple[str, bytes]:
    """File name and content of the template of a protocol (a name in `ml.catalog.PROTOCOLS`).

    Raises:
        KeyError: there is no such protocol.
    """
    joints = _joints()
    if protocol in ("freihand", "ho3d-v2", "ho3d-v3"):
        return "pred.zip", _meshes_json(joints, opengl=protocol != "freihand")
    if protocol == "dexycb":
        rows = (",".join([str(n), *(f"{v:.3f}" for v in 1000 * frame.ravel())]) for n, frame in enumerate(joints))
        return "predictions.txt", ("\n".join(rows) + "\n").encode()
    if protocol in ("rhd", "stb", "do", "ed"):
        order = list(_FROM_OPENPOSE.get(protocol, range(21)))
        content = {"unit": "m", "joints": joints[:, order].round(4).tolist()}
        return "predictions.json", json.dumps(content).encode()
    if protocol == "palmares":
        return "prediction.npz", _npz(joints)
    raise KeyError(protocol)


def _joints() -> np.ndarray:
    """[2, 21, 3] metres, OpenCV camera (x right, y down, z forward): half a metre away, moving 5 mm to the right."""
    rest = np.array(_REST_MM, np.float64) / 1000
    return np.stack([rest + np.array([shift, 0, 0.5]) for shift in (0.0, 0.005)])


def _vertices(joints: np.ndarray) -> np.ndarray:
    """[2, 778, 3]: points along the bones, where a method's mesh goes."""
    share = np.linspace(0, 1, VERTICES // 20 + 1)[None, None, :, None]
    parents = joints[:, list(_PARENTS[1:]), None]
    points = parents + share * (joints[:, 1:, None] - parents)
    return np.asarray(points.reshape(len(joints), -1, 3)[:, :VERTICES])


def _meshes_json(joints: np.ndarray, *, opengl: bool) -> bytes:
    """`pred.json` in a ZIP: [joints, vertices]; HO3D's order and OpenGL camera where `opengl`."""
    points = [joints, _vertices(joints)]
    if opengl:
        points = [p * (1, -1, -1) for p in (joints[:, list(_FROM_OPENPOSE["ho3d"])], points[1])]
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("pred.json", json.dumps([p.round(4).tolist() for p in points]))
    return sink.getvalue()


def _npz(joints: np.ndarray) -> bytes:
    sink = io.BytesIO()
    np.savez_compressed(
        sink,
        frame=np.arange(2, dtype=np.int32),
        side=np.ones(2, np.uint8),
        track=np.zeros(2, np.int32),
        score=np.ones(2, np.float32),
        joints=joints.astype(np.float32),
        meta=np.array(json.dumps({"fps": 30.0, "frame_count": 2})),
    )
    return sink.getvalue()
