"""A clip: the pictures of a video file or of a folder, read one after the other, never all at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np


class ClipError(ValueError):
    """A file is no clip that can be read; the message says why, for the person who brought it."""


@dataclass(frozen=True)
class Limits:
    """What is accepted: checked before and while decoding."""

    max_bytes: int = 2 << 30
    max_seconds: float = 30 * 60
    max_frames: int = 60 * 60 * 30
    max_pixels: int = 4096 * 2304


@dataclass(frozen=True)
class Clip:
    """Pictures in order.

    Attributes:
        path: a video file, or a folder whose pictures are taken in name order.
        kind: `video` or `images`.
        fps: frames a second (constant); 30 for images, where it only paces playing.
        frame_count: the number of frames that `frames()` gives.
        width, height: pixels, after any rotation the file asks for.
    """

    path: Path
    kind: Literal["video", "images"]
    fps: float
    frame_count: int
    width: int
    height: int

    def frames(self) -> Iterator[np.ndarray]:
        """Every picture, uint8 [height, width, 3], RGB, upright."""
        raise NotImplementedError


def open_clip(path: str | Path, limits: Limits | None = None) -> Clip:
    """Probe a video file or a folder of pictures.

    Raises:
        ClipError: it is neither, or is outside the limits; one sentence that says why.
    """
    raise NotImplementedError
