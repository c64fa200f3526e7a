"""Files on their way: what has come so far of an upload in parts, on this machine's disk."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import IO
from uuid import UUID

from django.conf import settings

from palmares.api.problems import GoneError

_CHUNK = 1 << 20


def partial_path(upload_id: UUID) -> Path:
    """Where the bytes of an upload gather."""
    return Path(settings.FILE_UPLOAD_TEMP_DIR) / "partial" / str(upload_id)


def forget_partial(upload_id: UUID) -> None:
    """Remove what has come of an upload, if anything has."""
    partial_path(upload_id).unlink(missing_ok=True)


def make_partial(upload_id: UUID) -> None:
    """An empty file to gather in."""
    path = partial_path(upload_id)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()


def write_at(upload_id: UUID, *, offset: int, stream: IO[bytes], most: int, algorithm: str | None = None) -> tuple[int, str]:
    """Write a stream from `offset` on; what lay behind `offset` (a write that was never recorded) is dropped.

    Args:
        upload_id: whose bytes.
        offset: first byte to write.
        stream: read to its end, or to `most`.
        most: bytes that there is room for; reading stops after one more.
        algorithm: of the checksum, as `hashlib` names it.

    Returns:
        Bytes written, and their checksum in hexadecimal (empty without an algorithm).

    Raises:
        GoneError: the bytes before `offset` are not here any more.
    """
    checksum = hashlib.new(algorithm, usedforsecurity=False) if algorithm else None
    path, written = partial_path(upload_id), 0
    if not path.exists() or path.stat().st_size < offset:
        raise GoneError("What had come of this upload is gone; send the file again.")
    with path.open("r+b") as target:
        target.truncate(offset)
        target.seek(offset)
        while written <= most and (piece := stream.read(min(_CHUNK, most + 1 - written))):
            target.write(piece)
            written += len(piece)
            if checksum:
                checksum.update(piece)
    return written, checksum.hexdigest() if checksum else ""


def head_of(upload_id: UUID, size: int) -> bytes:
    """The first bytes that have come, `size` at most."""
    with partial_path(upload_id).open("rb") as source:
        return source.read(size)
