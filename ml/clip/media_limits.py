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
        max_total_pixels: of all frames of a video together: half an hour of 3840 × 2160 at 30 frames a second.
        max_images: images of a set.
        max_image_pixels: width × height of an image of a set; photographs are larger than video frames.
        max_total_image_pixels: of all images of a set together; decoding that many takes a minute or two.
        max_unpacked_bytes: what an archive of images may hold once unpacked.
        min_side: pixels that a frame must have across and down.
        max_ratio: of a frame's longer side to its shorter one.
    """

    max_bytes: int = 2 << 30
    max_seconds: float = 30 * 60
    max_frames: int = 60 * 60 * 30
    max_pixels: int = 4096 * 2304
    max_total_pixels: int = 450_000_000_000
    max_images: int = 2000
    max_image_pixels: int = 64_000_000
    max_total_image_pixels: int = 5_000_000_000
    max_unpacked_bytes: int = 4 << 30
    min_side: int = 32
    max_ratio: float = 16

    def check_size(self, path: Path) -> None:
        """Refuse a file that is empty or too large, before anything of it is read."""
        size = path.stat().st_size
        if size == 0:
            raise ClipError(f"{path.name} is empty (0 bytes); was the transfer interrupted?")
        if size > self.max_bytes:
            raise ClipError(f"{path.name} has {readable(size)}; at most {readable(self.max_bytes)} are accepted")

    def check_frame(self, path: Path, width: int, height: int, where: str = "") -> None:
        """Refuse frames that are larger than is accepted; `where` says which ones."""
        if width * height > self.max_pixels:
            raise ClipError(
                f"{path.name} is {width} × {height} pixels{where}; at most {self.max_pixels / 1e6:.1f} megapixels a frame "
                "are accepted; export it smaller"
            )

    def check_image(self, path: Path, width: int, height: int) -> None:
        """Refuse an image that is larger than is accepted."""
        if width * height > self.max_image_pixels:
            allowed = self.max_image_pixels / 1e6
            raise ClipError(f"{path.name} is {width} × {height} pixels; at most {allowed:g} megapixels are accepted")

    def check_shape(self, path: Path, width: int, height: int) -> None:
        """Refuse what is too narrow to show a hand."""
        if min(width, height) < self.min_side:
            raise ClipError(
                f"{path.name} is {width} × {height} pixels, too narrow to show a hand; at least {self.min_side} pixels across "
                "and down are needed"
            )
        if max(width, height) > self.max_ratio * min(width, height):
            raise ClipError(
                f"{path.name} is {width} × {height} pixels, too narrow to show a hand; one side may be "
                f"{self.max_ratio:g} times the other at most"
            )

    def check_total(self, path: Path, count: int, pixels: int, *, images: bool) -> None:
        """Refuse frames or images that would take too long to decode: `count` of them, `pixels` together."""
        most = self.max_total_image_pixels if images else self.max_total_pixels
        if pixels > most:
            what, remedy = ("images", "send them in parts") if images else ("frames", "cut it")
            raise ClipError(
                f"{path.name} holds {count} {what} of {pixels / 1e6:,.1f} million pixels together; at most "
                f"{most / 1e6:,g} million are accepted; export smaller {what}, or {remedy}"
            )


def readable(size: float) -> str:
    """A number of bytes as people read it: `12.3 MB`."""
    for unit in ("bytes", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"
