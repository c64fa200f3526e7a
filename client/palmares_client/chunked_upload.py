"""Uploads of large files in chunks, by the tus protocol, so that an interruption costs one chunk and not the whole file.

The server counts whole chunks. It accepts a chunk that is sent again if it had not arrived, and otherwise answers 409: then
the client asks for the current offset and continues from there.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final
from uuid import UUID

import httpx

from palmares_client import unfinished
from palmares_client.api_errors import NetworkError, PalmaresError, RejectedError
from palmares_client.connection import Connection, MessageCallback

CHUNK_BYTES: Final = 8 << 20
"""A file that is no larger goes in one request."""
_READ: Final = 1 << 16
_ADDRESS: Final = "predictions/tus/"
_TUS: Final = {"Tus-Resumable": "1.0.0"}
_UNKNOWN: Final = (404, 410)
_MAX_STALLED: Final = 5
"""Chunks in a row after which the offset may stay the same; another command that sends the same file can cause that."""

UploadCallback = Callable[[int, int], None]
"""`on_upload(sent, total)` in bytes. `sent` starts above 0 where an upload continues, and drops where a part is repeated."""


def upload(
    connection: Connection,
    path: Path,
    *,
    fingerprint: str,
    on_upload: UploadCallback | None,
    on_message: MessageCallback,
) -> str | None:
    """Send what the server does not have yet of a file.

    Args:
        connection: to the server.
        path: the file; it has not changed since its fingerprint was made.
        fingerprint: of the submission, from `unfinished.fingerprint_of`; an upload that it has begun is continued.
        on_upload: follows the upload.
        on_message: called with a sentence where the file cannot be sent in chunks.

    Returns:
        The file's id on the server, for the field `sent` of a submission. The file is then complete, or the server does not
        know it: it expired, or a submission was made of it whose answer was lost; the request for the submission shows which.
        None where the server accepts no file in chunks.

    Raises:
        RejectedError: the file is too large, or its name is not one of a prediction.
        NotSignedInError, NetworkError: as for every request; the server keeps what has arrived.
    """
    size, stalled = path.stat().st_size, 0
    pk = unfinished.upload_id_of(fingerprint)
    try:
        if pk is not None:
            offset = _current_offset(connection, pk)
        elif (pk := _create(connection, path.name, size, on_message)) is not None:
            unfinished.save_upload_id(fingerprint, pk)
            offset = 0
        else:
            return None
        while True:
            if on_upload:
                on_upload(offset, size)
            if offset >= size:
                return pk
            before, offset = offset, _append(connection, pk, _FileChunk(path, offset, size, on_upload))
            stalled = 0 if offset > before else stalled + 1
            if stalled == _MAX_STALLED:
                raise NetworkError(f"The server has {offset} bytes of {path.name} and accepts no more.")
    except RejectedError as refusal:
        if pk is None or refusal.status not in _UNKNOWN:
            raise
        return pk


def is_unknown(refusal: RejectedError) -> bool:
    """Whether a submission was refused because the server does not have the file that it names."""
    return refusal.status in (400, 410) and "sent" in refusal.errors


def discard(connection: Connection, fingerprint: str) -> None:
    """Let the server delete what it has of a file: it keeps only a few for each user. If this fails, they expire."""
    if (pk := unfinished.upload_id_of(fingerprint)) is not None:
        with suppress(PalmaresError):
            connection.send("DELETE", f"{_ADDRESS}{pk}/", retry=False, headers=_TUS)


class _FileChunk:
    """A part of a file as the body of a request that may be sent several times; it reports how much of it was read."""

    def __init__(self, path: Path, offset: int, size: int, on_upload: UploadCallback | None) -> None:
        self.offset, self.length = offset, min(CHUNK_BYTES, size - offset)
        self._path, self._size, self._on_upload = path, size, on_upload

    def __iter__(self) -> Iterator[bytes]:
        end = self.offset + self.length
        with self._path.open("rb") as stream:
            position = stream.seek(self.offset)
            while position < end and (content := stream.read(min(_READ, end - position))):
                yield content
                position += len(content)
                if self._on_upload:
                    self._on_upload(position, self._size)


def _create(connection: Connection, name: str, size: int, on_message: MessageCallback) -> str | None:
    """The id of a new file on the server; None where it has to go in one request."""
    metadata = f"filename {base64.b64encode(name.encode('utf-8', 'replace')).decode()}"
    try:
        answer = connection.send("POST", _ADDRESS, headers={**_TUS, "Upload-Length": str(size), "Upload-Metadata": metadata})
    except RejectedError as refusal:
        if refusal.status == 404:
            on_message("this server accepts no chunks; the file is sent in one request, which starts again if interrupted")
        elif refusal.status == 409:
            on_message(f"{refusal} This file is sent in one request, which starts again if interrupted")
        else:
            raise
        return None
    with suppress(ValueError):
        return str(UUID(answer.headers.get("Location", "").rstrip("/").rpartition("/")[2]))
    return None


def _current_offset(connection: Connection, pk: str) -> int:
    return _offset_of(connection.send("HEAD", f"{_ADDRESS}{pk}/", headers=_TUS))


def _append(connection: Connection, pk: str, chunk: _FileChunk) -> int:
    headers = {**_TUS, "Content-Type": "application/offset+octet-stream", "Upload-Offset": str(chunk.offset)}
    headers["Content-Length"] = str(chunk.length)
    try:
        return _offset_of(connection.send("PATCH", f"{_ADDRESS}{pk}/", content=chunk, headers=headers))
    except RejectedError as refusal:
        if refusal.status != 409:
            raise
    return _current_offset(connection, pk)


def _offset_of(answer: httpx.Response) -> int:
    text = answer.headers.get("Upload-Offset", "")
    if not (text.isascii() and text.isdigit()):
        raise NetworkError(f"{answer.url} answered without an offset: is this a Palmarès server?")
    return int(text)
