"""Arrays from untrusted `.npz` files: nothing is unpickled, sizes and types are known before data is read."""

from __future__ import annotations

import io
import tokenize
import zipfile
from pathlib import Path
from typing import IO, BinaryIO, Final

import numpy as np

from ml.formats.archive import BROKEN, check_packing, check_ratio
from ml.formats.faults import FormatError, kind_of

BROKEN_ARRAY: Final = (
    *(*BROKEN, ValueError, TypeError, OSError),
    *(SyntaxError, tokenize.TokenError, MemoryError),  # the header of an array is read as Python source
)
"""What NumPy raises for a damaged array."""


def open_npz(source: str | Path | BinaryIO, *, max_bytes: int, name: str = "the file") -> zipfile.ZipFile:
    """Open the archive, once its claims are within bounds.

    Raises:
        FormatError: no archive, a member twice or packed in an unusual way, or more than `max_bytes` once unpacked.
    """
    try:
        archive = zipfile.ZipFile(source)
    except (*BROKEN, OSError, ValueError) as error:
        is_file = isinstance(source, str | Path) and Path(source).is_file()
        what = f": it is {kind_of(Path(source))}" if is_file else f": {error}"  # type: ignore[arg-type]
        raise FormatError(f"{name} is not a .npz archive{what}") from error
    try:
        infos = archive.infolist()
        if len({info.filename for info in infos}) != len(infos):
            raise FormatError(f"{name}: a member occurs twice")
        for info in infos:
            check_packing(info, name)
            check_ratio(info, name)
        total = sum(info.file_size for info in infos)
        if total > max_bytes:
            raise FormatError(f"{name}: {total / 1e9:.1f} GB once unpacked, at most {max_bytes / 1e9:.1f} GB are read")
    except FormatError:
        archive.close()
        raise
    return archive


def read_member(archive: zipfile.ZipFile, name: str) -> np.ndarray:
    """One array of the archive.

    Raises:
        FormatError: it is missing, holds Python objects, or is not what its header claims.
    """
    try:
        info = archive.getinfo(f"{name}.npy")
    except KeyError:
        held = ", ".join(sorted(n.removesuffix(".npy") for n in archive.namelist())[:20])
        raise FormatError(f"`{name}` is missing; the archive holds {held or 'nothing'}") from None
    try:
        with archive.open(info) as stream:
            return read_array(stream, info.file_size, name)
    except FormatError:
        raise
    except BROKEN_ARRAY as error:
        raise FormatError(f"`{name}` cannot be read: {error}") from error


def read_array(stream: IO[bytes], size: int, name: str) -> np.ndarray:
    """One array of the form `.npy`, from the beginning of a stream of `size` bytes that can go back to it.

    Raises:
        FormatError: it holds Python objects, or is not what its header claims.
    """
    try:
        version = np.lib.format.read_magic(stream)  # type: ignore[no-untyped-call]
        reader = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = reader(stream)  # type: ignore[no-untyped-call]
        if dtype.hasobject:
            raise FormatError(f"`{name}` holds Python objects, which are never loaded; expected numbers")
        claimed = int(np.prod(shape, dtype=object)) * dtype.itemsize
        if min(shape, default=0) < 0 or claimed != size - stream.tell():
            raise FormatError(f"`{name}` claims {claimed} bytes, the file holds {size - stream.tell()}")
        stream.seek(0)
        array: np.ndarray = np.load(io.BytesIO(stream.read()), allow_pickle=False)
        return array
    except FormatError:
        raise
    except BROKEN_ARRAY as error:
        raise FormatError(f"`{name}` cannot be read: {error}") from error
