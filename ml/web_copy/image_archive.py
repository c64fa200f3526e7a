"""Unpacking a ZIP of images that is untrusted input: nothing it says of itself is believed."""

from __future__ import annotations

import stat
import zipfile
from pathlib import Path, PurePosixPath
from typing import Final

from ml.clip.image_set import natural
from ml.clip.media_limits import ClipError, Limits, readable
from ml.clip.media_types import IMAGE_FORMATS, media_type_of
from ml.formats.archive import BROKEN

MAX_RATIO: Final = 100
"""Unpacked over packed size beyond which a member is a bomb, not an image; photographs stay near 1."""

MAX_MEMBERS: Final = 10_000
_CHUNK: Final = 1 << 20
_ENDINGS: Final = {"JPEG": ".jpg", "PNG": ".png", "WEBP": ".webp"}


def unpack_images(archive: Path, target: Path, limits: Limits) -> int:
    """Unpack the images of a ZIP into an existing, empty folder, in the natural order of their names.

    No name of the archive reaches the disk: images are called `00001.jpg`, …. Members that are no images are left out.

    Returns:
        How many members were left out.

    Raises:
        ClipError: the archive is damaged, encrypted, hostile, outside the limits, or holds no images.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            members = _checked(opened, archive.name, limits)
            kept, budget = 0, limits.max_unpacked_bytes
            for info in members:
                raw = target / "member"
                written = _copy(opened, info, raw, budget)
                if written > budget:
                    most = readable(limits.max_unpacked_bytes)
                    raise ClipError(f"{archive.name} unpacks to more than {most}, the most that is accepted")
                budget -= written
                content = media_type_of(raw)
                if content not in IMAGE_FORMATS:
                    raw.unlink()
                    continue
                kept += 1
                raw.rename(target / f"{kept:05d}{_ENDINGS[content]}")
    except (*BROKEN, UnicodeError) as error:
        raise ClipError(f"{archive.name} is a ZIP archive that cannot be unpacked ({error}); make it again") from error
    if not kept:
        raise ClipError(f"{archive.name} is a ZIP archive without JPEG, PNG or WebP images; upload a video, or a ZIP of images")
    return len(members) - kept


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
