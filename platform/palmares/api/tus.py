"""Files in parts by the tus protocol 1.0.0 (https://tus.io/protocols/resumable-upload): what all that take them share.

Core, with the extensions *creation*, *termination* and *checksum*. What becomes of the bytes is the subclasses' matter.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from abc import ABC, abstractmethod
from typing import IO, Any, ClassVar, Final, cast
from uuid import UUID

from django.conf import settings
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.permissions import IsAuthenticated
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from palmares.api.problems import DomainError, InvalidError, UnsupportedContentError

VERSION: Final = "1.0.0"
CHECKSUMS: Final = ("sha1", "sha256", "md5")
_OFFSET_TYPE: Final = "application/offset+octet-stream"


def _header(name: str, kind: type, description: str, *, required: bool = False) -> OpenApiParameter:
    return OpenApiParameter(name, kind, OpenApiParameter.HEADER, description=description, required=required)


_RESUMABLE: Final = OpenApiParameter("Tus-Resumable", str, OpenApiParameter.HEADER, enum=[VERSION], required=True)


class VersionError(DomainError):
    """The client speaks another version of tus."""

    status = 412


class _TusView(APIView):
    permission_classes = (IsAuthenticated,)
    problem_statuses: ClassVar = {"post": (409, 412, 413, 507), "patch": (409, 410, 412, 460), "delete": (412,)}
    renderer_classes = (JSONRenderer,)

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        """Take `X-HTTP-Method-Override` for the method, as tus demands: some clients can send GET and POST only."""
        request.method = request.headers.get("X-HTTP-Method-Override", request.method).upper()
        return super().dispatch(request, *args, **kwargs)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if request.method != "OPTIONS" and request.headers.get("Tus-Resumable") != VERSION:
            raise VersionError(f"Tus-Resumable is {request.headers.get('Tus-Resumable')!r}, expected {VERSION}.")

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        response.headers["Tus-Resumable"] = VERSION
        response.headers["Cache-Control"] = "no-store"
        if response.status_code == VersionError.status:
            response.headers["Tus-Version"] = VERSION
        return super().finalize_response(request, response, *args, **kwargs)

    @extend_schema(exclude=True)
    def options(self, request: Any, *args: Any, **kwargs: Any) -> Response:
        """What this server can do."""
        headers = {
            "Tus-Version": VERSION,
            "Tus-Extension": "creation,termination,checksum",
            "Tus-Max-Size": str(settings.MAX_UPLOAD_BYTES),
            "Tus-Checksum-Algorithm": ",".join(CHECKSUMS),
        }
        return Response(status=204, headers=headers)


class TusCreation(_TusView, ABC):
    """Where files are announced. Each subclass has an `operation_id` of its own."""

    @abstractmethod
    def begin(self, *, name: str, size: int, metadata: dict[str, str]) -> str:
        """Keep a row for a file of which nothing has come; the path of its address."""

    @extend_schema(
        request=None,
        responses={201: None},
        parameters=[
            _RESUMABLE,
            _header("Upload-Length", int, "Bytes of the whole file.", required=True),
            _header("Upload-Metadata", str, "Pairs of a name and a value in base64, with commas between them."),
            OpenApiParameter("Location", str, OpenApiParameter.HEADER, response=[201], description="Address of the upload."),
        ],
    )
    def post(self, request: Request) -> Response:
        """Begin a resumable upload (tus creation). `Upload-Metadata` holds the `filename`."""
        metadata = _metadata(request.headers.get("Upload-Metadata", ""))
        name = metadata.get("filename") or metadata.get("name") or "untitled"
        path = self.begin(name=name, size=_whole_number(request, "Upload-Length"), metadata=metadata)
        return Response(status=201, headers={"Location": request.build_absolute_uri(path), "Upload-Offset": "0"})


class TusFile(_TusView, ABC):
    """A file on its way. Each subclass has `operation_id`s of its own."""

    @abstractmethod
    def standing(self, pk: UUID) -> tuple[int, int]:
        """Bytes that have come, and all bytes. Raises what a 404 is made of for files that the caller may not know of."""

    @abstractmethod
    def append(self, pk: UUID, *, offset: int, stream: IO[bytes], checksum: tuple[str, str] | None) -> int:
        """Add bytes; how many have come with them."""

    @abstractmethod
    def remove(self, pk: UUID) -> None:
        """Drop the file."""

    @extend_schema(exclude=True)
    def head(self, request: Request, pk: UUID) -> Response:
        """Where the upload stands."""
        received, size = self.standing(pk)
        return Response(status=200, headers={"Upload-Offset": str(received), "Upload-Length": str(size)})

    @extend_schema(
        request={_OFFSET_TYPE: bytes},
        responses={204: None},
        parameters=[
            _RESUMABLE,
            _header("Upload-Offset", int, "Bytes of the file that the server has; the body follows them.", required=True),
            _header("Upload-Checksum", str, f"One of {', '.join(CHECKSUMS)}, a space, and the checksum of the body in base64."),
            OpenApiParameter(
                "Upload-Offset", int, OpenApiParameter.HEADER, response=[204], description="Bytes that have come."
            ),
        ],
    )
    def patch(self, request: Request, pk: UUID) -> Response:
        """Send bytes of a file, from `Upload-Offset` on."""
        self.standing(pk)
        if (request.content_type or "").split(";")[0].strip() != _OFFSET_TYPE:
            raise UnsupportedContentError(f"Content-Type is {request.content_type!r}, expected {_OFFSET_TYPE}.")
        received = self.append(
            pk,
            offset=_whole_number(request, "Upload-Offset"),
            stream=cast(IO[bytes], request._request),  # the body as a stream; `request.data` would read it into memory
            checksum=_checksum(request.headers.get("Upload-Checksum")),
        )
        return Response(status=204, headers={"Upload-Offset": str(received)})

    @extend_schema(responses={204: None}, parameters=[_RESUMABLE])
    def delete(self, request: Request, pk: UUID) -> Response:
        """Discard an upload (tus termination)."""
        self.remove(pk)
        return Response(status=204)


def _whole_number(request: Request, header: str) -> int:
    text = request.headers.get(header, "")
    if not (text.isascii() and text.isdecimal() and len(text) <= 18):
        raise InvalidError(f"{header} is {text!r}, expected a whole number of bytes.")
    return int(text)


def _metadata(header: str) -> dict[str, str]:
    pairs = {}
    for pair in filter(None, (part.strip() for part in header.split(","))):
        key, _, value = pair.partition(" ")
        try:
            pairs[key] = base64.b64decode(value, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError, ValueError) as error:
            raise InvalidError(f"Upload-Metadata: the value of {key!r} is not base64 of UTF-8.") from error
    return pairs


def _checksum(header: str | None) -> tuple[str, str] | None:
    if header is None:
        return None
    algorithm, _, digest = header.partition(" ")
    try:
        decoded = base64.b64decode(digest, validate=True).hex()
    except (binascii.Error, ValueError) as error:
        raise InvalidError("Upload-Checksum: expected an algorithm and a base64 digest.") from error
    if algorithm not in CHECKSUMS:
        raise InvalidError(f"Upload-Checksum: there is no {algorithm!r} here; there are {', '.join(CHECKSUMS)}.")
    if len(decoded) != 2 * hashlib.new(algorithm, usedforsecurity=False).digest_size:
        raise InvalidError(f"Upload-Checksum: the digest is not one of {algorithm}.")
    return algorithm, decoded
