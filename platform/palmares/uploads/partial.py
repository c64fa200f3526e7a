"""Files that arrive in parts: the bytes received so far.

A row says how many bytes count; more may be kept, from a write that was cut off before it was recorded, and then the rest is
dropped. Whoever writes holds a lock on that row. On a local storage the bytes gather in one file on this machine's disk; on an
object storage each part is an object, so that any web process can continue.
"""

from __future__ import annotations

import hashlib
import io
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Final
from uuid import UUID

from django.conf import settings
from django.core.files.base import File
from django.core.files.storage import FileSystemStorage, default_storage

from palmares.api.problems import ConflictError, DomainError, GoneError, TooLargeError
from palmares.disk_space import require_space
from palmares.media_storage import delete_stored_files

_CHUNK: Final = 1 << 20
_STALE_SECONDS: Final = 24 * 3600
"""Age of a file of which no row knows before it is removed: its row may be about to be committed."""


class ChecksumError(DomainError):
    """The bytes that were received are not the bytes that were sent; they are dropped."""

    status = 460


class MovableFile(File):
    """A file on this machine that a local storage may move instead of copying; its name is its path."""

    def temporary_file_path(self) -> str:
        return str(self.name)


def make_partial(file_id: UUID) -> None:
    """Begin with no bytes."""
    if _is_local():
        path = partial_path(file_id)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def forget_partial(file_id: UUID) -> None:
    """Remove what was received of a file, if anything was."""
    if _is_local():
        partial_path(file_id).unlink(missing_ok=True)
    else:
        delete_stored_files(_prefix(file_id))


def add_bytes(
    file_id: UUID, *, received: int, size: int, offset: int, stream: IO[bytes], checksum: tuple[str, str] | None = None
) -> int:
    """Add bytes to a file.

    Args:
        file_id: whose bytes.
        received: bytes that count so far.
        size: of the whole file.
        offset: where the new bytes belong; must be `received`.
        stream: the new bytes.
        checksum: algorithm as `hashlib` names it, and the digest in hexadecimal.

    Returns:
        Bytes that count now.

    Raises:
        ConflictError: another offset, or nothing was missing.
        TooLargeError: more bytes than were announced; none of them count.
        ChecksumError: another digest; none of the bytes count.
        InsufficientStorageError: this machine has no space for the rest.
        GoneError: the bytes before `offset` no longer exist.
    """
    if offset != received:
        raise ConflictError(
            f"The upload is at byte {received}, but these bytes start at {offset}; ask for the offset with HEAD."
        )
    if received == size:
        if stream.read(1):
            raise ConflictError("This upload is complete.")
        return received
    room = size - received
    require_space(room)
    algorithm = checksum[0] if checksum else None
    write = _write_locally if _is_local() else _write_object
    written, digest = write(file_id, offset, stream, room, algorithm)
    if written > room:
        raise TooLargeError(f"More bytes were sent than announced ({size}).")
    if checksum and digest != checksum[1]:
        raise ChecksumError("The checksum differs; these bytes were damaged in transit. Send them again.")
    return received + written


def head_of(file_id: UUID, size: int) -> bytes:
    """The first bytes that were received, `size` at most."""
    if _is_local():
        with partial_path(file_id).open("rb") as source:
            return source.read(size)
    head = b""
    for key in _parts(file_id):
        with default_storage.open(key, "rb") as part:
            head += part.read(size - len(head))
        if len(head) >= size:
            break
    return head


@contextmanager
def complete_file(file_id: UUID, *, name: str, size: int, may_move: bool = False) -> Iterator[File]:
    """A file of which all `size` bytes were received.

    Args:
        file_id: which.
        name: what it is called.
        size: in bytes.
        may_move: whether a local storage may move the bytes away instead of copying them.

    Raises:
        GoneError: they are not here, or not all of them.
    """
    gone = GoneError("The received part of this file no longer exists; send the file again.", field="sent")
    if _is_local():
        path = partial_path(file_id)
        if not path.exists() or path.stat().st_size < size:
            raise gone
        with path.open("rb") as stream:
            yield MovableFile(stream, str(path)) if may_move else File(stream, name)
        return
    with TemporaryFile(dir=settings.FILE_UPLOAD_TEMP_DIR) as whole:
        for key in _parts(file_id):
            if int(key.rsplit("/", 1)[-1]) != whole.tell():
                continue  # left by a write that was never recorded
            with default_storage.open(key, "rb") as part:
                shutil.copyfileobj(part, whole, _CHUNK)
        if whole.tell() < size:
            raise gone
        whole.truncate(size)
        whole.seek(0)
        yield File(whole, name)


def unknown_partials(known: set[UUID]) -> Iterator[UUID]:
    """Ids of files on this machine that no row names any more, and that are not new."""
    folder = Path(settings.FILE_UPLOAD_TEMP_DIR) / "partial"
    for path in folder.iterdir() if folder.exists() else ():
        try:
            file_id = UUID(path.name)
            is_old = path.stat().st_mtime < time.time() - _STALE_SECONDS
        except (ValueError, FileNotFoundError):
            continue
        if is_old and file_id not in known:
            yield file_id


def _is_local() -> bool:
    return isinstance(default_storage, FileSystemStorage)


def partial_path(file_id: UUID) -> Path:
    return Path(settings.FILE_UPLOAD_TEMP_DIR) / "partial" / str(file_id)


def _prefix(file_id: UUID) -> str:
    return f"partial/{file_id}"


def _parts(file_id: UUID) -> list[str]:
    """Keys of the parts in the order of their offsets."""
    try:
        names = default_storage.listdir(_prefix(file_id))[1]
    except FileNotFoundError:
        names = []
    return [f"{_prefix(file_id)}/{name}" for name in sorted(names)]


def _copy(stream: IO[bytes], target: IO[bytes], most: int, algorithm: str | None) -> tuple[int, str]:
    """Bytes copied, one more than `most` where more were sent, and their checksum."""
    checksum = hashlib.new(algorithm, usedforsecurity=False) if algorithm else None
    written = 0
    while written <= most and (piece := stream.read(min(_CHUNK, most + 1 - written))):
        target.write(piece)
        written += len(piece)
        if checksum:
            checksum.update(piece)
    return written, checksum.hexdigest() if checksum else ""


def _write_locally(file_id: UUID, offset: int, stream: IO[bytes], most: int, algorithm: str | None) -> tuple[int, str]:
    """What lay behind `offset` is dropped."""
    path = partial_path(file_id)
    if not path.exists() or path.stat().st_size < offset:
        raise GoneError("The received part of this upload no longer exists; send the file again.")
    with path.open("r+b") as target:
        target.truncate(offset)
        target.seek(offset)
        return _copy(stream, target, most, algorithm)


def _write_object(file_id: UUID, offset: int, stream: IO[bytes], most: int, algorithm: str | None) -> tuple[int, str]:
    """A part that is written again replaces the one of that offset."""
    with TemporaryFile(dir=settings.FILE_UPLOAD_TEMP_DIR) as spool:
        written, digest = _copy(stream, spool, most, algorithm)
        if 0 < written <= most:
            spool.seek(0, io.SEEK_SET)
            default_storage.save(f"{_prefix(file_id)}/{offset:020d}", File(spool))
        return written, digest
