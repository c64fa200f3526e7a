"""Sets of images: a folder's JPEG, PNG and WebP files in name order, on one canvas."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Final

import numpy as np
from PIL import Image, UnidentifiedImageError

from ml.clip.focal_length import focal_from_exif
from ml.clip.media_limits import ClipError, Limits, readable
from ml.clip.media_types import ANIMATED_FORMATS, IMAGE_FORMATS, VIDEO_FORMATS, described, media_type_of
from ml.clip.orientation import orientation_of_exif

MAX_ENTRIES: Final = 20_000
"""Files and folders that are looked at in search of images."""

_ORIENTATION, _EXIF = 0x0112, 0x8769
_AUXILIARY: Final = frozenset(("depth", "disparity", "seg", "segmentation", "mask", "masks"))
"""Words by which data sets name what belongs to a colour image but is none."""

_UNREADABLE: Final = (OSError, SyntaxError, ValueError)


@dataclass(frozen=True)
class ImageSet:
    """Images and their canvas.

    The canvas is as wide as the widest and as high as the highest image, once upright; an image of another size is
    scaled to fit, centred, on black: a camera's principal point stays in the middle, and its field of view across the
    longer side stays what it was.

    Attributes:
        paths: the images, in order.
        width, height: pixels of the canvas.
        notes: sentences on what was left out.
        focal_px: focal length by EXIF, pixels, where all images have one size and agree.
    """

    paths: tuple[Path, ...]
    width: int
    height: int
    notes: tuple[str, ...] = ()
    focal_px: float | None = None


@dataclass(frozen=True)
class _Header:
    width: int
    height: int
    is_deep_grey: bool
    focal_px: float | None


def list_images(path: Path, limits: Limits) -> ImageSet:
    """The images of a folder in natural name order (`2.jpg` before `10.jpg`), or a single image.

    Files that are no images are passed over, as are hidden ones; folders within only where images lie beside them. Depth
    maps and masks beside colour images are left out.

    Raises:
        ClipError: there is no image, or something is outside the limits.
    """
    types = _files(path) if path.is_dir() else {path: media_type_of(path)}
    images = [p for p, kind in types.items() if is_image(kind)]
    if not images:
        found = "".join(f"; {p.name} is {_what(kind)}" for p, kind in [*types.items()][:1]) or ": it is empty"
        raise ClipError(f"{path.name} holds no JPEG, PNG or WebP images{found}")
    relative = [p.relative_to(path) if path.is_dir() else PurePath(p.name) for p in images]
    auxiliary = {images[k] for k in auxiliary_images(relative)}
    images = [p for p in images if p not in auxiliary]
    if len(images) > limits.max_images:
        raise ClipError(f"{path.name} holds {len(images)} images; at most {limits.max_images} are accepted")
    total = sum(p.stat().st_size for p in images)
    if total > limits.max_bytes:
        most = readable(limits.max_bytes)
        raise ClipError(f"the images of {path.name} have {readable(total)}; at most {most} are accepted")
    headers = {p: _header(p, limits) for p in images}
    deep = {p for p, header in headers.items() if header.is_deep_grey}
    if len(deep) < len(headers):
        auxiliary |= deep
    headers = {p: header for p, header in headers.items() if p not in auxiliary}
    limits.check_total(path, len(headers), sum(h.width * h.height for h in headers.values()), images=True)
    width, height = (max(getattr(h, side) for h in headers.values()) for side in ("width", "height"))
    limits.check_image(path, width, height)
    limits.check_shape(path, width, height)
    notes = (
        *notes_on_folders([p.relative_to(path) for p in headers] if path.is_dir() else []),
        *notes_on_others({PurePath(p.name): kind for p, kind in types.items() if p not in auxiliary}),
        *notes_on_auxiliary(sorted(p.name for p in auxiliary)),
    )
    return ImageSet(tuple(headers), width, height, notes, _common_focal(list(headers.values())))


def is_image(kind: str) -> bool:
    """Whether a media type is one that a set may hold."""
    return kind in IMAGE_FORMATS or kind in ANIMATED_FORMATS


def auxiliary_images(names: Sequence[PurePath]) -> list[int]:
    """Indices of depth maps and masks, by the words in names and folders; none where all images would be."""
    found = [k for k, name in enumerate(names) if _AUXILIARY.intersection(re.split(r"[^a-z]+", name.as_posix().lower()))]
    return found if len(found) < len(names) else []


def notes_on_folders(names: Sequence[PurePath]) -> list[str]:
    """A sentence where images come from several folders."""
    folders = list(dict.fromkeys(name.parent.as_posix() for name in names))
    return [f"Images of {len(folders)} folders are taken one after the other: {_some(folders)}."] if len(folders) > 1 else []


def notes_on_others(types: Mapping[PurePath, str]) -> list[str]:
    """Sentences on files among images that a person may have meant as part of the set, by their media types."""
    notes = []
    for title, kinds, remedy in (
        ("HEIF or AVIF images", ("HEIF",), "export them as JPEG"),
        ("Videos", VIDEO_FORMATS, "upload each by itself"),
        ("GIF images", ("gif",), "export them as JPEG or PNG"),
    ):
        names = [name.name for name, kind in types.items() if kind in kinds]
        if names:
            notes.append(f"{title} left out ({len(names)}): {_some(names)}; {remedy}.")
    names = [name.name for name, kind in types.items() if kind in ANIMATED_FORMATS]
    if names:
        notes.append(f"Only the first image was taken of {_some(names)}; upload an animation by itself to have all its frames.")
    return notes


def notes_on_auxiliary(names: Sequence[str]) -> list[str]:
    """A sentence on depth maps and masks that were left out."""
    return [f"Depth maps or masks left out ({len(names)}): {_some(names)}."] if names else []


def image_frames(images: ImageSet, span: range, size: tuple[int, int]) -> Iterator[np.ndarray]:
    """The images `span`, uint8 [height, width, 3], RGB, upright, on the canvas scaled to `size` (width, height)."""
    for index in span:
        yield _on_canvas(images.paths[index], size)


def natural(path: PurePath) -> tuple[list[tuple[int, int | str]], str]:
    """Sorting key that reads runs of digits as numbers, whatever the case of letters."""
    parts = re.split(r"([0-9]+)", path.as_posix().lower())
    return [(0, int(p)) if p.isdigit() else (1, p) for p in parts if p], path.name


def _files(folder: Path) -> dict[Path, str]:
    """Media types of a folder's own files where an image is among them, else of those of the folders within it."""
    own = {p: _type(p) for p in folder.iterdir() if p.is_file() and not p.name.startswith(".")}
    if not any(is_image(kind) for kind in own.values()):
        within: list[Path] = []
        for place, folders, names in os.walk(folder):
            folders[:] = [name for name in folders if not name.startswith(".")]
            if Path(place) != folder:
                within += [p for name in names if not name.startswith(".") and (p := Path(place, name)).is_file()]
            if len(within) + len(folders) > MAX_ENTRIES:
                raise ClipError(f"{folder.name} holds more than {MAX_ENTRIES} files; choose the folder of the images itself")
        own |= {p: _type(p) for p in within}
    return dict(sorted(own.items(), key=lambda item: natural(item[0])))


