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
from ml.clip.media_types import IMAGE_FORMATS, VIDEO_FORMATS, described, media_type_of
from ml.clip.video import Output, VideoFacts, planar, probe_video, rgb, video_frames

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
    """

    path: Path
    kind: Literal["video", "images"]
    fps: float
    frame_count: int
    width: int
    height: int
    video: VideoFacts | None = field(default=None, repr=False, compare=False)
    images: ImageSet | None = field(default=None, repr=False, compare=False)

    def frames(self, *, start: int = 0, stop: int | None = None, size: tuple[int, int] | None = None) -> Iterator[np.ndarray]:
        """The images from `start` to before `stop`, uint8 [height, width, 3], RGB, upright; exactly that many.

        Memory does not grow with the clip. Arrays are not to be written to: a repeated frame is the same array.

        Args:
            start: index of the first.
            stop: index after the last; the clip's end unless told.
            size: width and height to scale to, pixels; the clip's own unless told.

        Raises:
            ClipError: an image cannot be decoded, or the video ends early.
        """
        span = range(start, self.frame_count if stop is None else min(stop, self.frame_count))
        size = size or (self.width, self.height)
        if self.kind == "images":
            return image_frames(self.images or list_images(self.path, Limits()), span, size)
        return self._video_frames(span, lambda frame, rotation: rgb(frame, size, rotation))

    def planar_frames(self, size: tuple[int, int]) -> Iterator[VideoFrame]:
        """All images of a video in 4:2:0, upright, scaled to a `size` (width, height; both even): for encoding."""
        return self._video_frames(range(self.frame_count), lambda frame, rotation: planar(frame, size, rotation))

    @property
    def rate(self) -> Fraction:
        """Frames a second, exactly."""
        return self.video.rate if self.video else Fraction(self.fps).limit_denominator(1001)

    def _video_frames(self, span: range, convert: Callable[[VideoFrame, int], Output]) -> Iterator[Output]:
        if not span:
            return iter(())
        origin = float(self.video.times[0]) if self.video else None
        rotation = self.video.rotation if self.video else 0
        return video_frames(self.path, self.rate, span, origin=origin, convert=lambda frame: convert(frame, rotation))


def open_clip(path: str | Path, limits: Limits | None = None) -> Clip:
    """Probe a video file, a folder of images or a single image.

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
        if content not in IMAGE_FORMATS:
            if content not in VIDEO_FORMATS:
                raise ClipError(f"{path.name} is not a video: it is {described(content)}")
            return _video(path, limits)
    elif not path.is_dir():
        raise ClipError(f"{path} is neither a file nor a folder")
    images = list_images(path, limits)
    return Clip(path, "images", IMAGES_FPS, len(images.paths), images.width, images.height, images=images)


def _video(path: Path, limits: Limits) -> Clip:
    facts = probe_video(path, limits)
    width, height = facts.upright_size
    return Clip(path, "video", float(facts.rate), facts.frame_count, width, height, video=facts)
