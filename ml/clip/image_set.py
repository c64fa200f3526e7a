"""Sets of images: a folder's JPEG, PNG and WebP files in name order, on one canvas."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from ml.clip.media_limits import ClipError, Limits, readable
from ml.clip.media_types import IMAGE_FORMATS, VIDEO_FORMATS, described, media_type_of

_ORIENTATION = 0x0112
_SIDEWAYS = (5, 6, 7, 8)


@dataclass(frozen=True)
class ImageSet:
    """Images and their canvas.

    The canvas is as wide as the widest and as high as the highest image, once upright; an image of another size is
    scaled to fit, centred, on black: a camera's principal point stays in the middle, and its field of view across the
    longer side stays what it was.
    """

    paths: tuple[Path, ...]
    width: int
    height: int


def list_images(path: Path, limits: Limits) -> ImageSet:
    """The images of a folder in natural name order (`2.jpg` before `10.jpg`), or a single image.

    Files that are no images are passed over, as are hidden ones and folders within.

    Raises:
        ClipError: there is no image, or something is outside the limits.
    """
    files = (
        sorted((p for p in path.iterdir() if p.is_file() and not p.name.startswith(".")), key=natural)
        if path.is_dir()
        else [path]
    )
    images = [p for p in files if p.stat().st_size and media_type_of(p) in IMAGE_FORMATS]
    if not images:
        found = f"; {files[0].name} is {_what(files[0])}" if files else ": it is empty"
        raise ClipError(f"{path.name} holds no JPEG, PNG or WebP images{found}")
    if len(images) > limits.max_images:
        raise ClipError(f"{path.name} holds {len(images)} images; at most {limits.max_images} are accepted")
    total = sum(p.stat().st_size for p in images)
    if total > limits.max_bytes:
        raise ClipError(f"the images of {path.name} have {readable(total)}; at most {readable(limits.max_bytes)} are accepted")
    sizes = np.array([_upright_size(p, limits) for p in images])
    width, height = (int(s) for s in sizes.max(axis=0))
    return ImageSet(tuple(images), width, height)


def image_frames(images: ImageSet, span: range, size: tuple[int, int]) -> Iterator[np.ndarray]:
    """The images `span`, uint8 [height, width, 3], RGB, upright, on the canvas scaled to `size` (width, height)."""
    for index in span:
        yield _on_canvas(images.paths[index], size)


def natural(path: PurePath) -> tuple[list[tuple[int, int | str]], str]:
    """Sorting key that reads runs of digits as numbers, whatever the case of letters."""
    parts = re.split(r"([0-9]+)", path.as_posix().lower())
    return [(0, int(p)) if p.isdigit() else (1, p) for p in parts if p], path.name


def _upright_size(path: Path, limits: Limits) -> tuple[int, int]:
    try:
        with _opened(path) as image:
            width, height = image.size
            sideways = image.getexif().get(_ORIENTATION) in _SIDEWAYS
    except (OSError, SyntaxError, ValueError) as error:
        raise ClipError(f"{path.name} is an image that cannot be read ({error}); export it again") from error
    if width * height > limits.max_image_pixels:
        allowed = limits.max_image_pixels / 1e6
        raise ClipError(f"{path.name} is {width} × {height} pixels; at most {allowed:g} megapixels are accepted")
    return (height, width) if sideways else (width, height)


def _on_canvas(path: Path, size: tuple[int, int]) -> np.ndarray:
    try:
        with _opened(path) as image:
            image.draft("RGB", size)
            upright = ImageOps.exif_transpose(image).convert("RGB")
    except (OSError, SyntaxError, ValueError) as error:
        raise ClipError(f"{path.name} cannot be decoded ({error}): it is damaged or was cut off; export it again") from error
    if upright.size != size:
        upright = ImageOps.pad(upright, size, method=Image.Resampling.LANCZOS, color=(0, 0, 0))
    return np.asarray(upright)


def _opened(path: Path) -> Image.Image:
    with warnings.catch_warnings():
        # Our own limit on pixels is checked before anything is decoded.
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        try:
            return Image.open(path, formats=IMAGE_FORMATS)
        except (UnidentifiedImageError, Image.DecompressionBombError) as error:
            raise ClipError(f"{path.name} is not an image that can be read; export it again as JPEG or PNG") from error


def _what(path: Path) -> str:
    if not path.stat().st_size:
        return "empty (0 bytes)"
    content = media_type_of(path)
    return "a video" if content in VIDEO_FORMATS else described(content)
