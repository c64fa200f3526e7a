"""Small videos and images that tests write: each frame shows its own number as a grey level."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from PIL import Image

from ml.clip import Clip

SIZE = (64, 48)


def numbered(index: int, size: tuple[int, int] = SIZE) -> np.ndarray:
    """An image whose grey tells its number, with a bright top left corner."""
    image = np.full((size[1], size[0], 3), (10 + 4 * index) % 256, np.uint8)
    image[: size[1] // 4, : size[0] // 4] = 250
    return image


def number_of(image: np.ndarray) -> int:
    return round((float(np.median(image)) - 10) / 4)


def write_video(path: Path, times: list[float], *, rotation: int = 0, audio: bool = False, codec: str = "libx264") -> Path:
    """A video whose frame k is shown at `times[k]` seconds."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=30)
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        unit = Fraction(1, 30) if path.suffix == ".avi" else Fraction(1, 90_000)
        stream.codec_context.time_base = unit
        if codec == "libx264":
            stream.codec_context.options = {"crf": "5"}
        if rotation:
            stream.set_display_rotation(rotation)
        sound = container.add_stream("aac", rate=8000) if audio else None
        for index, time in enumerate(times):
            frame = av.VideoFrame.from_ndarray(numbered(index), format="rgb24")
            frame.pts, frame.time_base = round(time / unit), unit
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        if sound is not None:
            container.mux(sound.encode(silence()))
            container.mux(sound.encode(None))
    return path


def encode(
    path: Path,
    images: Iterable[np.ndarray],
    *,
    codec: str = "libx264",
    container_format: str | None = None,
    pixel_format: str = "yuv420p",
    first: int = 0,
    muxer: dict[str, str] | None = None,
    encoder: dict[str, str] | None = None,
    metadata: dict[str, str] | None = None,
) -> Path:
    """A video of these images at 25 frames a second, the first of them shown at `first` / 25 s."""
    rate = Fraction(25)
    if metadata:
        muxer = {"movflags": "use_metadata_tags"} | (muxer or {})
    with av.open(str(path), "w", format=container_format, options=muxer or {}) as container:
        container.metadata.update(metadata or {})
        stream: av.VideoStream | None = None
        for index, image in enumerate(images, first):
            if stream is None:
                stream = container.add_stream(codec, rate=rate, options=encoder or {})
                stream.height, stream.width, stream.pix_fmt = *image.shape[:2], pixel_format
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts, frame.time_base = index, 1 / rate
            container.mux(stream.encode(frame))
        assert stream is not None
        container.mux(stream.encode(None))
    return path


def silence() -> av.AudioFrame:
    frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
    frame.sample_rate, frame.pts = 8000, 0
    return frame


def numbers(clip: Clip, **span: int) -> list[int]:
    return [number_of(p) for p in clip.frames(**span)]


def save(path: Path, image: np.ndarray, **options: object) -> Path:
    Image.fromarray(image).save(path, **options)
    return path
