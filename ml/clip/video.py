"""Video files: what they are, and their frames at a constant rate."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final, TypeVar

import av
import numpy as np
from av.container import InputContainer
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange
from av.video.stream import VideoStream

from ml.clip.media_limits import ClipError, Limits, readable
from ml.clip.media_types import VIDEO_FORMATS, described, media_type_of
from ml.clip.timing import constant_rate, grid_length

DECODER_THREADS: Final = 2
"""Each thread holds frames of its own: few of them keep the memory small on machines with many cores."""

Output = TypeVar("Output")

CUT_OFF: Final = "it was cut off while it was recorded or copied; copy or export it again"


@dataclass(frozen=True)
class VideoFacts:
    """What a video file says of itself.

    Attributes:
        codec: FFmpeg's name of it.
        times: float64 [n], seconds, when each frame of the file is shown, ascending.
        rate: frames a second at which the video is read.
        one_to_one: every frame of the file is read once; otherwise some are repeated or left out (variable rate).
        coded_width, coded_height: pixels, before rotation, square pixels.
        rotation: degrees counter-clockwise, a multiple of 90, to turn the coded frame upright.
        colour: matrix, primaries and transfer, as H.273 numbers them; 2 where the file does not say.
    """

    codec: str
    times: np.ndarray
    rate: Fraction
    one_to_one: bool
    coded_width: int
    coded_height: int
    rotation: int
    colour: tuple[int, int, int] = (2, 2, 2)

    @property
    def frame_count(self) -> int:
        """Frames at the constant rate."""
        return len(self.times) if self.one_to_one else grid_length(self.times, self.rate)

    @property
    def upright_size(self) -> tuple[int, int]:
        """Width and height, pixels, once turned upright."""
        size = (self.coded_width, self.coded_height)
        return size if self.rotation % 180 == 0 else size[::-1]


def probe_video(path: Path, limits: Limits) -> VideoFacts:
    """Read a video's facts and timestamps; its frames are not decoded, but for the first.

    Raises:
        ClipError: it is no video, or is outside the limits; the message says why.
    """
    limits.check_size(path)
    with _opened(path) as (container, stream):
        context = stream.codec_context
        codec, pixels = context.name, context.width * context.height
        if pixels > limits.max_pixels:
            raise ClipError(
                f"{path.name} is {context.width} × {context.height} pixels; at most {limits.max_pixels / 1e6:.1f} megapixels "
                "a frame are accepted; export it smaller"
            )
        colour = (int(context.colorspace), int(context.color_primaries), int(context.color_trc))
        times = _timestamps(container, stream, path, limits)
        declared = float(container.duration) / av.time_base if container.duration else 0.0
        # Some containers count a late start into the length, some do not.
        declared -= max(0.0, float(times[0])) if container.format.name.startswith("matroska") else 0.0
    seconds = float(times[-1] - times[0])
    if declared - seconds > max(2.0, 0.1 * declared) and _ends_with_data(path, declared, seconds):
        raise ClipError(f"{path.name} ends after {seconds:.1f} s of {declared:.1f} s: {CUT_OFF}")
    rate, one_to_one = constant_rate(times)
    width, height, rotation = _first_frame(path)
    facts = VideoFacts(codec, times, rate, one_to_one, width, height, rotation, colour)
    if facts.frame_count > limits.max_frames:
        raise ClipError(f"{path.name} has {facts.frame_count} frames; at most {limits.max_frames} are accepted; cut it")
    return facts


def video_frames(
    path: Path,
    rate: Fraction,
    span: range,
    *,
    origin: float | None,
    convert: Callable[[VideoFrame], Output],
) -> Iterator[Output]:
    """The frames `span` of a video on the grid of a constant rate, each the nearest in time of the file's frames.

    Args:
        path: the video.
        rate: frames a second.
        span: indices on the grid, consecutive.
        origin: time of frame 0 in the file, seconds; None: the time of its first frame.
        convert: makes of a decoded frame what is wanted; called only for frames that are given.

    Yields:
        Exactly `len(span)` results. A repeated frame is the same object again.

    Raises:
        ClipError: the video ends early or cannot be decoded.
    """
    index, last = span.start, -np.inf
    held: VideoFrame | None = None
    output: Output | None = None
    with _opened(path) as (container, stream):
        if span.start and origin is not None:
            _seek(container, stream, origin + (span.start - 1) / float(rate))
        for frame in _decoded(container, stream, path):
            time = last + 1 / float(rate) if frame.time is None and np.isfinite(last) else frame.time or 0.0
            origin = time if origin is None else origin
            while held is not None and index < span.stop and origin + index / float(rate) < (last + time) / 2:
                output = convert(held) if output is None else output
                yield output
                index += 1
            if index >= span.stop:
                return
            held, output, last = frame, None, time
    if held is None or origin is None:
        raise ClipError(f"{path.name} holds no frame that can be decoded")
    missing = origin + (span.stop - 1) / float(rate) - last
    if missing > max(1.0, 3 / float(rate)):
        raise ClipError(f"{path.name} can be decoded only up to {last - origin:.1f} s, {missing:.1f} s are missing: {CUT_OFF}")
    output = convert(held) if output is None else output
    for _ in range(index, span.stop):
        yield output


@contextmanager
def _opened(path: Path) -> Iterator[tuple[InputContainer, VideoStream]]:
    content = media_type_of(path)
    if content not in VIDEO_FORMATS:
        raise ClipError(f"{path.name} is not a video: it is {described(content)}")
    if content == "mov":
        _check_boxes(path)
    try:
        container = av.open(str(path.resolve()), format=content, options={"protocol_whitelist": "file"})
    except (av.FFmpegError, ValueError) as error:
        raise ClipError(f"{path.name} is not a video that can be read ({_reason(error)}); it may be damaged") from error
    with container:
        streams = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
        if not streams:
            audio = "audio only, no images" if container.streams.audio else "no images"
            raise ClipError(f"{path.name} holds {audio}; choose a video")
        stream = streams[0]
        if stream.codec_context is None:
            raise ClipError(f"{path.name} is coded in a way that cannot be read here; export it as H.264")
        stream.codec_context.thread_count = DECODER_THREADS
        stream.thread_type = "AUTO"
        yield container, stream


def _check_boxes(path: Path) -> None:
    """An MP4 or QuickTime file is a row of boxes with a size each: a last one that is too long tells a cut."""
    size, position, kinds = path.stat().st_size, 0, set()
    with path.open("rb") as stream:
        while position + 8 <= size:
            stream.seek(position)
            head = stream.read(16)
            length, kind = int.from_bytes(head[:4], "big"), head[4:8]
            if length == 1:
                length = int.from_bytes(head[8:16], "big")
            elif length == 0:
                length = size - position
            if not kind.isascii() or length < 8:
                break
            if position + length > size:
                raise ClipError(f"{path.name} is not complete: {readable(position + length - size)} are missing; {CUT_OFF}")
            kinds.add(kind)
            position += length
    if b"moov" not in kinds:
        raise ClipError(f"{path.name} is not complete: the index at its end is missing; {CUT_OFF}")


def _timestamps(container: InputContainer, stream: VideoStream, path: Path, limits: Limits) -> np.ndarray:
    times: list[float] = []
    step = 1 / float(stream.average_rate or 30)
    unit = stream.time_base or Fraction(1, 1000)
    try:
        for packet in container.demux(stream):
            if packet.size == 0 or packet.is_discard:
                continue
            mark = packet.pts if packet.pts is not None else packet.dts
            last = times[-1] if times else -step
            times.append(last + step if mark is None else float(mark * unit))
            if len(times) > 4 * limits.max_frames:
                raise ClipError(f"{path.name} has more than {len(times) - 1} frames; at most {limits.max_frames} are accepted")
    except av.FFmpegError as error:
        raise ClipError(f"{path.name} cannot be read to its end ({_reason(error)}): {CUT_OFF}") from error
    if not times:
        raise ClipError(f"{path.name} holds no frames")
    table: np.ndarray = np.unique(np.array(times))
    seconds = table[-1] - table[0]
    if seconds > limits.max_seconds:
        raise ClipError(f"{path.name} is {seconds / 60:.1f} minutes long; at most {limits.max_seconds / 60:g} are accepted")
    return table


def _ends_with_data(path: Path, declared: float, seconds: float) -> bool:
    """Whether no other stream (a longer sound track) explains that the frames end before the declared length."""
    with _opened(path) as (container, _):
        others = [
            float(s.duration * s.time_base) for s in container.streams if s.type != "video" and s.duration and s.time_base
        ]
    return not any(abs(other - declared) < 0.1 * declared and other > seconds for other in others)


def _first_frame(path: Path) -> tuple[int, int, int]:
    with _opened(path) as (container, stream):
        for frame in _decoded(container, stream, path):
            aspect = float(stream.sample_aspect_ratio or 1) or 1.0
            rotation = round(frame.rotation / 90) * 90 % 360
            return max(1, round(frame.width * aspect)), frame.height, rotation
    raise ClipError(f"{path.name} holds no frame that can be decoded")


def _seek(container: InputContainer, stream: VideoStream, seconds: float) -> None:
    if stream.time_base:
        container.seek(int(seconds / stream.time_base), stream=stream, backward=True)


def _decoded(container: InputContainer, stream: VideoStream, path: Path) -> Iterator[VideoFrame]:
    time: float | None = None
    try:
        for frame in container.decode(stream):
            time = frame.time
            yield frame
    except av.FFmpegError as error:
        where = "at its start" if time is None else f"after {time:.1f} s"
        raise ClipError(f"{path.name} cannot be decoded {where} ({_reason(error)}): it is damaged or {CUT_OFF}") from error


def rgb(frame: VideoFrame, size: tuple[int, int], rotation: int) -> np.ndarray:
    """A frame as uint8 [height, width, 3], RGB, scaled to an upright `size` (width, height) and turned by `rotation`."""
    width, height = size if rotation % 180 == 0 else size[::-1]
    pixels: np.ndarray = frame.to_ndarray(format="rgb24", width=width, height=height, interpolation="AREA", threads=1)
    return np.ascontiguousarray(np.rot90(pixels, rotation // 90)) if rotation else pixels


def planar(frame: VideoFrame, size: tuple[int, int], rotation: int) -> VideoFrame:
    """A frame in 4:2:0, as `rgb` scaled and turned; without the way through RGB, which costs time and half a grey level."""
    width, height = size if rotation % 180 == 0 else size[::-1]
    scaled = frame.reformat(
        width=width, height=height, format="yuv420p", dst_color_range=ColorRange.MPEG, interpolation="AREA", threads=1
    )
    if not rotation:
        return scaled
    flat = scaled.to_ndarray().reshape(-1)
    luma, chroma = flat[: width * height], flat[width * height :].reshape(2, height // 2, width // 2)
    planes = [luma.reshape(height, width), *chroma]
    turned = np.concatenate([np.rot90(p, rotation // 90).reshape(-1) for p in planes])
    return VideoFrame.from_ndarray(turned.reshape(-1, size[0]), format="yuv420p")


def _reason(error: Exception) -> str:
    return (getattr(error, "strerror", None) or str(error)).lower()
