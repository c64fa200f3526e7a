"""Unpacking a ZIP of images that is untrusted input: nothing it says of itself is believed."""

from __future__ import annotations

import stat
import zipfile
from dataclasses import dataclass
from pathlib import Path, PurePath, PurePosixPath
from typing import Final

from ml.clip.image_set import (
    auxiliary_images,
    is_image,
    natural,
    notes_on_auxiliary,
    notes_on_folders,
    notes_on_others,
)
from ml.clip.media_limits import ClipError, Limits, readable
from ml.clip.media_types import ANIMATED_FORMATS, media_type_of
from ml.formats.archive import BROKEN, check_directory
from ml.formats.faults import FormatError

MAX_RATIO: Final = 100
"""Unpacked over packed size beyond which a member is a bomb, not an image; photographs stay near 1."""

MAX_MEMBERS: Final = 10_000
MAX_DIRECTORY: Final = 4 << 20
"""Bytes of the table of contents: what `MAX_MEMBERS` long names take."""

_CHUNK: Final = 1 << 20
_ENDINGS: Final = {"JPEG": ".jpg", "PNG": ".png", "WEBP": ".webp"}


@dataclass(frozen=True)
class UnpackedImages:
    """What came of an archive.

    Attributes:
        names: of each file on disk, its name within the archive.
        members: how many files the archive holds, without what operating systems add.
        notes: sentences on what was left out.
    """

    names: dict[str, str]
    members: int
    notes: tuple[str, ...]


def unpack_images(archive: Path, target: Path, limits: Limits) -> UnpackedImages:
    """Unpack the images of a ZIP into an existing, empty folder, in the natural order of their names.

    No name of the archive reaches the disk: images are called `00001.jpg`, …. Members that are no images are left out.

    Raises:
        ClipError: the archive is damaged, encrypted, hostile, outside the limits, or holds no images.
    """
    names: dict[str, PurePosixPath] = {}
    others: dict[PurePath, str] = {}
    try:
        check_directory(archive, archive.name, max_bytes=MAX_DIRECTORY)
        with zipfile.ZipFile(archive) as opened:
            members = _checked(opened, archive.name, limits)
            budget = limits.max_unpacked_bytes
            for info in members:
                raw, name = target / "member", PurePosixPath(info.filename.replace("\\", "/"))
                written = _copy(opened, info, raw, budget)
                if written > budget:
                    most = readable(limits.max_unpacked_bytes)
                    raise ClipError(f"{archive.name} unpacks to more than {most}, the most that is accepted")
                budget -= written
                content = media_type_of(raw)
                if content in ANIMATED_FORMATS or not is_image(content):
                    others[name] = content
                if not is_image(content):
                    raw.unlink()
                    continue
                stored = f"{len(names) + 1:05d}{_ENDINGS[ANIMATED_FORMATS.get(content, content)]}"
                names[stored] = name
                raw.rename(target / stored)
    except (*BROKEN, UnicodeError, FormatError) as error:
        raise ClipError(f"{archive.name} is a ZIP archive that cannot be unpacked ({error}); make it again") from error
    if not names:
        found = "".join(f"; {note}" for note in notes_on_others(others)).rstrip(".")
        raise ClipError(
            f"{archive.name} is a ZIP archive without JPEG, PNG or WebP images; upload a video, or a ZIP of images{found}"
        )
    auxiliary = [list(names)[k] for k in auxiliary_images(list(names.values()))]
    hidden = [names.pop(stored) for stored in auxiliary]
    for stored in auxiliary:
        (target / stored).unlink()
    notes = (
        *notes_on_folders(list(names.values())),
        *notes_on_others(others),
        *notes_on_auxiliary([name.name for name in hidden]),
    )
    shown = {stored: "".join(c for c in name.name if c.isprintable())[:80] for stored, name in names.items()}
    return UnpackedImages(shown, len(members), notes)


def _checked(opened: zipfile.ZipFile, name: str, limits: Limits) -> list[zipfile.ZipInfo]:
    infos = opened.infolist()
    if len(infos) > MAX_MEMBERS:
        raise ClipError(f"{name} holds {len(infos)} members; at most {MAX_MEMBERS} are read")
    members = [i for i in infos if not i.is_dir() and not _is_clutter(PurePosixPath(i.filename))]
    for info in members:
        where = f"{info.filename[:80]!r} in {name}"
        path = PurePosixPath(info.filename.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts or ":" in path.parts[0]:
            raise ClipError(f"{where} names a place outside the archive; archives of images name only what is inside")
        if stat.S_ISLNK(info.external_attr >> 16):
            raise ClipError(f"{where} is a symbolic link; put the image itself into the archive")
        if info.flag_bits & 1:
            raise ClipError(f"{where} is encrypted; make the archive without a password")
        if info.file_size > MAX_RATIO * max(info.compress_size, 1000):
            raise ClipError(f"{where} grows more than {MAX_RATIO}-fold when unpacked, which no image does")
    if len(members) > 2 * limits.max_images:
        raise ClipError(f"{name} holds {len(members)} files; at most {limits.max_images} images are accepted")
    claimed = sum(i.file_size for i in members)
    if claimed > limits.max_unpacked_bytes:
        raise ClipError(
            f"{name} holds {readable(claimed)} once unpacked; at most {readable(limits.max_unpacked_bytes)} are accepted"
        )
    return sorted(members, key=lambda i: natural(PurePosixPath(i.filename)))


def _copy(opened: zipfile.ZipFile, info: zipfile.ZipInfo, raw: Path, budget: int) -> int:
    """Unpack one member, counting what really comes out, for headers may lie; stop where the budget (bytes) ends."""
    written = 0
    with opened.open(info) as source, raw.open("wb") as sink:
        while written <= budget and (chunk := source.read(_CHUNK)):
            written += len(chunk)
            sink.write(chunk)
    return written


def _is_clutter(path: PurePosixPath) -> bool:
    """What operating systems add on their own."""
    return path.name.startswith(".") or "__MACOSX" in path.parts or path.name in ("Thumbs.db", "desktop.ini")
