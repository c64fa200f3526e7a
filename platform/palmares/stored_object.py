"""Reading parts of stored files without reading the rest: one request to an object storage for each part."""

from __future__ import annotations

import io
from typing import IO, Any, Final, Protocol

from botocore.exceptions import ClientError
from django.core.files.storage import FileSystemStorage, default_storage

BUFFER_BYTES: Final = 128 << 10
"""Read at a time where a file is read here and there."""


class StoredObject(Protocol):
    """A stored file whose size is known."""

    size: int

    def stream(self, first: int, length: int) -> IO[bytes]:
        """An open stream whose first `length` bytes are those from byte `first` on. Its reader closes it."""

    def close(self) -> None:
        """Give up what `stream` did not hand out."""


def open_object(key: str, *, asked: str | None = None, head: bool = False) -> StoredObject:
    """A stored file.

    Args:
        key: storage key.
        asked: a well-formed Range header of one range; an object storage answers it in the request that tells the size.
        head: nothing will be read.

    Raises:
        FileNotFoundError: the storage does not have it.
    """
    if isinstance(default_storage, FileSystemStorage):
        return _DiskObject(key)
    return _BucketObject(key, asked=asked, head=head)


def read_object(key: str) -> bytes:
    """The whole content of a small stored file.

    Raises:
        FileNotFoundError: the storage does not have it.
    """
    source = open_object(key)
    with source.stream(0, source.size) as stream:
        return stream.read()


def open_seekable(key: str) -> IO[bytes]:
    """A stored file to be read here and there.

    Raises:
        FileNotFoundError: the storage does not have it.
    """
    if isinstance(default_storage, FileSystemStorage):
        return default_storage.open(key, "rb")
    return io.BufferedReader(_SeekableObject(_BucketObject(key, head=True)), BUFFER_BYTES)


class _DiskObject:
    def __init__(self, key: str) -> None:
        self._file = default_storage.open(key, "rb")
        self.size = int(self._file.size)

    def stream(self, first: int, length: int) -> IO[bytes]:
        self._file.seek(first)
        return self._file

    def close(self) -> None:
        self._file.close()


class _BucketObject:
    """An object of an S3 bucket, through the client of django-storages' `S3Storage`."""

    def __init__(self, key: str, *, asked: str | None = None, head: bool = False) -> None:
        storage: Any = default_storage
        self._client = storage.connection.meta.client
        self._where = {"Bucket": storage.bucket_name, "Key": storage._normalize_name(key)}
        self._body: Any = None
        self._span = (0, 0)
        if head or not self._get(asked):
            self.size = int(self._call("head_object")["ContentLength"])

    def stream(self, first: int, length: int) -> IO[bytes]:
        if self._body is None or self._span != (first, length):
            self.close()
            self._get(f"bytes={first}-{first + length - 1}" if length else None)
        body, self._body = self._body, None
        return body  # type: ignore[no-any-return]

    def close(self) -> None:
        if self._body is not None:
            self._body.close()
            self._body = None

    def _get(self, asked: str | None) -> bool:
        """Open a range, or the whole; False where the range lies outside the object."""
        try:
            answer = self._call("get_object", **({"Range": asked} if asked else {}))
        except ClientError as error:
            if _status(error) == 416:
                return False
            raise
        self._body, length = answer["Body"], int(answer["ContentLength"])
        span, _, size = str(answer.get("ContentRange", "")).removeprefix("bytes ").partition("/")
        self._span = (int(span.split("-")[0]) if size else 0, length)
        self.size = int(size) if size else length
        return True

    def _call(self, operation: str, **arguments: str) -> dict[str, Any]:
        try:
            return dict(getattr(self._client, operation)(**self._where, **arguments))
        except ClientError as error:
            if _status(error) == 404:
                raise FileNotFoundError(self._where["Key"]) from error
            raise


class _SeekableObject(io.RawIOBase):
    """Ranges of an object, each read in a request of its own."""

    def __init__(self, source: _BucketObject) -> None:
        self._source, self._position = source, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._position = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._source.size}[whence]
        return self._position

    def tell(self) -> int:
        return self._position

    def readinto(self, target: Any) -> int:
        length = min(len(target), self._source.size - self._position)
        if length <= 0:
            return 0
        stream = self._source.stream(self._position, length)
        try:
            content = stream.read(length)
        finally:
            stream.close()
        target[: len(content)] = content
        self._position += len(content)
        return len(content)


def _status(error: ClientError) -> int:
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
