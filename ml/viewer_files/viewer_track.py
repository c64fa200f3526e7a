"""The *track*: the meshes of one prediction as the viewer takes them, quantised and in chunks.

A folder of `track.json` (the header) and `track/<hash>.bin`, each named by the SHA-256 of its own bytes, so that a
file under a name never changes and may be cached for ever. Every `.bin` is one gzip stream. Six kinds:

- *faces* of one hand: `count` × 3 vertex numbers, little-endian `uint16` or `uint32`; `null` without a mesh.
- *joints* of one hand, all rows: float32 [rows, 21, 3] to the bit, metres; the bits of each row but the first are stored as
  the difference to the row before it, modulo 2³²; then the four bytes of the numbers apart, lowest first.
- *certainty* of the joints of one hand, where the prediction tells it: uint8 [rows, 21], the standard deviation of each joint
  in half millimetres (255: that or more), then uint8 [rows, 21], 1 for joints that were seen; in both, each row but the first
  is stored as the difference to the row before it, modulo 2⁸.
- *skin* of one hand, where the model's is known: for each vertex four numbers of joints (uint8, OpenPose order of 21),
  all vertices, then their four weights (uint8, in 255ths).
- a *model* of one hand, where its meshes are the open hand's in the pose and shape that the prediction holds
  (`ml/viewer_files/posed_hands.py`): what the viewer needs to pose the meshes itself.
- a *chunk*: the rows (frames in which it was seen) of one hand in a stretch of `CHUNK_FRAMES` frames. Of a hand with a model
  these are its 61 parameters, packed as joints are. Of others they are positions: int16, −32767 … 32767 across the one box of
  the run; each row but the chunk's first is stored as the difference to the row before it, modulo 2¹⁶; then all low bytes,
  then all high bytes. A chunk is decoded without any other.

    position = centre + quantised · (box.max − box.min) / 65534, so the error is at most half a step

With the open hand's 1620 vertices that is 4-8 kB a frame and hand, where float32 takes 19.4 kB and parameters 0.2 kB. A
prediction without vertices is a track of joints alone: `vertex_count` is 0 and there are no chunks. The other side of this
format is `frontend/viewer/viewer-track.ts`; `tests/ml/viewer_files/test_viewer_track.py` and
`frontend/viewer/viewer-track.test.ts` read the same fixture, `tests/ml/viewer_files/test_posed_hands.py` and
`frontend/viewer/posed-hand.test.ts` that of posed hands.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np

from ml.formats.prediction import PredictionArrays, PredictionError
from ml.formats.spill import blocks, release
from ml.hand.camera import default_intrinsics
from ml.hand.open_model import load_open_hand
from ml.hand.skeleton import SIDES, Side
from ml.viewer_files.posed_hands import encode_model, parameters_of

VERSION = 2
"""1: no hand had a model."""
CHUNK_FRAMES = 60
"""Frames a chunk spans: two seconds at 30 frames/s, some 250 kB for one hand."""
_LIMIT = 32767
_INFLUENCES = 4


def write_track(
    prediction: PredictionArrays,
    faces: Mapping[Side, np.ndarray],
    folder: Path,
    *,
    skin: Mapping[Side, np.ndarray] | None = None,
) -> None:
    """Write `track.json` and `track/*.bin` of a prediction into `folder`; without vertices, its joints alone.

    Args:
        prediction: rows in any order; its `meta` gives `fps` and `frame_count`, `width`, `height` where known.
        faces: int [F, 3] for each side that occurs, vertex numbers of `prediction.vertices`; unused without vertices.
        folder: made if absent; files of the same name are replaced.
        skin: float [V, 21] for sides of a known hand model: how far each joint (OpenPose order) moves each vertex.

    Raises:
        PredictionError: no frame rate, a vertex that is not finite, a frame twice for one hand, a frame outside the clip, or
            no faces for a side that occurs.
    """
    vertices = _finite_vertices(prediction)
    fps = float(prediction.meta.get("fps") or 0.0)
    if fps <= 0:
        raise PredictionError("`meta` has no `fps`, which the viewer's clock needs: expected frames per second, above 0")
    frame_count = int(prediction.meta.get("frame_count") or (prediction.frame.max() + 1 if len(prediction) else 0))
    if len(prediction) and not 0 <= prediction.frame.min() <= prediction.frame.max() < frame_count:
        raise PredictionError(
            f"`frame` goes from {prediction.frame.min()} to {prediction.frame.max()}, expected 0 … {frame_count - 1}"
        )
    (folder / "track").mkdir(parents=True, exist_ok=True)
    low, high = _box(prediction.joints if vertices is None else vertices)
    hands = []
    for track, side in sorted(set(zip(prediction.track.tolist(), prediction.side.tolist(), strict=True))):
        rows = np.flatnonzero((prediction.track == track) & (prediction.side == side))
        rows = rows[np.argsort(prediction.frame[rows], kind="stable")]
        frames = _once_each(prediction.frame[rows], f"hand {track} ({SIDES[side]})")
        entry: dict[str, Any] = {"track": track, "side": SIDES[side], "present": _ranges(frames)}
        entry["joints"] = _entry(_encode_floats(prediction.joints[rows]), folder)
        if prediction.joint_std is not None or prediction.visible is not None:
            entry["certainty"] = _entry(_encode_certainty(prediction, rows), folder)
        entry |= {"vertex_count": 0, "faces": None, "chunks": []}
        if vertices is not None:
            entry["vertex_count"] = vertices.shape[1]
            entry["faces"] = _write_faces(faces, SIDES[side], vertices.shape[1], folder)
            entry |= _write_meshes(prediction, frames, rows, (low, high), folder)
        if vertices is not None and skin and SIDES[side] in skin:
            entry["skin"] = _entry(_encode_skin(skin[SIDES[side]]), folder)
        hands.append(entry)
    header = {
        "version": VERSION,
        "fps": fps,
        "frame_count": frame_count,
        **_image(prediction),
        "method": prediction.meta.get("method", ""),
        "hand_model": prediction.meta.get("hand_model", ""),
        "unit": "m",
        "box": {"min": low.tolist(), "max": high.tolist()},
        "chunk_frames": CHUNK_FRAMES,
        "hands": hands,
    }
    (folder / "track.json").write_text(json.dumps(header, separators=(",", ":")), encoding="utf-8")


def _once_each(frames: np.ndarray, hand: str) -> np.ndarray:
    """Sorted frames, none of which may occur twice."""
    if (repeated := frames[1:][np.diff(frames) == 0]).size:
        raise PredictionError(f"frame {repeated[0]} occurs twice for {hand}; expected one row a frame and hand")
    return frames


def _finite_vertices(prediction: PredictionArrays) -> np.ndarray | None:
    if prediction.vertices is None:
        return None
    finite = np.concatenate(
        [np.isfinite(block).all(axis=(1, 2)) for block in blocks(prediction.vertices)] or [np.ones(0, bool)]
    )
    if not finite.all():
        row = int(np.argmin(finite))
        raise PredictionError(f"frame {prediction.frame[row]} (row {row}) of `vertices` holds a number that is not finite")
    return prediction.vertices


def _box(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Corners [3], [3] (float64, m) around all points; no side has length 0, so nothing is divided by it."""
    if not points.size:
        return np.zeros(3), np.ones(3)
    ends = [(np.nanmin(block, (0, 1)), np.nanmax(block, (0, 1))) for block in blocks(points)]
    low, high = np.min([e[0] for e in ends], 0).astype(np.float64), np.max([e[1] for e in ends], 0).astype(np.float64)
    return low, np.maximum(high, low + 1e-6)


