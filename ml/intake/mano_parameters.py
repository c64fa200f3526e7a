"""MANO parameters as HaMeR and WiLoR put them out, in a `.npz` of plain arrays (`docs/external-methods.md` has the converter).

N rows, one per frame and hand:

======================  =========================================  ================================================
`frame`                 [N] whole numbers                          index of the video frame
`is_right`              [N] 0 or 1
`global_orient`         [N, 3] axis-angle, or [N, 3, 3]            of the right hand, or a left hand's mirror image
`hand_pose`             [N, 15, 3], [N, 45], or [N, 15, 3, 3]      likewise, MANO's order
`betas`                 [N, 10]
`cam_t`                 [N, 3] metres                              added to joints and vertices (`pred_cam_t_full`)
`focal_length`          one number or [N], px                      that `cam_t` belongs to
`image_size` (opt.)     [2] px                                     width and height it is in; the clip's if absent
`joints` (optional)     [N, 21, 3] metres, OpenPose order          before `cam_t`; then MANO itself is not needed
`vertices` (optional)   [N, 778, 3] metres                         before `cam_t`
`track`, `score`        [N] (optional)
======================  =========================================  ================================================

A left hand is the mirror image of a right one: x of its joints and vertices has been negated in `joints` and `vertices`, as in
`pred_vertices` after HaMeR's demo, and is negated here where MANO computes them. Source: Pavlakos et al., *Reconstructing
Hands in 3D with Transformers*, CVPR 2024; Potamias et al., *WiLoR*, CVPR 2025.
"""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Final

import numpy as np

from ml.formats.faults import FormatError
from ml.formats.npz import open_npz, read_member
from ml.formats.prediction import PredictionArrays, PredictionError
from ml.hand.camera import project
from ml.hand.licensed import LicensedModelError
from ml.intake.clip_facts import ClipFacts, RawRows
from ml.keypoints.track_matching import tracks_over_time

MAX_BYTES: Final = 2 << 30
MANO_VERTICES: Final = 778
_NEEDED: Final = ("frame", "is_right", "cam_t", "focal_length")
_PARAMETERS: Final = ("global_orient", "hand_pose", "betas")
_OTHERS: Final = ("image_size", "joints", "vertices", "track", "score")
_BLOCK: Final = 256


def read_parameters(path: Path, called: str, clip: ClipFacts) -> RawRows:
    """Joints and meshes in the clip's camera: where the file's focal length is another one, depths are scaled by the ratio.

    Raises:
        FormatError: the file is not as above, or holds neither joints nor is MANO installed here.
    """
    try:
        with open_npz(path, max_bytes=MAX_BYTES, name=called) as archive:
            arrays = _arrays(archive, called)
    except FormatError as error:
        text = str(error)
        raise FormatError(text if called in text else f"{called}: {text}") from error
    count = len(arrays["frame"])
    joints, vertices = _posed(arrays, count, called)
    shift, note = _in_camera(arrays, clip, count)
    joints = (joints + shift[:, None]).astype(np.float32)
    side = (arrays["is_right"] > 0).astype(np.uint8)
    frame = arrays["frame"]
    track = arrays.get("track")
    try:
        rows = PredictionArrays(
            frame=frame,
            side=side,
            track=tracks_over_time(frame, side, joints) if track is None else track,
            score=arrays.get("score", np.ones(count, np.float32)),
            joints=joints,
            vertices=None if vertices is None else (vertices + shift[:, None]).astype(np.float32),
            betas=arrays.get("betas"),
            meta={"hand_model": "mano"},
        )
    except PredictionError as error:
        raise FormatError(f"{called}: {error}") from error
    return RawRows(rows, (note,) if note else ())


def _arrays(archive: zipfile.ZipFile, called: str) -> dict[str, np.ndarray]:
    held = {name.removesuffix(".npy") for name in archive.namelist()}
    known = (*_NEEDED, *_PARAMETERS, *_OTHERS)
    if unknown := sorted(held - set(known)):
        raise FormatError(f"{called} holds `{unknown[0][:40]}`, which is not known; expected {', '.join(known)}")
    arrays = {name: read_member(archive, name) for name in known if name in held or name in _NEEDED}
    count = arrays["frame"].shape[0] if arrays["frame"].ndim == 1 else -1
    shapes: dict[str, tuple[tuple[int, ...], ...]] = {
        "frame": ((count,),), "is_right": ((count,),), "cam_t": ((count, 3),), "focal_length": ((), (1,), (count,)),
        "global_orient": ((count, 3), (count, 9), (count, 1, 3), (count, 3, 3), (count, 1, 3, 3)),
        "hand_pose": ((count, 15, 3), (count, 45), (count, 135), (count, 15, 3, 3)),
        "betas": ((count, 10),), "image_size": ((2,),),
        "joints": ((count, 21, 3),), "vertices": ((count, MANO_VERTICES, 3),), "track": ((count,),), "score": ((count,),),
    }  # fmt: skip
    for name, array in arrays.items():
        if count < 0 or array.shape not in shapes[name] or array.dtype.kind not in "fiub":
            expected = " or ".join(str(list(shape)) for shape in shapes[name]).replace("-1", "N")
            raise FormatError(f"{called}: `{name}` is {array.dtype} {list(array.shape)}, expected numbers {expected}")
        if name in ("frame", "track") and array.dtype.kind == "f":
            raise FormatError(f"{called}: `{name}` holds {array.dtype}, expected whole numbers")
        if not np.isfinite(array.astype(np.float64)).all():
            raise FormatError(f"{called}: `{name}` holds NaN or infinite numbers; leave out hands that are not found")
    if not (np.asarray(arrays["focal_length"], np.float64) > 0).all():
        raise FormatError(f"{called}: `focal_length` holds numbers that are not above 0, expected pixels")
    return arrays


