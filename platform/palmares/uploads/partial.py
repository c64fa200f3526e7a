"""Files on their way: what has come so far of a file in parts, on this machine's disk.

A row says how many bytes count; the file may hold more, from a write that was cut off before it was recorded, and then the
rest is dropped. Whoever writes holds a lock on that row.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import IO
from uuid import UUID

from django.conf import settings

from palmares.api.problems import ConflictError, DomainError, GoneError, TooLargeError

_CHUNK = 1 << 20


class ChecksumError(DomainError):
    """The bytes that came are not the bytes that were sent; they are dropped."""

    status = 460


def partial_path(file_id: UUID) -> Path:
    """Where the bytes of a file gather."""
    return Path(settings.FILE_UPLOAD_TEMP_DIR) / "partial" / str(file_id)


def forget_partial(file_id: UUID) -> None:
    """Remove what has come of a file, if anything has."""
    partial_path(file_id).unlink(missing_ok=True)


def make_partial(file_id: UUID) -> None:
    """An empty file to gather in."""
    path = partial_path(file_id)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()


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
        GoneError: the bytes before `offset` are not here any more.
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
    written, digest = _write_at(file_id, offset=offset, stream=stream, most=room, algorithm=checksum[0] if checksum else None)
    if written > room:
        raise TooLargeError(f"More bytes were sent than announced ({size}).")
    if checksum and digest != checksum[1]:
        raise ChecksumError("The checksum differs; these bytes were damaged in transit. Send them again.")
    return received + written


def _write_at(file_id: UUID, *, offset: int, stream: IO[bytes], most: int, algorithm: str | None) -> tuple[int, str]:
    """Bytes written, one more than `most` where more came, and their checksum; what lay behind `offset` is dropped."""
    checksum = hashlib.new(algorithm, usedforsecurity=False) if algorithm else None
    path, written = partial_path(file_id), 0
    if not path.exists() or path.stat().st_size < offset:
        raise GoneError("The received part of this upload no longer exists; send the file again.")
    with path.open("r+b") as target:
        target.truncate(offset)
        target.seek(offset)
        while written <= most and (piece := stream.read(min(_CHUNK, most + 1 - written))):
            target.write(piece)
            written += len(piece)
            if checksum:
                checksum.update(piece)
    return written, checksum.hexdigest() if checksum else ""


def head_of(file_id: UUID, size: int) -> bytes:
    """The first bytes that have come, `size` at most."""
    with partial_path(file_id).open("rb") as source:
        return source.read(size)
