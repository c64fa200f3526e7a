"""Whether an attached file belongs to its clip: frames, rate, numbers, units, axes; with a sentence for what does not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import numpy as np

from ml.formats.faults import FormatError
from ml.formats.frames import ArrayFrames, out_of_reach
from ml.formats.prediction import PredictionArrays
from ml.formats.spill import blocks
from ml.hand.camera import project
from ml.intake.clip_facts import ClipFacts, RawRows
from ml.metrics.preflight import Finding, check_prediction
from ml.metrics.protocol import PROTOCOLS

SPAN_MM: Final = (30.0, 500.0)
"""Largest distance between two joints of a hand, in its median: half of and twice what the smallest and largest hands have."""
MAX_TRACKS: Final = 200
_RATE_TOLERANCE: Final = 0.01
_PROTOCOL: Final = PROTOCOLS["palmares"]


def check_rows(raw: RawRows, clip: ClipFacts, called: str) -> list[Finding]:
    """What is worth saying of a file that can be used.

    Args:
        raw: what its reader gave.
        clip: that it is attached to.
        called: what messages call the file.

    Raises:
        FormatError: it cannot be used.
    """
    rows = raw.rows
    if not len(rows):
        raise FormatError(f"{called} holds no hand, expected at least one")
    _check_clip(rows, clip, called)
    _check_numbers(rows, called)
    _check_tracks(rows, called)
    given = ArrayFrames(called, rows.joints, vertices=rows.vertices)
    found = check_prediction(_PROTOCOL, given, sides=None if raw.side_is_assumed else rows.side)
    errors = [finding.message for finding in found if finding.level == "error"]
    if errors:
        raise FormatError(f"{called}: {errors[0]}")
    _check_size_and_place(rows.joints, called)
    found += [Finding("note", note, called) for note in raw.notes]
    return found + _check_image(rows, clip, called)


def _check_clip(rows: PredictionArrays, clip: ClipFacts, called: str) -> None:
    what = "the video has" if clip.is_video else "the set has"
    unit = "frames" if clip.is_video else "images"
    first, last = int(rows.frame.min()), int(rows.frame.max())
    if first < 0 or last >= clip.frame_count:
        wrong = first if first < 0 else last
        raise FormatError(
            f"{called}: `frame` {wrong}, but {what} {clip.frame_count} {unit}, expected 0 … {clip.frame_count - 1}"
        )
    stated = _number(rows.meta.get("frame_count"))
    if stated is not None and stated != clip.frame_count:
        raise FormatError(f"{called} was made for {stated:.0f} frames, but {what} {clip.frame_count} {unit}")
    fps = _number(rows.meta.get("fps"))
    if clip.is_video and fps is not None and abs(fps - clip.fps) > _RATE_TOLERANCE * clip.fps:
        raise FormatError(
            f"{called} was made at {fps:g} frames/s, but {what} {clip.fps:g}: frames would not be the same; "
            "number them as the video's frames"
        )


def _check_numbers(rows: PredictionArrays, called: str) -> None:
    for name in ("joints", "vertices"):
        points = getattr(rows, name)
        if points is None:
            continue
        wrong = np.concatenate([out_of_reach(block).any(1) for block in blocks(points)])
        if wrong.any():
            row = int(np.argmax(wrong))
            fault = "NaN or infinite" if not np.isfinite(points[row]).all() else "farther than a billion metres"
            raise FormatError(
                f"{called}, frame {rows.frame[row]}: `{name}` are {fault}, expected metres; leave out hands that are not found"
            )
    for name in ("pose", "betas", "translation", "joint_std", "intrinsics"):
        array = getattr(rows, name)
        if array is not None and not np.isfinite(array).all():
            raise FormatError(f"{called}: `{name}` holds numbers that are not finite")
    _check_faces(rows, called)


def _check_faces(rows: PredictionArrays, called: str) -> None:
    if (faces := rows.faces) is None:
        return
    if rows.vertices is None:
        raise FormatError(f"{called} holds `faces` and no `vertices`, expected both or neither")
    count = rows.vertices.shape[1]
    if not len(faces) or not 0 <= faces.min() <= faces.max() < count:
        named = f"name vertices {faces.min()} … {faces.max()}" if len(faces) else "are empty"
        raise FormatError(f"{called}: `faces` {named}, expected triangles of vertices 0 … {count - 1}")


def _check_tracks(rows: PredictionArrays, called: str) -> None:
    keys = np.stack([rows.track, rows.side, rows.frame], 1)
    order = np.lexsort(keys.T[::-1])
    twice = (np.diff(keys[order], axis=0) == 0).all(1)
    if twice.any():
        track, side, frame = keys[order][int(np.argmax(twice))].tolist()
        hand = f"the {('left', 'right')[side]} hand of track {track}"
        raise FormatError(
            f"{called}: frame {frame} holds {hand} twice, expected one row a frame and hand: number other hands' tracks"
        )
    if (count := len(np.unique(keys[:, :2], axis=0))) > MAX_TRACKS:
        raise FormatError(
            f"{called}: {count} different hands (`track`), at most {MAX_TRACKS} are accepted; a hand keeps its track over time"
        )


def _check_size_and_place(joints: np.ndarray, called: str) -> None:
    sample = joints[np.linspace(0, len(joints) - 1, min(len(joints), 256)).astype(int)].astype(np.float64)
    span = 1000 * float(np.median(np.linalg.norm(sample[:, :, None] - sample[:, None], axis=-1).max((1, 2))))
    if not SPAN_MM[0] <= span <= SPAN_MM[1]:
        raise FormatError(f"{called}: the hands are {span:.3g} mm across, expected about 60 to 260 mm: joints are metres")
    depth = sample[..., 2].mean(1)
    if (depth < 0).mean() > 0.5 and np.abs(np.median(depth)) > SPAN_MM[0] / 1000:
        raise FormatError(
            f"{called}: the hands are behind the camera, expected the axes of OpenCV (x right, y down, z forward); "
            "where they are OpenGL's, negate y and z"
        )


def _check_image(rows: PredictionArrays, clip: ClipFacts, called: str) -> list[Finding]:
    """Whether the hands lie in the image at all."""
    centres = rows.joints.mean(1).astype(np.float64)
    if (centres[:, 2] <= 0).any():
        message = (
            "the hands are not in front of the camera: joints are relative to the wrist? Errors without alignment are large"
        )
        return [Finding("warning", message, called)]
    x, y = project(centres, camera_of(rows, clip)).T
    outside = ~((x >= 0) & (x < clip.width) & (y >= 0) & (y < clip.height))
    if outside.mean() > 0.5:
        message = f"{100 * outside.mean():.0f}% of the hands lie outside the image: is it another camera, or another video?"
        return [Finding("warning", message, called)]
    return []


def camera_of(rows: PredictionArrays, clip: ClipFacts) -> np.ndarray:
    """Intrinsics float32 [3, 3] in pixels of the clip: the file's own, scaled from the image size it names, else the clip's."""
    if rows.intrinsics is None or not (rows.intrinsics[0, 0] > 0 and rows.intrinsics[1, 1] > 0):
        return clip.camera
    width, height = _number(rows.meta.get("width")), _number(rows.meta.get("height"))
    scale = np.array([clip.width / width if width else 1.0, clip.height / height if height else 1.0, 1.0])
    return np.asarray(rows.intrinsics * scale[:, None], np.float32)


def in_the_clip(rows: PredictionArrays, clip: ClipFacts) -> PredictionArrays:
    """The rows with the clip's camera and facts."""
    meta: dict[str, Any] = {key: rows.meta[key] for key in ("method", "version", "sequence", "subject") if key in rows.meta}
    stated = rows.meta.get("hand_model")
    meta |= {"hand_model": stated[:16] if isinstance(stated, str) else "", "fps": clip.fps, "frame_count": clip.frame_count}
    return replace(rows, intrinsics=camera_of(rows, clip), meta=meta | {"width": clip.width, "height": clip.height})


def _number(value: Any) -> float | None:
    good = isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 1e9
    return float(value) if good else None
