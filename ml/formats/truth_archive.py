"""A benchmark's truth as it came: one file, or an archive whose files are unpacked flat into a folder. Untrusted input."""

from __future__ import annotations

import shutil
import stat
import zipfile
from pathlib import Path, PurePosixPath
from typing import Final

from ml.formats.archive import BROKEN, check_directory, check_packing, check_ratio, is_clutter, shortened
from ml.formats.faults import FormatError

MAX_UNPACKED: Final = 16 << 30
MAX_FILES: Final = 20_000
MAX_DIRECTORY: Final = 8 << 20
MAX_NAME: Final = 200
_PIECE: Final = 4 << 20


def unpack_truth(path: Path, target: Path, name: str) -> None:
    """Put the files of a truth into an existing, empty folder.

    Args:
        path: an archive; or anything else, which is copied as `truth` with its ending.
        target: the folder.
        name: how messages call the archive.

    Raises:
        FormatError: the archive is damaged, encrypted or hostile, or larger than the limits above.
    """
    if path.suffix == ".npz" or not zipfile.is_zipfile(path):
        shutil.copyfile(path, target / f"truth{path.suffix}")
        return
    try:
        check_directory(path, name, max_bytes=MAX_DIRECTORY)
        with zipfile.ZipFile(path) as archive:
            for info in _checked(archive, name):
                with archive.open(info) as source, (target / _flat(info)).open("xb") as sink:
                    shutil.copyfileobj(source, sink, _PIECE)
    except FileExistsError as error:
        raise FormatError(f"{name} holds two files called `{Path(error.filename).name}`") from error
    except FormatError:
        raise
    except (*BROKEN, OSError, ValueError) as error:
        raise FormatError(f"{name} is a zip archive that cannot be unpacked: {shortened(error)}; make it again") from error


def _checked(archive: zipfile.ZipFile, name: str) -> list[zipfile.ZipInfo]:
    infos = [info for info in archive.infolist() if not info.is_dir() and not is_clutter(info.filename)]
    size = sum(info.file_size for info in infos)
    if len(infos) > MAX_FILES or size > MAX_UNPACKED:
        most = f"at most {MAX_FILES} of {MAX_UNPACKED >> 30} GB are read"
        raise FormatError(f"{name} holds {len(infos)} files of {size / 1e9:.1f} GB; {most}")
    for info in infos:
        shown = f"`{info.filename[:80]}` in {name}"
        if not 0 < len(_flat(info).encode(errors="replace")) <= MAX_NAME:
            raise FormatError(f"the name of {shown} has no or more than {MAX_NAME} characters")
        if info.flag_bits & 1:
            raise FormatError(f"{shown} is encrypted; make the archive without a password")
        if stat.S_ISLNK(info.external_attr >> 16):
            raise FormatError(f"{shown} is a symbolic link, expected the file itself")
        check_packing(info, name)
        check_ratio(info, name)
    return infos


def _flat(info: zipfile.ZipInfo) -> str:
    return PurePosixPath(info.filename.replace("\\", "/")).name
