"""What is accepted as a clip, and the error that says why something is not."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


class ClipError(ValueError):
    """A file is no clip that can be read; the message says why, for the person who brought it."""


@dataclass(frozen=True)
class Limits:
    """What is accepted: checked before and while decoding.

    Attributes:
        max_bytes: size of the file, or of all images of a set together.
        max_seconds: length of a video.
        max_frames: frames of a video.
        max_pixels: width × height of a video's frame.
        max_images: images of a set.
        max_image_pixels: width × height of an image of a set; photographs are larger than video frames.
        max_unpacked_bytes: what an archive of images may hold once unpacked.
    """

    max_bytes: int = 2 << 30
    max_seconds: float = 30 * 60
    max_frames: int = 60 * 60 * 30
    max_pixels: int = 4096 * 2304
    max_images: int = 2000
    max_image_pixels: int = 64_000_000
    max_unpacked_bytes: int = 4 << 30

    def check_size(self, path: Path) -> None:
        """Refuse a file that is empty or too large, before anything of it is read."""
        size = path.stat().st_size
        if size == 0:
            raise ClipError(f"{path.name} is empty (0 bytes); was the transfer interrupted?")
        if size > self.max_bytes:
            raise ClipError(f"{path.name} has {readable(size)}; at most {readable(self.max_bytes)} are accepted")


def readable(size: float) -> str:
    """A number of bytes as people read it: `12.3 MB`."""
    for unit in ("bytes", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"
