"""Animated PNG and WebP images, read as the videos that they are."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Final

import numpy as np
from av.video.frame import VideoFrame
from PIL import Image

from ml.clip.media_limits import ClipError, Limits
from ml.clip.media_types import ANIMATED_FORMATS, media_type_of

_MILLISECOND: Final = Fraction(1, 1000)
_SHORTEST: Final = 10.0
_USUAL: Final = 100.0
"""Milliseconds that browsers show a frame which asks for no more than `_SHORTEST`."""


def animation_frames(path: Path, limits: Limits) -> Iterator[VideoFrame]:
    """The frames of an animated PNG or WebP, RGB, composed as a browser shows them, with their times from 0.

    Raises:
        ClipError: it cannot be decoded or is outside the limits.
    """
    shown = 0.0
    try:
        with Image.open(path, formats=[ANIMATED_FORMATS[media_type_of(path)]]) as image:
            limits.check_frame(path, image.width, image.height)
            count = getattr(image, "n_frames", 1)
            if count > limits.max_frames:
                raise ClipError(f"{path.name} has {count} frames; at most {limits.max_frames} are accepted")
            limits.check_total(path, count, count * image.width * image.height, images=True)
            # A still image may stand in front of an animated PNG, for programs that cannot play it.
            for index in range(int(getattr(image, "default_image", False)), count):
                image.seek(index)
                frame = VideoFrame.from_ndarray(np.asarray(image.convert("RGB")), format="rgb24")
                frame.pts, frame.time_base = round(shown), _MILLISECOND
                yield frame
                duration = float(image.info.get("duration") or 0)
                shown += duration if duration > _SHORTEST else _USUAL
    except (OSError, SyntaxError, ValueError) as error:
        if isinstance(error, ClipError):
            raise
        raise ClipError(f"{path.name} cannot be decoded ({error}): it is damaged or was cut off; export it again") from error
