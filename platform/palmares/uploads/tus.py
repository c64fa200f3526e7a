"""`/api/v1/uploads/tus/`: resumable uploads by the tus protocol 1.0.0 (https://tus.io/protocols/resumable-upload).

Core, with the extensions *creation*, *termination* and *checksum*. The address of an upload is its id; once complete it
is an upload like any other, found at `/api/v1/uploads/{id}/`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import IO, Any, Final, cast
from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.urls import reverse
from drf_spectacular.utils import extend_schema
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.permissions import IsAuthenticated
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from palmares.api.problems import DomainError, InvalidError, UnsupportedContentError
from palmares.subjects.models import Subject
from palmares.teams.models import Team
from palmares.teams.viewsets import caller
from palmares.uploads import resumable, services
from palmares.uploads.camera import GivenCamera
from palmares.uploads.models import Upload

VERSION: Final = "1.0.0"
CHECKSUMS: Final = ("sha1", "sha256", "md5")
_OFFSET_TYPE: Final = "application/offset+octet-stream"


class VersionError(DomainError):
    """The client speaks another version of tus."""

    status = 412


class _AnyAccept(BaseContentNegotiation):
    """Nothing but problems has a body, so that Accept does not matter."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        return None

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> Any:
        return renderers[0], renderers[0].media_type


class _TusView(APIView):
    permission_classes = (IsAuthenticated,)
    content_negotiation_class = _AnyAccept
    renderer_classes = (JSONRenderer,)

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


class TusCreationView(_TusView):
    """Announces a file."""

    @extend_schema(request=None, responses={201: None}, operation_id="tus_create")
    def post(self, request: Request) -> Response:
        """Announce a file (tus creation): `Upload-Length`; `Upload-Metadata` of `filename`, `subject`, `team`, `focal_px`."""
        metadata = _metadata(request.headers.get("Upload-Metadata", ""))
        upload = resumable.begin(
            by=caller(self),
            name=metadata.get("filename") or metadata.get("name") or "untitled",
            size=_whole_number(request, "Upload-Length"),
            subject=_related(Subject.objects.visible_to(caller(self)).select_related("team"), metadata, "subject"),
            team=_related(Team.objects.visible_to(caller(self)), metadata, "team"),
            camera=GivenCamera(focal_px=_number(metadata, "focal_px")),
        )
        location = request.build_absolute_uri(reverse("upload-tus", kwargs={"pk": upload.pk}))
        return Response(status=201, headers={"Location": location, "Upload-Offset": "0"})


class TusUploadView(_TusView):
    """A file on its way."""

    def _upload(self, pk: UUID) -> Upload:
        return get_object_or_404(Upload.objects.visible_to(self.request.user).select_related("subject__team"), pk=pk)

    @extend_schema(exclude=True)
    def head(self, request: Request, pk: UUID) -> Response:
        """Where the upload stands."""
        upload = self._upload(pk)
        return Response(
            status=200, headers={"Upload-Offset": str(upload.received_bytes), "Upload-Length": str(upload.size_bytes)}
        )

    @extend_schema(request={_OFFSET_TYPE: bytes}, responses={204: None}, operation_id="tus_append")
    def patch(self, request: Request, pk: UUID) -> Response:
        """Send bytes from `Upload-Offset` on."""
        self._upload(pk)
        if (request.content_type or "").split(";")[0].strip() != _OFFSET_TYPE:
            raise UnsupportedContentError(f"Content-Type is {request.content_type!r}, expected {_OFFSET_TYPE}.")
        upload = resumable.append(
            upload_id=pk,
            by=caller(self),
            offset=_whole_number(request, "Upload-Offset"),
            stream=cast(IO[bytes], request._request),  # the body as a stream; `request.data` would read it into memory
            checksum=_checksum(request.headers.get("Upload-Checksum")),
        )
        return Response(status=204, headers={"Upload-Offset": str(upload.received_bytes)})

    @extend_schema(responses={204: None}, operation_id="tus_terminate")
    def delete(self, request: Request, pk: UUID) -> Response:
        """Give up (tus termination)."""
        services.delete_upload(upload=self._upload(pk), by=caller(self))
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


def _number(metadata: dict[str, str], key: str) -> float | None:
    if not metadata.get(key):
        return None
    try:
        return float(metadata[key])
    except ValueError as error:
        raise InvalidError(f"Upload-Metadata: {key} is {metadata[key]!r}, expected a number.") from error


def _related(visible: QuerySet[Any], metadata: dict[str, str], key: str) -> Any:
    if not metadata.get(key):
        return None
    try:
        pk = UUID(metadata[key])
    except ValueError as error:
        raise InvalidError(f"Upload-Metadata: {key} is {metadata[key]!r}, expected a UUID.", field=key) from error
    found = visible.filter(pk=pk).first()
    if found is None:
        raise InvalidError(f"There is no {key} {pk} that you may see.", field=key)
    return found


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
