"""From a file that someone brought to what the platform keeps of it: a seekable web copy, thumbnails, facts.

**The web copy's pixels are the pixels of everything downstream.** Methods run on `web.mp4`, keypoints and intrinsics
are in its frame, the viewer draws on it. An intrinsics matrix given for the original is multiplied by
`diag(width / source_width, height / source_height, 1)`. A set of images becomes a `web.mp4` too, one frame an image,
each a keyframe: then there is one way to read, to seek and to draw; only the kind says that nothing may be smoothed.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from PIL import Image

from ml.clip import Clip, ClipError, Limits, open_clip
from ml.clip.encode import web_video
from ml.clip.media_types import media_type_of
from ml.clip.timing import nearest_sources
from ml.progress import ProgressCallback
from ml.web_copy.image_archive import UnpackedImages, unpack_images

WEB_VIDEO: Final = "web.mp4"
POSTER: Final = "poster.jpg"
FILMSTRIP: Final = "filmstrip.jpg"
TIMESTAMPS: Final = "timestamps.npz"
FACTS: Final = "facts.json"

_UNPACKED: Final = "unpacked-images"
"""Folder of an archive's images, whose name messages replace by the archive's own."""

LONGER_SIDE: Final = 1280
"""Largest width or height of the web copy, pixels: MediaPipe looks at 192 and 224 pixels, a page shows about 1000."""

VIDEO_QUALITY: Final = 20
"""x264's constant rate factor for videos, whose own coding noise is not worth keeping. Methods run on the copy: median
distance of MediaPipe's world landmarks from those of the original 0.66 and 0.80 mm (two clips), size 1.9 and 1.8 times the
original; at 12 it is 0.48 and 0.55 mm at 4.9 and 5.1 times, and 4:2:0 alone, without loss, costs 0.35 mm."""

THUMBNAILS: Final = 12
THUMBNAIL_HEIGHT: Final = 90
POSTER_WIDTH: Final = 640
PROGRESS_EVERY: Final = 8
_VIDEO_ENDINGS: Final = (
    *(".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm", ".mpg", ".mpeg", ".ts", ".mts", ".m2ts", ".3gp", ".wmv", ".mxf", ".dv"),
)


@dataclass(frozen=True)
class WebCopyFacts:
    """Facts of what was ingested; the files lie in the target folder under this module's names.

    Attributes:
        kind: `video` or `images`.
        fps, frame_count, width, height, duration: of the web copy (s, pixels).
        source_width, source_height: pixels of the original, upright.
        rotation: degrees counter-clockwise by which the original's frames were turned upright.
        mirrored: whether left and right of the original's frames changed places, before they were turned.
        focal_px: focal length in pixels of the original, where its metadata say it.
        codec: of the original; of images `images`.
        source_frame_count: frames of the original.
        variable_rate: whether the original's frames were not evenly spaced.
        duplicates, drops: frames shown twice, and left out, to make the rate constant.
        left_out: files of an archive that are no images, or depth maps and masks beside them.
        notes: sentences on what was left out, assumed or mended.
        sha256, size: of the original, hexadecimal and bytes.
        thumbnails: how many the filmstrip holds, side by side.
    """

    kind: Literal["video", "images"]
    fps: float
    frame_count: int
    width: int
    height: int
    duration: float
    source_width: int
    source_height: int
    rotation: int
    mirrored: bool
    focal_px: float | None
    codec: str
    source_frame_count: int
    variable_rate: bool
    duplicates: int
    drops: int
    left_out: int
    notes: list[str]
    sha256: str
    size: int
    thumbnails: int

    def facts(self) -> dict[str, Any]:
        """All of it, as JSON holds it."""
        return asdict(self)


def make_web_copy(
    source: Path, target_dir: Path, *, progress: ProgressCallback, limits: Limits | None = None, name: str | None = None
) -> WebCopyFacts:
    """Make the web copy, poster, filmstrip, table of timestamps and facts of a video or a set of images.

    `target_dir` appears in one step when everything is made, in place of an earlier one; after an error there is nothing new.

    Args:
        source: a video, an image, a folder of images, or a ZIP of images.
        target_dir: the folder to make.
        progress: told the stage and the fraction done; it may raise, to cancel.
        limits: what is accepted.
        name: the file's name as its owner knows it, for messages.

    Raises:
        ClipError: the file cannot be accepted; one sentence that says why.
    """
    limits = limits or Limits()
    label = name or source.name
    unpacked: UnpackedImages | None = None
    try:
        with _published(target_dir) as folder, tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
            progress("checking", 0.0)
            images = Path(scratch, _UNPACKED)
            if _is_archive(source, limits, label):
                images.mkdir()
                unpacked = unpack_images(source, images, limits)
            clip = open_clip(images if unpacked else source, limits)
            sha256, size = _checksum(source, progress)
            table = _write_timestamps(clip, folder / TIMESTAMPS)
            web = web_size(clip.width, clip.height)
            thumbnails = _write_images(clip, folder, web, progress)
            left_out = unpacked.members - clip.frame_count if unpacked else 0
            notes = [_named(n, unpacked) for n in (*(unpacked.notes if unpacked else ()), *clip.notes)]
            made = WebCopyFacts(
                **_facts_of(clip, table, web), left_out=left_out, notes=notes, sha256=sha256, size=size, thumbnails=thumbnails
            )
            (folder / FACTS).write_text(json.dumps(made.facts(), indent=1))
    except ClipError as error:
        sentence = str(error).replace(source.name, label).replace(_UNPACKED, label)
        raise ClipError(_named(sentence, unpacked)) from error
    progress("ready", 1.0)
    return made


def _facts_of(clip: Clip, table: np.ndarray, web: tuple[int, int]) -> dict[str, Any]:
    """What `WebCopyFacts` says of a clip, its table of source frames and the web copy's size."""
    video, shown = clip.video, len(np.unique(table))
    source_frames = len(video.times) if video else clip.frame_count
    return {
        "kind": clip.kind,
        "fps": clip.fps,
        "frame_count": clip.frame_count,
        "width": web[0],
        "height": web[1],
        "duration": clip.frame_count / clip.fps,
        "source_width": clip.width,
        "source_height": clip.height,
        "rotation": video.orientation.rotation if video else 0,
        "mirrored": bool(video and video.orientation.mirrored),
        "focal_px": clip.focal_px,
        "codec": video.codec if video else "images",
        "source_frame_count": source_frames,
        "variable_rate": bool(video and not video.one_to_one),
        "duplicates": clip.frame_count - shown,
        "drops": source_frames - shown,
    }