def _quantise(vertices: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Positions [n, V, 3] (m) as int16 across the box."""
    scaled = (vertices - (low + high) / 2) * (2 * _LIMIT / (high - low))
    quantised: np.ndarray = np.clip(np.rint(scaled), -_LIMIT, _LIMIT).astype(np.int16)
    return quantised


def _write_meshes(
    prediction: PredictionArrays, frames: np.ndarray, rows: np.ndarray, box: tuple[np.ndarray, np.ndarray], folder: Path
) -> dict[str, Any]:
    """Chunks of one hand's parameters and the model they are of, else of its positions: entries of the header."""
    side = SIDES[prediction.side[rows[0]]]
    parameters = parameters_of(prediction, rows, side)
    if parameters is not None:
        model, steps = encode_model(load_open_hand("right"))
        entry = {**_entry(model, folder), "steps": steps, "mirrored": side == "left"}
        return {"model": entry, "chunks": list(_write_chunks(frames, lambda own: _encode_floats(parameters[own]), folder))}

    def positions(own: np.ndarray) -> bytes:
        vertices = cast(np.ndarray, prediction.vertices)
        data = _encode(_quantise(vertices[rows[own]], *box))
        release(vertices)
        return data

    return {"chunks": list(_write_chunks(frames, positions, folder))}


def _write_chunks(frames: np.ndarray, encode: Callable[[np.ndarray], bytes], folder: Path) -> Iterator[dict[str, Any]]:
    """Write a hand's rows, which are those of `frames`, stretch by stretch: `encode` makes the bytes of some of them."""
    for first in np.unique(frames // CHUNK_FRAMES) * CHUNK_FRAMES:
        own = np.flatnonzero((frames >= first) & (frames < first + CHUNK_FRAMES))
        name, size = _write(encode(own), folder)
        yield {"first": int(first), "count": CHUNK_FRAMES, "rows": len(own), "file": name, "bytes": size}


def _encode(rows: np.ndarray) -> bytes:
    """int16 [n, V, 3] → differences in time, low bytes, then high bytes."""
    unsigned = np.ascontiguousarray(rows).view(np.uint16).copy()
    unsigned[1:] -= unsigned[:-1].copy()
    return (unsigned & 0xFF).astype(np.uint8).tobytes() + (unsigned >> 8).astype(np.uint8).tobytes()


def _encode_floats(rows: np.ndarray) -> bytes:
    """float32 [n, …] → differences in time of the bits, the four bytes of the numbers apart."""
    bits = np.ascontiguousarray(rows, dtype="<f4").view("<u4").copy()
    bits[1:] -= bits[:-1].copy()
    planes: np.ndarray = np.moveaxis(bits[..., None].view(np.uint8), -1, 0)
    return planes.tobytes()


def _encode_certainty(prediction: PredictionArrays, rows: np.ndarray) -> bytes:
    """Standard deviations and visibility of some rows; missing ones are 0 and visible."""
    std = np.zeros((len(rows), 21)) if prediction.joint_std is None else prediction.joint_std[rows]
    seen = np.ones((len(rows), 21), np.uint8) if prediction.visible is None else prediction.visible[rows] > 0
    halves = np.rint(np.nan_to_num(std, nan=1.0, posinf=1.0) * 2000).clip(0, 255)
    planes: np.ndarray = np.stack([halves, seen]).astype(np.uint8)
    planes[:, 1:] -= planes[:, :-1].copy()
    data: bytes = planes.tobytes()
    return data


def _encode_skin(weights: np.ndarray) -> bytes:
    """Weights [V, 21] → the four largest of each vertex: joint numbers, then weights in 255ths that sum to 255."""
    largest = np.argsort(-weights, axis=1, kind="stable")[:, :_INFLUENCES]
    kept = np.take_along_axis(weights, largest, 1)
    parts = np.floor(255 * kept / kept.sum(1, keepdims=True)).astype(np.int64)
    parts[:, 0] += 255 - parts.sum(1)
    packed: bytes = largest.astype(np.uint8).tobytes() + parts.astype(np.uint8).tobytes()
    return packed


def _entry(data: bytes, folder: Path) -> dict[str, Any]:
    name, size = _write(data, folder)
    return {"file": name, "bytes": size}


def _write_faces(faces: Mapping[Side, np.ndarray], side: Side, vertex_count: int, folder: Path) -> dict[str, Any]:
    if side not in faces:
        raise PredictionError(f"no faces for the {side} hand, which occurs in the prediction")
    indices = np.asarray(faces[side])
    if indices.size and not 0 <= indices.min() <= indices.max() < vertex_count:
        raise PredictionError(
            f"faces of the {side} hand name vertices {indices.min()} … {indices.max()}, expected 0 … {vertex_count - 1}"
        )
    dtype = "uint16" if vertex_count <= 1 << 16 else "uint32"
    name, _ = _write(indices.astype(np.dtype(dtype).newbyteorder("<")).tobytes(), folder)
    return {"file": name, "count": len(indices), "type": dtype}


def _write(data: bytes, folder: Path) -> tuple[str, int]:
    packed = gzip.compress(data, compresslevel=6, mtime=0)
    name = f"{hashlib.sha256(packed).hexdigest()[:32]}.bin"
    (folder / "track" / name).write_bytes(packed)
    return name, len(packed)


def _ranges(frames: np.ndarray) -> list[list[int]]:
    """Ascending frames as inclusive ranges: 3 4 5 9 → [[3, 5], [9, 9]]."""
    pieces = np.split(frames, np.flatnonzero(np.diff(frames) > 1) + 1)
    return [[int(piece[0]), int(piece[-1])] for piece in pieces]


def _image(prediction: PredictionArrays) -> dict[str, Any]:
    """Width, height (px) and intrinsics (9 numbers, row by row, px) of the images the meshes lie over."""
    width, height = int(prediction.meta.get("width") or 0), int(prediction.meta.get("height") or 0)
    if prediction.intrinsics is not None:
        matrix = prediction.intrinsics
        # Without a size, the image is taken to be centred on the optical axis.
        width, height = width or round(2 * float(matrix[0, 2])), height or round(2 * float(matrix[1, 2]))
    else:
        width, height = width or 640, height or 480
        matrix = default_intrinsics(width, height)
    return {"width": width, "height": height, "intrinsics": [float(x) for x in matrix.reshape(-1)]}
