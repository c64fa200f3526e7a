"""Stored files over HTTP: byte ranges, ETags, HEAD; streamed in pieces, from any storage, under ASGI and WSGI."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator, Iterator
from email.utils import quote
from typing import IO, Any, Final
from urllib.parse import quote as url_quote

from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse

from palmares.api.problems import NotFoundError, problem_response
from palmares.stored_object import StoredObject, open_object

_PIECE: Final = 256 * 1024
_RANGE: Final = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII)
PRIVATE: Final = "private, max-age=0, must-revalidate"
"""Kept by the caller's own browser, which asks each time whether it is still allowed and still the same."""
IMMUTABLE: Final = "private, max-age=31536000, immutable"
"""For files named by their content."""


class StreamedFile(StreamingHttpResponse):
    """Part of an open file. Read in a thread under ASGI, where Django would otherwise read it all into memory first."""

    def __init__(self, source: IO[bytes], *, length: int, **kwargs: Any) -> None:
        self._pieces = _pieces(source, length)
        super().__init__(self._pieces, **kwargs)
        self._resource_closers.append(source.close)  # type: ignore[attr-defined]
        self.headers["Content-Length"] = str(length)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while (piece := await asyncio.to_thread(next, self._pieces, None)) is not None:
            yield piece


def stored_file(
    request: HttpRequest, key: str, *, content_type: str, download_as: str = "", caching: str = PRIVATE
) -> HttpResponseBase:
    """Answer GET or HEAD with a stored file or the one range of it asked for; several ranges get the whole file.

    Args:
        request: whose Range, If-Range and If-None-Match count.
        key: storage key; never from the caller.
        content_type: of the whole file.
        download_as: file name for the caller's disk; shown in place when empty.
        caching: the Cache-Control header.

    Raises:
        NotFoundError: the storage does not have it.
    """
    asked = request.headers.get("Range")
    try:
        source = open_object(key, asked=asked if _is_one_range(asked) else None, head=request.method == "HEAD")
    except FileNotFoundError as error:
        raise NotFoundError("This file does not exist any more.") from error
    headers = {
        "Accept-Ranges": "bytes",
        "Cache-Control": caching,
        "ETag": f'"{hashlib.sha256(f"{key}:{source.size}".encode()).hexdigest()[:32]}"',
        "Content-Security-Policy": "default-src 'none'; sandbox",
    }
    if download_as:
        headers["Content-Disposition"] = disposition(download_as)
    return _answer(request, source, headers, content_type)


def disposition(name: str) -> str:
    """A Content-Disposition header that no file name can break out of (RFC 6266)."""
    plain = "".join(c if c.isascii() and c.isprintable() and c not in '"\\/%;' else "_" for c in name) or "file"
    return f"attachment; filename=\"{quote(plain)}\"; filename*=UTF-8''{url_quote(name, safe='', errors='replace')}"


def byte_range(header: str | None, size: int) -> tuple[int, int] | None:
    """First byte and length that a Range header asks for, of a file of `size` bytes; None for the whole file.

    Headers of other units, of several ranges, or not well-formed count as absent (RFC 9110, 14.2).

    Raises:
        ValueError: nothing of the range is in the file.
    """
    match = _RANGE.fullmatch((header or "").strip())
    if match is None or match[0].endswith("=-"):
        return None
    first, last = match[1], match[2]
    if not first:
        length = min(int(last), size)
        if length == 0:
            raise ValueError("empty suffix")
        return size - length, length
    if last and int(last) < int(first):
        return None
    if int(first) >= size:
        raise ValueError("beyond the end")
    return int(first), min(int(last) if last else size - 1, size - 1) - int(first) + 1


def _is_one_range(header: str | None) -> bool:
    """Whether a Range header is one range that can be passed on as it is."""
    match = _RANGE.fullmatch((header or "").strip())
    if match is None or match[0].endswith("=-"):
        return False
    return not match[1] or not match[2] or int(match[1]) <= int(match[2])


def _answer(request: HttpRequest, source: StoredObject, headers: dict[str, str], content_type: str) -> HttpResponseBase:
    tag, size = headers["ETag"], source.size
    known = [t.strip().removeprefix("W/") for t in request.headers.get("If-None-Match", "").split(",")]
    if tag in known or "*" in known:
        source.close()
        return HttpResponse(status=304, headers=headers)
    asked = request.headers.get("Range") if request.headers.get("If-Range", tag) == tag else None
    try:
        span = byte_range(asked, size)
    except ValueError:
        source.close()
        unsatisfiable = {"Content-Range": f"bytes */{size}", "Accept-Ranges": "bytes"}
        return problem_response(
            code=416, detail=f"The file has {size} bytes; nothing of {asked!r} is in it.", headers=unsatisfiable
        )
    first, length = span or (0, size)
    if span:
        headers["Content-Range"] = f"bytes {first}-{first + length - 1}/{size}"
    status = 206 if span else 200
    if request.method == "HEAD":
        source.close()
        return HttpResponse(status=status, headers={**headers, "Content-Length": str(length)}, content_type=content_type)
    stream = source.stream(first, length)
    return StreamedFile(stream, length=length, status=status, headers=headers, content_type=content_type)


def _pieces(source: IO[bytes], length: int) -> Iterator[bytes]:
    while length > 0 and (piece := source.read(min(_PIECE, length))):
        length -= len(piece)
        yield piece