def web_size(width: int, height: int) -> tuple[int, int]:
    """Size of the web copy of a clip, pixels: both even, the longer side at most `LONGER_SIDE`, never enlarged."""
    scale = min(1.0, LONGER_SIDE / max(width, height))
    return max(2, round(width * scale / 2) * 2), max(2, round(height * scale / 2) * 2)


@contextmanager
def _published(target: Path) -> Iterator[Path]:
    target.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}-"))
    try:
        inner = folder / "new"
        inner.mkdir()
        yield inner
        if target.exists():
            target.rename(folder / "old")
        inner.rename(target)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _is_archive(source: Path, limits: Limits, label: str) -> bool:
    if not source.is_file():
        return False
    limits.check_size(source)
    if media_type_of(source) != "zip":
        return False
    if label.lower().endswith(_VIDEO_ENDINGS):
        raise ClipError(f"{label} is a ZIP archive, not a video; unpack it, or name it .zip if it holds images")
    return True


def _named(sentence: str, unpacked: UnpackedImages | None) -> str:
    """A sentence with the names that files have in the archive, not those they were unpacked under."""
    names = unpacked.names if unpacked else {}
    return re.sub(r"[0-9]{5}\.(?:jpg|png|webp)", lambda found: names.get(found[0], found[0]), sentence)


def _checksum(source: Path, progress: ProgressCallback) -> tuple[str, int]:
    """SHA-256 and size of a file; of a folder, of its files' own checksums in name order."""
    digest, done = hashlib.sha256(), 0
    if source.is_dir():
        parts = [_checksum(p, lambda *_: None) for p in sorted(source.iterdir()) if p.is_file()]
        for part, _ in parts:
            digest.update(bytes.fromhex(part))
        return digest.hexdigest(), sum(size for _, size in parts)
    total = max(1, source.stat().st_size)
    with source.open("rb") as stream:
        while chunk := stream.read(1 << 22):
            digest.update(chunk)
            done += len(chunk)
            progress("checking", done / total)
    return digest.hexdigest(), done


def _write_timestamps(clip: Clip, path: Path) -> np.ndarray:
    """Keep when each original frame was shown and which one each frame of the web copy is.

    Arrays: `source_seconds` float64 [source frames], `source_index` int32 [frame_count].
    """
    if clip.video is None:
        seconds, index = np.arange(clip.frame_count) / clip.fps, np.arange(clip.frame_count, dtype=np.int32)
    else:
        seconds, index = clip.video.times, nearest_sources(clip.video.times, clip.video.rate, clip.frame_count)
    np.savez(path, source_seconds=seconds, source_index=index)
    return index


def _write_images(clip: Clip, folder: Path, size: tuple[int, int], progress: ProgressCallback) -> int:
    """Decode once: the web copy frame by frame, the poster and the filmstrip on the way."""
    shown = np.unique(np.linspace(0, clip.frame_count - 1, THUMBNAILS).round().astype(int)).tolist()
    thumb = (max(1, round(THUMBNAIL_HEIGHT * size[0] / size[1])), THUMBNAIL_HEIGHT)
    strip = Image.new("RGB", (thumb[0] * len(shown), thumb[1]))
    for index, pixels_of in enumerate(_web_copy(clip, folder / WEB_VIDEO, size)):
        if index % PROGRESS_EVERY == 0:
            progress("web copy", index / clip.frame_count)
        if index in shown:
            image = Image.fromarray(pixels_of())
            place = shown.index(index)
            strip.paste(image.resize(thumb, Image.Resampling.BOX), (thumb[0] * place, 0))
            if place == len(shown) // 2:
                image.thumbnail((POSTER_WIDTH, POSTER_WIDTH))
                image.save(folder / POSTER, quality=85)
    strip.save(folder / FILMSTRIP, quality=80)
    return len(shown)


def _web_copy(clip: Clip, path: Path, size: tuple[int, int]) -> Iterator[Callable[[], np.ndarray]]:
    """Write the web copy; give for each frame written a function that makes its RGB image."""
    if clip.video is None:
        with web_video(path, clip.rate, size, interval=1) as writer:
            for image in clip.frames(size=size):
                writer.write(image)
                yield partial(np.asarray, image)
        return
    with web_video(path, clip.rate, size, quality=VIDEO_QUALITY, colour=clip.video.colour) as writer:
        for frame in clip.planar_frames(size):
            writer.write_planar(frame)
            yield partial(frame.to_ndarray, format="rgb24", threads=1)
