"""Keypoints of a clip: one `HandTrack` for each physical hand, gaps left as gaps."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import numpy as np

from ml.hand.skeleton import SIDES, Side


@dataclass(frozen=True)
class HandTrack:
    """One physical hand over time, in the n frames in which it was seen.

    Attributes:
        track: its number in the clip.
        side: one for the whole track, for an image that is *not* mirrored.
        frames: int32 [n], ascending.
        joints_2d: float32 [n, 21, 2], pixels, OpenPose order.
        world: float32 [n, 21, 3], metres about the hand's centre, axes of the OpenCV camera, OpenPose order.
        score: float32 [n], 0 … 1.
    """

    track: int
    side: Side
    frames: np.ndarray
    joints_2d: np.ndarray
    world: np.ndarray
    score: np.ndarray

    def rows(self, chosen: np.ndarray) -> HandTrack:
        """In some of its frames: indices, or bool [n]."""
        arrays = {name: getattr(self, name)[chosen] for name in ("frames", "joints_2d", "world", "score")}
        return replace(self, **arrays)


@dataclass(frozen=True)
class Keypoints:
    """All hands of a clip of `frame_count` images of `width` × `height` pixels at `fps`."""

    tracks: tuple[HandTrack, ...]
    frame_count: int
    fps: float
    width: int
    height: int
    source: str = "mediapipe"

    def save(self, target: str | Path | BinaryIO) -> None:
        """Write all tracks as one `.npz`: their rows concatenated, plus a JSON header."""
        header = {k: getattr(self, k) for k in ("frame_count", "fps", "width", "height", "source")}
        header["tracks"] = [{"track": t.track, "side": t.side, "rows": len(t.frames)} for t in self.tracks]
        empty = {"frames": np.zeros(0, "i4"), "joints_2d": np.zeros((0, 21, 2), "f4"), "world": np.zeros((0, 21, 3), "f4")}
        empty["score"] = np.zeros(0, "f4")
        arrays = {k: np.concatenate([e, *(getattr(t, k) for t in self.tracks)]).astype(e.dtype) for k, e in empty.items()}
        np.savez(target, header=np.array(json.dumps(header)), **arrays)  # type: ignore[arg-type]

    @classmethod
    def load(cls, source: str | Path | BinaryIO) -> Keypoints:
        """Read what `save` wrote (our own file, never a user's)."""
        with np.load(source, allow_pickle=False) as archive:
            header = json.loads(str(archive["header"]))
            rows = np.cumsum([0, *(t["rows"] for t in header["tracks"])])
            arrays = {k: archive[k] for k in ("frames", "joints_2d", "world", "score")}
        tracks = []
        for entry, a, b in zip(header.pop("tracks"), rows[:-1], rows[1:], strict=True):
            if entry["side"] not in SIDES:
                raise ValueError(f"track {entry['track']}: side is {entry['side']!r}, expected one of {SIDES}")
            tracks.append(HandTrack(entry["track"], entry["side"], **{k: v[a:b] for k, v in arrays.items()}))
        return cls(tuple(tracks), **header)
