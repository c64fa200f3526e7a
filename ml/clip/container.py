"""Video files as untrusted input: which containers are opened and how, which stream is read, and in what order of time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final

import av
from av.container import InputContainer
from av.packet import Packet
from av.stream import Disposition
from av.video.stream import VideoStream

from ml.clip.media_limits import ClipError, Limits, readable
from ml.clip.media_types import VIDEO_FORMATS, described, media_type_of

DECODER_THREADS: Final = 2
"""Each thread holds frames of its own: few of them keep the memory small on machines with many cores."""

CUT_OFF: Final = "it was cut off while it was recorded or copied; copy or export it again"

RAW_RATE: Final = 25
"""Frames a second of a raw MJPEG stream, which does not say its own."""

_STARTING_OVER: Final = ("mpegts", "mpeg", "flv")
"""Containers made for broadcast and streaming, whose clock may start anew at any packet."""

RAW_FORMATS: Final = ("mpegvideo", "mjpeg")
"""Frames without a container: their timestamps are FFmpeg's guesses, wrong where frames are stored in another order."""

_UNSEEKABLE: Final = (*RAW_FORMATS, "mpeg")
"""Where reading starts only at the beginning: in program streams FFmpeg's timestamps are shifted by frames after a seek."""

_LONGEST_STEP: Final = 10.0
"""Seconds between packets beyond which such a clock has jumped; FFmpeg's own tools take the same."""

_NOT_FRAMES: Final = Disposition.attached_pic | Disposition.timed_thumbnails | Disposition.still_image
_MOV_BOXES: Final = frozenset(
    b"ftyp moov mdat free skip wide pnot PICT moof mfra sidx ssix styp udta uuid meta emsg prft pdin".split()
)


@contextmanager
def opened_video(path: Path, limits: Limits) -> Iterator[tuple[InputContainer, VideoStream]]:
    """Open a video and the stream of it that is read: the first one flagged as the default, else the first.

    The format is the one that the content shows, and no file but this one is read. Frames larger than the limits allow are
    not decoded, wherever in the stream they come.

    Raises:
        ClipError: it is no video, is not complete, or holds no stream that can be read.
    """
    content = media_type_of(path)
    if content not in VIDEO_FORMATS:
        raise ClipError(f"{path.name} is not a video: it is {described(content)}")
    if content == "mov":
        _check_boxes(path)
    options = {"protocol_whitelist": "file"}
    if content == "mjpeg":
        options["framerate"] = str(RAW_RATE)
    try:
        container = av.open(str(path.resolve()), format=content, options=options)
    except (av.FFmpegError, ValueError) as error:
        raise ClipError(f"{path.name} is not a video that can be read ({reason(error)}); it may be damaged") from error
    with container:
        stream = _stream_of(container, path)
        stream.codec_context.thread_count = DECODER_THREADS
        # Decoders count whole blocks, so a little more is allowed here than `Limits.check_frame` allows.
        stream.codec_context.options = {"max_pixels": str(limits.max_pixels * 5 // 4)}
        stream.thread_type = "AUTO"
        yield container, stream


@dataclass
class Clock:
    """Timestamps of packets, made continuous where a container's clock starts anew, and none where the file has none.

    Attributes:
        jumps: how often it did so far.
    """

    jumps: int = 0

    def packets(self, container: InputContainer, stream: VideoStream) -> Iterator[Packet[VideoStream]]:
        """The packets of a stream, in the order in which they are decoded; after a jump the time goes on by one frame."""
        step = 1 / float(stream.average_rate or RAW_RATE)
        unit = stream.time_base or Fraction(1, 1000)
        starts_over = container.format.name in _STARTING_OVER
        is_raw = container.format.name in RAW_FORMATS
        shift, last = 0, None
        for packet in container.demux(stream):
            if is_raw:
                packet.pts = packet.dts = None
            if starts_over and packet.dts is not None:
                if last is not None and not 0 <= packet.dts + shift - last <= _LONGEST_STEP / unit:
                    shift = last + round(step / unit) - packet.dts
                    self.jumps += 1
                last = packet.dts + shift
                packet.dts = last
            if packet.pts is not None:
                packet.pts += shift
            yield packet


def can_seek(container: InputContainer) -> bool:
    """Whether frames keep their timestamps when reading starts elsewhere than at the beginning."""
    return container.format.name not in _UNSEEKABLE


def reason(error: Exception) -> str:
    """What FFmpeg says went wrong, in a few words."""
    return (getattr(error, "strerror", None) or str(error)).lower()


def _stream_of(container: InputContainer, path: Path) -> VideoStream:
    streams = [s for s in container.streams.video if not s.disposition & _NOT_FRAMES]
    if not streams:
        audio = "audio only, no images" if container.streams.audio else "no images"
        raise ClipError(f"{path.name} holds {audio}; choose a video")
    known = [s for s in streams if s.codec_context is not None]
    if not known:
        raise ClipError(f"{path.name} is coded in a way that cannot be read here; export it as H.264")
    return next((s for s in known if s.disposition & Disposition.default), known[0])


def _check_boxes(path: Path) -> None:
    """An MP4 or QuickTime file is a row of boxes with a size each: one that is longer than the file shows a cut.

    Bytes behind a complete file that are no box, such as what an editor or a transfer appended, are passed over.
    """
    size, position = path.stat().st_size, 0
    kinds: set[bytes] = set()
    with path.open("rb") as stream:
        while position + 8 <= size:
            stream.seek(position)
            head = stream.read(16)
            length, kind = int.from_bytes(head[:4], "big"), head[4:8]
            if length == 1:
                length = int.from_bytes(head[8:16], "big")
            elif length == 0:
                length = size - position
            if length < 8 or (kind not in _MOV_BOXES and {b"moov", b"mdat"} <= kinds):
                break
            if position + length > size:
                raise ClipError(f"{path.name} is not complete: {readable(position + length - size)} are missing; {CUT_OFF}")
            kinds.add(kind)
            position += length
    if b"moov" not in kinds:
        raise ClipError(f"{path.name} is not complete: the index at its end is missing; {CUT_OFF}")
