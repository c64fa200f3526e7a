"""Video files: what they are, and their frames at a constant rate."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Final, TypeVar

import av
import numpy as np
from av.container import InputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from ml.clip.animation import animation_frames
from ml.clip.container import CUT_OFF, RAW_RATE, Clock, can_seek, opened_video, reason
from ml.clip.deinterlacing import progressive
from ml.clip.focal_length import focal_from_metadata
from ml.clip.media_limits import ClipError, Limits
from ml.clip.media_types import ANIMATED_FORMATS, media_type_of
from ml.clip.orientation import UPRIGHT, Orientation, orientation_of
from ml.clip.pixels import Canvas
from ml.clip.timing import constant_rate, grid_length
from ml.clip.tone_mapping import HLG, PQ

Output = TypeVar("Output")

_SEEK_MARGINS: Final = (0.0, 2.0, 10.0)
"""Seconds before the wanted frame at which a keyframe is looked for, one after the other, before reading from the start."""

_BT709: Final = (1, 1, 1)


@dataclass(frozen=True)
class VideoFacts:
    """What a video file says of itself.

    Attributes:
        codec: FFmpeg's name of it.
        times: float64 [n], seconds, when each frame of the file is shown, ascending.
        rate: frames a second at which the video is read.
        one_to_one: every frame of the file is read once; otherwise some are repeated or left out (variable rate).
        width, height: pixels, upright, square pixels.
        pixel_aspect: width over height of a coded pixel.
        orientation: how the first coded frame is laid to be upright.
        colour: matrix, primaries and transfer of the frames that are given, as H.273 numbers them; 2 where the file does
            not say.
        seekable: whether reading may start elsewhere than at the file's beginning.
        focal_px: focal length, pixels, where the container says it.
        notes: sentences on what was assumed or mended.
        limits: what is accepted, also of frames still to be decoded.
    """

    codec: str
    times: np.ndarray
    rate: Fraction
    one_to_one: bool
    width: int
    height: int
    pixel_aspect: float = 1.0
    orientation: Orientation = UPRIGHT
    colour: tuple[int, int, int] = (2, 2, 2)
    seekable: bool = True
    focal_px: float | None = None
    notes: tuple[str, ...] = ()
    limits: Limits = field(default_factory=Limits)

    @property
    def frame_count(self) -> int:
        """Frames at the constant rate."""
        return len(self.times) if self.one_to_one else grid_length(self.times, self.rate)

    def canvas(self, size: tuple[int, int]) -> Canvas:
        """Makes of decoded frames upright pixels of this width and height."""
        return Canvas(self.width, self.height, self.pixel_aspect, size)


def probe_video(path: Path, limits: Limits) -> VideoFacts:
    """Read a video's facts and timestamps; its frames are not decoded, but for the first.

    Raises:
        ClipError: it is no video, or is outside the limits; the message says why.
    """
    limits.check_size(path)
    clock = Clock()
    with opened_video(path, limits) as (container, stream):
        context = stream.codec_context
        limits.check_frame(path, context.width, context.height)
        codec = context.name
        colour = (int(context.colorspace), int(context.color_primaries), int(context.color_trc))
        times = _timestamps(clock, container, stream, path, limits)
        declared = float(container.duration) / av.time_base if container.duration else 0.0
        # Some containers count a late start into the length, some do not.
        declared -= max(0.0, float(times[0])) if container.format.name.startswith("matroska") else 0.0
        notes, seekable = _notes(container, clock), can_seek(container)
        metadata = {**container.metadata, **stream.metadata}
        aspect = float(stream.sample_aspect_ratio or 1) or 1.0
    seconds = float(times[-1] - times[0])
    if not clock.jumps and declared - seconds > max(2.0, 0.1 * declared) and _ends_with_data(path, declared, seconds, limits):
        raise ClipError(f"{path.name} ends after {seconds:.1f} s of {declared:.1f} s: {CUT_OFF}")
    rate, one_to_one = constant_rate(times)
    orientation, width, height, transfer = _first_frame(path, aspect, limits)
    facts = VideoFacts(
        codec=codec,
        times=times,
        rate=rate,
        one_to_one=one_to_one,
        width=width,
        height=height,
        pixel_aspect=aspect,
        orientation=orientation,
        colour=_BT709 if {transfer, colour[2]} & {PQ, HLG} else colour,
        seekable=seekable and not clock.jumps,
        focal_px=focal_from_metadata(metadata, width, height),
        notes=notes,
        limits=limits,
    )
    return _checked(path, facts, images=False)


def probe_animation(path: Path, limits: Limits) -> VideoFacts:
    """The facts of an animated PNG or WebP; its frames are decoded once to know their times.

    Raises:
        ClipError: it cannot be decoded, or is outside the limits.
    """
    frames = [(frame.time, frame.width, frame.height) for frame in animation_frames(path, limits)]
    times = np.array([time for time, _, _ in frames])
    rate, one_to_one = constant_rate(times)
    codec = ANIMATED_FORMATS[media_type_of(path)].lower()
    facts = VideoFacts(codec, times, rate, one_to_one, *frames[0][1:], colour=_BT709, limits=limits)
    return _checked(path, facts, images=True)


def _checked(path: Path, facts: VideoFacts, *, images: bool) -> VideoFacts:
    limits, count = facts.limits, len(facts.times)
    limits.check_shape(path, facts.width, facts.height)
    limits.check_total(path, count, count * facts.width * facts.height, images=images)
    if facts.frame_count > limits.max_frames:
        raise ClipError(f"{path.name} has {facts.frame_count} frames; at most {limits.max_frames} are accepted; cut it")
    return facts


def video_frames(path: Path, facts: VideoFacts, span: range, convert: Callable[[VideoFrame], Output]) -> Iterator[Output]:
    """The frames `span` of a video on the grid of its constant rate, each the nearest in time of the file's frames.

    Args:
        path: the video.
        facts: of it, from `probe_video`.
        span: indices on the grid, consecutive.
        convert: makes of a decoded frame what is wanted; called only for frames that are given.

    Yields:
        Exactly `len(span)` results. A repeated frame is the same object again.

    Raises:
        ClipError: the video ends early or cannot be decoded.
    """
    index, last = span.start, -np.inf
    held: VideoFrame | None = None
    output: Output | None = None
    origin, rate = float(facts.times[0]), float(facts.rate)
    for frame in progressive(_frames(path, facts, origin + span.start / rate if span.start else None)):
        time = last + 1 / rate if frame.time is None and np.isfinite(last) else frame.time or 0.0
        while held is not None and index < span.stop and origin + index / rate < (last + time) / 2:
            output = convert(held) if output is None else output
            yield output
            index += 1
        if index >= span.stop:
            return
        held, output, last = frame, None, time
    if held is None:
        raise ClipError(f"{path.name} holds no frame that can be decoded")
    missing = origin + (span.stop - 1) / rate - last
    if missing > max(1.0, 3 / rate):
        raise ClipError(f"{path.name} can be decoded only up to {last - origin:.1f} s, {missing:.1f} s are missing: {CUT_OFF}")
    output = convert(held) if output is None else output
    for _ in range(index, span.stop):
        yield output


def _frames(path: Path, facts: VideoFacts, seconds: float | None) -> Iterator[VideoFrame]:
    """The file's frames from one before `seconds`, or from its start."""
    if media_type_of(path) in ANIMATED_FORMATS:
        yield from animation_frames(path, facts.limits)
        return
    if seconds is not None and facts.seekable:
        step = 1 / float(facts.rate)
        for margin in _SEEK_MARGINS:
            with opened_video(path, facts.limits) as (container, stream):
                frames = _from_keyframe(container, stream, path, seconds - step - margin, facts.limits)
                first = None
                # What cannot be decoded from here may be decoded from further back.
                with suppress(ClipError, av.FFmpegError):
                    first = next(frames, None)
                # An interlaced frame is made whole from the one before it, too.
                if first is not None and first.time is not None and first.time <= seconds - step / 2:
                    yield first
                    yield from frames
                    return
    with opened_video(path, facts.limits) as (container, stream):
        yield from _decoded(Clock().packets(container, stream), path, facts.limits)


