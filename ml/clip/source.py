"""One way to read images, whether they come from a video or a folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Literal

import numpy as np
from av.video.frame import VideoFrame

from ml.clip.image_set import ImageSet, image_frames, list_images
from ml.clip.media_limits import ClipError, Limits
from ml.clip.media_types import ANIMATED_FORMATS, IMAGE_FORMATS, VIDEO_FORMATS, described, media_type_of
from ml.clip.video import Output, VideoFacts, probe_animation, probe_video, video_frames

IMAGES_FPS = 30.0


@dataclass(frozen=True)
class Clip:
    """Images in order.

    Attributes:
        path: a video file, or a folder whose images are taken in name order.
        kind: `video` or `images`.
        fps: frames a second (constant); 30 for images, where it only paces playing.
        frame_count: the number of frames that `frames()` gives.
        width, height: pixels, after any rotation the file asks for.
        video: what a video file says of itself; None for images.
        images: the files of a set of images; None for a video.
        focal_px: focal length, pixels, where the file says it.
        notes: sentences on what was left out, assumed or mended.
    """

    path: Path
    kind: Literal["video", "images"]
    fps: float
    frame_count: int
    width: int
    height: int
    video: VideoFacts | None = field(default=None, repr=False, compare=False)
    images: ImageSet | None = field(default=None, repr=False, compare=False)
    focal_px: float | None = field(default=None, compare=False)
    notes: tuple[str, ...] = field(default=(), repr=False, compare=False)

    def frames(self, *, start: int = 0, stop: int | None = None, size: tuple[int, int] | None = None) -> Iterator[np.ndarray]:
        """The images from `start` to before `stop`, uint8 [height, width, 3], RGB, upright; exactly that many.

        Memory does not grow with the clip. Arrays are not to be written to: a repeated frame is the same array.

        Args:
            start: index of the first.
            stop: index after the last; by default the clip's end.
            size: width and height to scale to, pixels; by default the clip's own.

        Raises:
            ClipError: an image cannot be decoded, or the video ends early.
        """
        span = range(start, self.frame_count if stop is None else min(stop, self.frame_count))
        size = size or (self.width, self.height)
        if self.kind == "images":
            return image_frames(self.images or list_images(self.path, Limits()), span, size)
        return self._video_frames(span, lambda facts: facts.canvas(size).rgb)

    def planar_frames(self, size: tuple[int, int]) -> Iterator[VideoFrame]:
        """All frames of a video in 4:2:0, upright, scaled to a `size` (width, height; both even): for encoding."""
        return self._video_frames(range(self.frame_count), lambda facts: facts.canvas(size).planar)

    @property
    def rate(self) -> Fraction:
        """Frames a second, exactly."""
        return self.video.rate if self.video else Fraction(self.fps).limit_denominator(1001)

    def _video_frames(
        self, span: range, conversion: Callable[[VideoFacts], Callable[[VideoFrame], Output]]
    ) -> Iterator[Output]:
        if not span:
            return iter(())
        facts = self.video or probe_video(self.path, Limits())
        return video_frames(self.path, facts, span, conversion(facts))


def open_clip(path: str | Path, limits: Limits | None = None) -> Clip:
    """Probe a video file, an animated image, a folder of images or a single image.

    A video of variable frame rate is read at a constant one, each frame the nearest in time. What a file is, its
    content tells, not its name.

    Raises:
        ClipError: it is neither, or is outside the limits; one sentence that says why.
    """
    path, limits = Path(path), limits or Limits()
    if not path.exists():
        raise ClipError(f"there is no file or folder {path}")
    if path.is_file():
        limits.check_size(path)
        content = media_type_of(path)
        if content in VIDEO_FORMATS:
            return _video(path, probe_video(path, limits))
        if content in ANIMATED_FORMATS:
            return _video(path, probe_animation(path, limits))
        if content not in IMAGE_FORMATS:
            raise ClipError(f"{path.name} is not a video: it is {described(content)}")
    elif not path.is_dir():
        raise ClipError(f"{path} is neither a file nor a folder")
    images = list_images(path, limits)
    count, width, height = len(images.paths), images.width, images.height
    return Clip(path, "images", IMAGES_FPS, count, width, height, None, images, images.focal_px, images.notes)


def _video(path: Path, facts: VideoFacts) -> Clip:
    size = (facts.width, facts.height)
    return Clip(path, "video", float(facts.rate), facts.frame_count, *size, facts, None, facts.focal_px, facts.notes)