def _type(path: Path) -> str:
    return media_type_of(path) if path.stat().st_size else "empty"


def _header(path: Path, limits: Limits) -> _Header:
    try:
        with _opened(path) as image:
            width, height = image.size
            exif = _exif(image)
            orientation = orientation_of_exif(exif.get(_ORIENTATION))
            focal = focal_from_exif(exif.get_ifd(_EXIF), width, height)
            deep = image.mode.startswith("I")
    except ClipError:
        raise
    except _UNREADABLE as error:
        raise ClipError(f"{path.name} is an image that cannot be read ({error}); export it again") from error
    limits.check_image(path, width, height)
    return _Header(*orientation.size(width, height), deep, focal)


def _common_focal(headers: list[_Header]) -> float | None:
    focals = [h.focal_px for h in headers if h.focal_px]
    sizes = {(h.width, h.height) for h in headers}
    same = len(focals) == len(headers) and len(sizes) == 1 and max(focals) <= 1.01 * min(focals)
    return float(np.median(focals)) if same else None


def _on_canvas(path: Path, size: tuple[int, int]) -> np.ndarray:
    try:
        with _opened(path) as image:
            orientation = orientation_of_exif(_exif(image).get(_ORIENTATION))
            image.draft("RGB", orientation.size(*size))
            inner = _fitted(orientation.size(*image.size), size)
            stored = _rgb(image)
            if stored.size != orientation.size(*inner):
                stored = stored.resize(orientation.size(*inner), Image.Resampling.LANCZOS, reducing_gap=3.0)
    except ClipError:
        raise
    except _UNREADABLE as error:
        raise ClipError(f"{path.name} cannot be decoded ({error}): it is damaged or was cut off; export it again") from error
    upright = orientation.apply(np.asarray(stored))
    if inner == size:
        return upright
    canvas = np.zeros((size[1], size[0], 3), np.uint8)
    left, top = (size[0] - inner[0]) // 2, (size[1] - inner[1]) // 2
    canvas[top : top + inner[1], left : left + inner[0]] = upright
    return canvas


def _exif(image: Image.Image) -> Image.Exif:
    """EXIF data in front of the pixels; a PNG's own method would decode the pixels to look behind them too."""
    return Image.Image.getexif(image)


def _fitted(image: tuple[int, int], size: tuple[int, int]) -> tuple[int, int]:
    scale = min(size[0] / image[0], size[1] / image[1])
    return max(1, round(image[0] * scale)), max(1, round(image[1] * scale))


def _rgb(image: Image.Image) -> Image.Image:
    """The image with 8 bits a channel; of 16 the upper ones, which Pillow would clip."""
    if image.mode == "RGB":
        image.load()
        return image
    if not image.mode.startswith("I"):
        return image.convert("RGB")
    deep = np.asarray(image)
    return Image.fromarray((np.clip(deep, 0, 65535) / 257).round().astype(np.uint8)).convert("RGB")


def _opened(path: Path) -> Image.Image:
    with warnings.catch_warnings():
        # Our own limit on pixels is checked before anything is decoded; of a damaged second view the first is still good.
        warnings.simplefilter("ignore")
        try:
            return Image.open(path, formats=IMAGE_FORMATS)
        except (UnidentifiedImageError, Image.DecompressionBombError) as error:
            raise ClipError(f"{path.name} is not an image that can be read; export it again as JPEG or PNG") from error


def _what(kind: str) -> str:
    return "empty (0 bytes)" if kind == "empty" else "a video" if kind in VIDEO_FORMATS else described(kind)


def _some(names: Sequence[str]) -> str:
    shown = ["".join(c for c in name if c.isprintable())[:80] for name in names[:3]]
    return ", ".join(shown) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