def _from_keyframe(
    container: InputContainer, stream: VideoStream, path: Path, seconds: float, limits: Limits
) -> Iterator[VideoFrame]:
    """The frames from the keyframe where a seek ends, which may lie behind `seconds`; none shown before that keyframe.

    Frames shown before it but coded behind it refer to frames that were not read, so they would come out damaged.
    """
    unit = stream.time_base or Fraction(1, 1000)
    container.seek(int(seconds / unit), stream=stream, backward=True)
    packets = Clock().packets(container, stream)
    key = next((p for p in packets if p.size and p.is_keyframe), None)
    if key is None:
        return
    start = key.dts if key.pts is None else key.pts
    for frame in _decoded(chain([key], packets), path, limits):
        if frame.pts is None or start is None or frame.pts >= start:
            yield frame


def _decoded(packets: Iterable[Packet[VideoStream]], path: Path, limits: Limits) -> Iterator[VideoFrame]:
    time: float | None = None
    try:
        for packet in packets:
            for frame in packet.decode():
                time = frame.time
                limits.check_frame(path, frame.width, frame.height, "" if time is None else f" at {time:.1f} s")
                yield frame
    except av.FFmpegError as error:
        where = "at its start" if time is None else f"after {time:.1f} s"
        raise ClipError(
            f"{path.name} cannot be decoded {where} ({reason(error)}): it is damaged, its frames become larger than "
            f"{limits.max_pixels / 1e6:.1f} megapixels there, or {CUT_OFF}"
        ) from error


