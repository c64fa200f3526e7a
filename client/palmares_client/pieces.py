"""Large files go to the server in pieces, by the tus protocol, so that an interruption costs one piece and not all of them.

The server counts whole pieces. A piece that is sent again is taken if it had not arrived, and otherwise answered 409: then the
server is asked where it stands, and sending goes on from there.
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
from palmares_client.connection import Connection, Say
from palmares_client.errors import NetworkError, PalmaresError, RefusedError

PIECE: Final = 8 << 20
"""Bytes; a file that is no larger goes in one request."""
_READ: Final = 1 << 16
_PLACE: Final = "predictions/tus/"
_TUS: Final = {"Tus-Resumable": "1.0.0"}
_UNKNOWN: Final = (404, 410)
_STUCK: Final = 5
"""So often in a row a piece may bring nothing; another command that sends the same file is the one good reason for it."""

Sent = Callable[[int, int], None]
"""Called with the bytes sent so far, and all bytes."""


def deliver(connection: Connection, path: Path, *, mark: str, sent: Sent | None, say: Say) -> str | None:
    """Send of a file what the server has not got; from its beginning, unless `mark` has begun before.

    Args:
        connection: to the server.
        path: the file; it has not changed since it got its mark.
        mark: of the submission, from `unfinished.fingerprint`.
        sent: follows the upload.
        say: called with a sentence where the file cannot go in pieces.

    Returns:
        The file's id on the server, for `sent` of a submission: complete, or unknown to the server, which the submission
        then tells: it is gone if it expired, but also if a submission was made of it whose answer was lost.
        None where the server takes no file in pieces.

    Raises:
        RefusedError: too large, or not the name of a prediction.
        NotSignedInError, NetworkError: as everywhere; what has arrived is not lost.
    """
    size, stuck = path.stat().st_size, 0
    pk = unfinished.sent_of(mark)
    try:
        if pk is not None:
            offset = _standing(connection, pk)
        elif (pk := _announced(connection, path.name, size, say)) is not None:
            unfinished.keep_sent(mark, pk)
            offset = 0
        else:
            return None
        while True:
            if sent:
                sent(offset, size)
            if offset >= size:
                return pk
            before, offset = offset, _appended(connection, pk, _Piece(path, offset, size, sent))
            stuck = 0 if offset > before else stuck + 1
            if stuck == _STUCK:
                raise NetworkError(f"The server stands at byte {offset} of {path.name} and takes no more.")
    except RefusedError as refusal:
        if pk is None or refusal.status not in _UNKNOWN:
            raise
        return pk


def is_unknown(refusal: RefusedError) -> bool:
    """Whether a submission was refused because the server does not have the file that it names."""
    return refusal.status in (400, 410) and "sent" in refusal.errors


def give_up(connection: Connection, mark: str) -> None:
    """Let the server drop what it has of a file: it keeps only a few a person. If it does not, they expire."""
    if (pk := unfinished.sent_of(mark)) is not None:
        with suppress(PalmaresError):
            connection.send("DELETE", f"{_PLACE}{pk}/", again=False, headers=_TUS)


class _Piece:
    """A part of a file as the body of a request, which may be sent several times; its reading is told."""

    def __init__(self, path: Path, offset: int, size: int, sent: Sent | None) -> None:
        self.offset, self.length = offset, min(PIECE, size - offset)
        self._path, self._size, self._sent = path, size, sent

    def __iter__(self) -> Iterator[bytes]:
        end = self.offset + self.length
        with self._path.open("rb") as stream:
            place = stream.seek(self.offset)
            while place < end and (read := stream.read(min(_READ, end - place))):
                yield read
                place += len(read)
                if self._sent:
                    self._sent(place, self._size)


def _announced(connection: Connection, name: str, size: int, say: Say) -> str | None:
    """The new file's id; None where it has to go in one request."""
    metadata = f"filename {base64.b64encode(name.encode('utf-8', 'replace')).decode()}"
    try:
        answer = connection.send("POST", _PLACE, headers={**_TUS, "Upload-Length": str(size), "Upload-Metadata": metadata})
    except RefusedError as refusal:
        if refusal.status == 404:
            say("this server takes no files in pieces; sending it in one request, which starts anew if it is interrupted")
        elif refusal.status == 409:
            say(f"{refusal} Sending this one in one request, which starts anew if it is interrupted")
        else:
            raise
        return None
    with suppress(ValueError):
        return str(UUID(answer.headers.get("Location", "").rstrip("/").rpartition("/")[2]))
    return None


def _standing(connection: Connection, pk: str) -> int:
    return _offset(connection.send("HEAD", f"{_PLACE}{pk}/", headers=_TUS))


def _appended(connection: Connection, pk: str, piece: _Piece) -> int:
    headers = {**_TUS, "Content-Type": "application/offset+octet-stream", "Upload-Offset": str(piece.offset)}
    headers["Content-Length"] = str(piece.length)
    try:
        return _offset(connection.send("PATCH", f"{_PLACE}{pk}/", content=piece, headers=headers))
    except RefusedError as refusal:
        if refusal.status != 409:
            raise
    return _standing(connection, pk)


def _offset(answer: httpx.Response) -> int:
    text = answer.headers.get("Upload-Offset", "")
    if not (text.isascii() and text.isdigit()):
        raise NetworkError(f"{answer.url} answered without an offset: is this a Palmarès server?")
    return int(text)
