"""The one file within an untrusted `.zip`, checked before anything is unpacked."""

from __future__ import annotations

import errno
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Final

from ml.formats.faults import FormatError, kind_of

MAX_UNPACKED: Final = 8 << 30
"""Bytes of the largest file unpacked; HO3D's largest submissions are about one gigabyte."""
MAX_RATIO: Final = 100
"""Largest ratio of unpacked to packed; digits shrink two- to fourfold, white space a thousandfold."""
MAX_DIRECTORY: Final = 1 << 20
"""Bytes of the archive's table of contents, some ten thousand names."""
_PIECE: Final = 4 << 20
_SMALL: Final = 1 << 20
"""Bytes up to which a member may unpack to any multiple of its size."""
BROKEN: Final = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, NotImplementedError, RuntimeError)
"""What `zipfile` raises of a damaged or unusual archive, beside OSError and ValueError."""


@contextmanager
def unpacked(path: Path, suffix: str, *, name: str | None = None, max_bytes: int = MAX_UNPACKED) -> Iterator[Path]:
    """The file itself, or the one file with this suffix in the zip archive that it is, in a folder of its own while in use.

    Args:
        path: the file or archive.
        suffix: of the file wanted.
        name: how messages call the archive; its own name if not given.
        max_bytes: of the file once unpacked.

    Raises:
        FormatError: the archive is broken or dangerous, or does not hold exactly one such file.
    """
    if not path.is_file():
        raise FormatError(f"{path} is {'a folder' if path.is_dir() else 'missing'}, expected a file")
    with path.open("rb") as stream:
        is_zip = stream.read(2) == b"PK"
    if not is_zip:
        yield path
        return
    with TemporaryDirectory(prefix="palmares-") as folder:
        target = Path(folder) / f"content{suffix}"
        _unpack_one(path, suffix, target, max_bytes, name or path.name)
        yield target


def _unpack_one(path: Path, suffix: str, target: Path, max_bytes: int, name: str) -> None:
    try:
        check_directory(path, name)
        with zipfile.ZipFile(path) as archive:
            info = _the_one(archive.infolist(), suffix, name)
            check_packing(info, name)
            if info.file_size > max_bytes:
                claim = f"{info.filename} in {name} claims {info.file_size / 1e9:.1f} GB"
                raise FormatError(f"{claim}, at most {max_bytes / 1e9:.1f} GB are read")
            check_ratio(info, name)
            with archive.open(info) as source, target.open("wb") as out:
                while piece := source.read(_PIECE):
                    out.write(piece)
    except FormatError:
        raise
    except (*BROKEN, OSError, ValueError) as error:
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            raise  # the machine's fault, not the file's
        raise FormatError(f"{name} is a broken zip archive: {shortened(error)}") from error


def _the_one(infos: list[zipfile.ZipInfo], suffix: str, archive: str) -> zipfile.ZipInfo:
    for info in infos:
        parts = info.filename.replace("\\", "/").split("/")
        if info.filename.startswith(("/", "\\")) or ".." in parts or ":" in parts[0]:
            raise FormatError(
                f"{archive} holds `{info.filename}`, a path that leads out of the archive; expected `pred{suffix}`"
            )
        if stat.S_ISLNK(info.external_attr >> 16):
            raise FormatError(f"{archive} holds `{info.filename}`, a symbolic link; expected `pred{suffix}`")
        if info.flag_bits & 1:
            raise FormatError(f"`{info.filename}` in {archive} is encrypted; expected a plain `pred{suffix}`")
    wanted = [i for i in infos if i.filename.lower().endswith(suffix) and not i.is_dir() and not is_clutter(i.filename)]
    named = [i for i in wanted if PurePosixPath(i.filename.replace("\\", "/")).name == f"pred{suffix}"]
    if len(named) == 1:  # beside other files the official scripts take this one
        return named[0]
    if len(wanted) != 1:
        held = ", ".join(f"`{i.filename}`" for i in (wanted or infos)[:5]) or "nothing"
        raise FormatError(f"{archive} holds {held}; expected one `{suffix}` file, `pred{suffix}`")
    return wanted[0]


def is_clutter(name: str) -> bool:
    """Whether a member is what operating systems and notebooks add on their own: hidden files, resource forks."""
    parts = name.replace("\\", "/").split("/")
    return any(part.startswith(".") and part not in (".", "..") for part in parts) or "__MACOSX" in parts


def shortened(error: Exception) -> str:
    """The text of an error that may repeat what an untrusted file says, at most 200 characters."""
    return str(error)[:200]


def check_ratio(info: zipfile.ZipInfo, archive: str, *, most: int = MAX_RATIO) -> None:
    """Refuse a large member that unpacks to more than `most` times its packed size: neither digits nor floats shrink so."""
    ratio = info.file_size / max(info.compress_size, 1)
    if info.file_size > _SMALL and ratio > most:
        raise FormatError(
            f"{info.filename[:80]} in {archive} unpacks to {ratio:.0f} times its size, expected at most {most}: is it white "
            "space or zeros?"
        )


def check_packing(info: zipfile.ZipInfo, archive: str) -> None:
    """Refuse what neither `zip` nor numpy writes: other methods than deflation are slow, and their errors are many."""
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise FormatError(
            f"`{info.filename}` in {archive} is packed by method {info.compress_type}, expected stored or deflated, as by `zip`"
        )


def check_directory(path: Path, name: str, max_bytes: int = MAX_DIRECTORY) -> None:
    """Refuse a table of contents that would fill the memory when `zipfile` reads it; messages call the archive `name`."""
    size = path.stat().st_size
    with path.open("rb") as stream:
        stream.seek(max(size - 65_557, 0))
        tail = stream.read()
        place = tail.rfind(b"PK\x05\x06")
        if place < 0 or len(tail) < place + 22:
            raise FormatError(f"{name} is {kind_of(path)} without its end: the file is truncated")
        (length,) = struct.unpack_from("<I", tail, place + 12)
        locator = tail[place - 20 : place] if place >= 20 else b""
        if locator.startswith(b"PK\x06\x07"):
            stream.seek(min(struct.unpack_from("<Q", locator, 8)[0], size))
            record = stream.read(56)
            if len(record) < 56:
                raise FormatError(f"{name} is a broken zip archive: its table of contents lies beyond its end")
            length = struct.unpack_from("<Q", record, 40)[0]
    if length > max_bytes:
        raise FormatError(f"{name} has a table of contents of {length} bytes; expected at most {max_bytes}: fewer files")
