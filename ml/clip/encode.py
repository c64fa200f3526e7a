"""Writing a video that every browser seeks in exactly."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Final, Protocol

import av
import numpy as np
from av.video.frame import PictureType, VideoFrame
from av.video.reformatter import ColorRange, Colorspace

KEYFRAME_INTERVAL: Final = 15
"""Frames from one keyframe to the next: a seek decodes at most this many (6 ms median in Chromium; 26-32 ms at 250)."""

QUALITY: Final = 12
"""x264's constant rate factor: nearly lossless, for images and renders."""

MAX_BIT_RATE: Final = "8M"
"""Bits a second that noisy images may take; half an hour is then 1.8 GB at most."""

BT709: Final = 1


class VideoWriter(Protocol):
    """Takes images one by one."""

    def write(self, image: np.ndarray) -> None:
        """Append an image, uint8 [height, width, 3], RGB, of the writer's size."""
        ...

    def write_planar(self, frame: VideoFrame) -> None:
        """Append a frame that is 4:2:0 already."""
        ...


class _Writer:
    def __init__(self, container: av.container.OutputContainer, stream: av.VideoStream, rate: Fraction) -> None:
        self._container, self._stream, self._rate, self._count = container, stream, rate, 0

    def write(self, image: np.ndarray) -> None:
        frame = VideoFrame.from_ndarray(image, format="rgb24")
        self.write_planar(
            frame.reformat(format="yuv420p", dst_colorspace=Colorspace.ITU709, dst_color_range=ColorRange.MPEG, threads=1)
        )

    def write_planar(self, frame: VideoFrame) -> None:
        frame.pts, frame.time_base = self._count, 1 / self._rate
        # A copy that shares the original's frame types would keep its B-frames and its keyframes.
        frame.pict_type = PictureType.NONE
        self._count += 1
        self._container.mux(self._stream.encode(frame))

    def flush(self) -> None:
        self._container.mux(self._stream.encode(None))


@contextmanager
def web_video(
    path: Path,
    rate: Fraction,
    size: tuple[int, int],
    *,
    interval: int = KEYFRAME_INTERVAL,
    quality: int = QUALITY,
    colour: tuple[int, int, int] = (BT709, BT709, BT709),
) -> Iterator[VideoWriter]:
    """Open an MP4 for writing: H.264, 4:2:0, constant rate, no B-frames, from 0 without edit list, index in front.

    Args:
        path: the file to write.
        rate: frames a second.
        size: width and height, pixels, both even.
        interval: largest distance between keyframes, frames.
        quality: x264's constant rate factor.
        colour: matrix, primaries and transfer as H.273 numbers them; what `write` makes is BT.709.

    Raises:
        ValueError: a size is odd, which 4:2:0 cannot hold.
    """
    width, height = size
    if width % 2 or height % 2:
        raise ValueError(f"a video of {width} × {height} pixels cannot be written; both must be even")
    with av.open(str(path), "w", format="mp4", options={"movflags": "+faststart", "use_editlist": "0"}) as container:
        stream = container.add_stream("libx264", rate=rate)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        context = stream.codec_context
        context.options = {"preset": "veryfast", "crf": str(quality), "bf": "0", "maxrate": MAX_BIT_RATE, "bufsize": "16M"}
        context.gop_size, context.max_b_frames = interval, 0
        context.time_base = 1 / rate
        context.colorspace, context.color_primaries, context.color_trc = colour
        context.color_range = ColorRange.MPEG
        writer = _Writer(container, stream, rate)
        yield writer
        writer.flush()