def _posed(arrays: dict[str, np.ndarray], count: int, called: str) -> tuple[np.ndarray, np.ndarray | None]:
    """Joints [N, 21, 3], and vertices [N, 778, 3] where they are known, before `cam_t`."""
    if "joints" in arrays:
        vertices = arrays.get("vertices")
        return arrays["joints"].astype(np.float64), None if vertices is None else vertices.astype(np.float64)
    if missing := [name for name in _PARAMETERS if name not in arrays]:
        raise FormatError(f"{called} lacks `{missing[0]}`, expected {', '.join(_PARAMETERS)}, or `joints` [N, 21, 3]")
    import torch  # noqa: PLC0415 - not needed for files that hold joints

    from ml.hand.model import load_hand_model  # noqa: PLC0415

    try:
        model = load_hand_model("mano", "right")
    except LicensedModelError as error:
        raise FormatError(
            f"{called} holds MANO parameters alone, and MANO, which is licensed, is not installed on this server (MANO_DIR); "
            "send `joints` and `vertices` with them"
        ) from error
    rotations = [_rotations(arrays[name].reshape(count, -1)) for name in ("global_orient", "hand_pose")]
    matrices = torch.as_tensor(np.concatenate(rotations, 1), dtype=torch.float32)
    betas = torch.as_tensor(arrays["betas"], dtype=torch.float32)
    joints, vertices = np.empty((count, 21, 3)), np.empty((count, MANO_VERTICES, 3))
    with torch.no_grad():
        for first in range(0, count, _BLOCK):
            these = slice(first, min(first + _BLOCK, count))
            out = model(matrices[these], betas[these], torch.zeros(1, 3))
            joints[these], vertices[these] = out.joints.numpy(), out.vertices.numpy()
    mirror = np.where(arrays["is_right"] > 0, 1.0, -1.0)[:, None]
    joints[..., 0] *= mirror
    vertices[..., 0] *= mirror
    return joints, vertices


def _rotations(flat: np.ndarray) -> np.ndarray:
    """Matrices [N, K, 3, 3] of K axis-angle vectors [N, 3 K] or K matrices [N, 9 K]; K = 1 or 15."""
    from scipy.spatial.transform import Rotation  # noqa: PLC0415

    count, numbers = flat.shape
    if numbers in (9, 135):
        return flat.reshape(count, -1, 3, 3)
    matrices: np.ndarray = Rotation.from_rotvec(flat.reshape(-1, 3)).as_matrix().reshape(count, -1, 3, 3)
    return matrices


def _in_camera(arrays: dict[str, np.ndarray], clip: ClipFacts, count: int) -> tuple[np.ndarray, str]:
    """What is added to each hand [N, 3] so that it is seen at the same place by the clip's camera, and a note."""
    width, height = (arrays["image_size"] if "image_size" in arrays else np.array([clip.width, clip.height])).astype(np.float64)
    if not (width > 0 and height > 0):
        raise FormatError("`image_size` holds numbers that are not above 0, expected width and height in pixels")
    focal = np.broadcast_to(np.asarray(arrays["focal_length"], np.float64).reshape(-1), (count,)) * clip.width / width
    shift = arrays["cam_t"].astype(np.float64)
    if not (shift[:, 2] > 0).all():
        return shift, ""  # the check of axes says so
    camera = clip.camera.astype(np.float64)
    pixels = focal[:, None] * shift[:, :2] / shift[:, 2:] + np.array([clip.width / 2, clip.height / 2])
    depth = shift[:, 2] * camera[0, 0] / focal
    moved = np.concatenate([(pixels - camera[:2, 2]) / np.diag(camera)[:2] * depth[:, None], depth[:, None]], 1)
    assert np.allclose(project(moved, camera), pixels)
    if np.allclose(focal, camera[0, 0], rtol=0.01):
        return moved, ""
    used, own = f"{np.median(focal):.0f} px", f"{camera[0, 0]:.0f} px"
    return moved, f"depths were scaled from a focal length of {used} to the {own} of the upload's camera"