def _timestamps(clock: Clock, container: InputContainer, stream: VideoStream, path: Path, limits: Limits) -> np.ndarray:
    times: list[float] = []
    step = 1 / float(stream.average_rate or 30)
    unit = stream.time_base or Fraction(1, 1000)
    try:
        for packet in clock.packets(container, stream):
            if packet.size == 0 or packet.is_discard:
                continue
            mark = packet.pts if packet.pts is not None else packet.dts
            last = times[-1] if times else -step
            times.append(last + step if mark is None else float(mark * unit))
            if len(times) > 4 * limits.max_frames:
                raise ClipError(f"{path.name} has more than {len(times) - 1} frames; at most {limits.max_frames} are accepted")
    except av.FFmpegError as error:
        raise ClipError(f"{path.name} cannot be read to its end ({reason(error)}): {CUT_OFF}") from error
    if not times:
        raise ClipError(f"{path.name} holds no frames")
    table: np.ndarray = np.unique(np.array(times))
    seconds = table[-1] - table[0]
    if seconds > limits.max_seconds:
        raise ClipError(f"{path.name} is {seconds / 60:.1f} minutes long; at most {limits.max_seconds / 60:g} are accepted")
    return table


def _ends_with_data(path: Path, declared: float, seconds: float, limits: Limits) -> bool:
    """Whether no other stream (a longer sound track) explains that the frames end before the declared length."""
    with opened_video(path, limits) as (container, _):
        others = [
            float(s.duration * s.time_base) for s in container.streams if s.type != "video" and s.duration and s.time_base
        ]
    return not any(abs(other - declared) < 0.1 * declared and other > seconds for other in others)


def _first_frame(path: Path, aspect: float, limits: Limits) -> tuple[Orientation, int, int, int]:
    """Orientation, upright width and height and transfer function of the first frame that can be decoded."""
    with opened_video(path, limits) as (container, stream):
        for frame in _decoded(Clock().packets(container, stream), path, limits):
            orientation = orientation_of(frame)
            return orientation, *orientation.size(max(1, round(frame.width * aspect)), frame.height), frame.color_trc
    raise ClipError(f"{path.name} holds no frame that can be decoded")


def _notes(container: InputContainer, clock: Clock) -> tuple[str, ...]:
    notes = []
    if clock.jumps:
        times = "once" if clock.jumps == 1 else f"{clock.jumps} times"
        notes.append(f"The clock of the recording jumps {times}; the frames are taken one after the other.")
    if container.format.name == "mjpeg":
        notes.append(f"A raw MJPEG stream does not say its frame rate; {RAW_RATE} frames a second are assumed.")
    return tuple(notes)
