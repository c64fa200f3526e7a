"""Errors as `application/problem+json` (RFC 9457), and the errors that services raise."""

from __future__ import annotations

import logging
import sys
from http import HTTPStatus
from typing import Any, ClassVar

from django.core.exceptions import PermissionDenied, RequestDataTooBig, TooManyFilesSent, ValidationError
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseServerError, JsonResponse
from django.template import loader
from django.views import defaults
from redis.exceptions import RedisError
from rest_framework import exceptions, status
from rest_framework.response import Response
from rest_framework.views import exception_handler as rest_exception_handler

from palmares.local.log_lines import request_id
from palmares.media_storage import STORAGE_ERRORS, is_disk_full

CONTENT_TYPE = "application/problem+json"
TITLES = {s.value: s.phrase for s in HTTPStatus} | {460: "Checksum Mismatch"}
"""By status; 460 is tus' own."""


logger = logging.getLogger(__name__)
SERVICE_ERRORS = (OperationalError, InterfaceError, RedisError)
"""What is raised while the database or Redis is away, for a restart say."""
SERVICE_AWAY = "The server's database or cache does not answer at the moment. Try again in a few seconds."
STORAGE_AWAY = "The file storage does not answer at the moment. Try again in a few seconds."
DISK_FULL = "The server's disk is full, so nothing was stored. Try again later, or ask its operator to make room."


class DomainError(Exception):
    """A service refuses; the message is a sentence for the person who asked, `field` names what it is about."""

    status: ClassVar[int] = 400
    retry_after: ClassVar[int | None] = None
    """Seconds after which it may be tried again, where that is known."""

    def __init__(self, detail: str, *, field: str | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.field = field


class InvalidError(DomainError):
    """What was sent cannot be right, whatever state we are in."""


class ForbiddenError(DomainError):
    """The caller may know of it, but not do this to it."""

    status = 403


class NotFoundError(DomainError):
    """There is no such thing, or the caller may not know of it."""

    status = 404


class ConflictError(DomainError):
    """It clashes with the state something is in."""

    status = 409


class GoneError(DomainError):
    """It was there, and is no more."""

    status = 410


class TooLargeError(DomainError):
    """More bytes than are accepted."""

    status = 413


class UnsupportedContentError(DomainError):
    """A file of a kind that is not accepted; told from its content, not its name."""

    status = 415


class TooManyRequestsError(DomainError):
    """A limit on how often something may be done is reached."""

    status = 429


class UnavailableError(DomainError):
    """It cannot be done at the moment."""

    status = 503
    retry_after: ClassVar[int | None] = 30


class InsufficientStorageError(DomainError):
    """The server has no space for it."""

    status = 507


class UnprocessableError(DomainError):
    """Well-formed, but it cannot be worked with."""

    status = 422


def problem(*, code: int, detail: str, errors: dict[str, Any] | None = None) -> dict[str, Any]:
    """The members of a problem document."""
    body: dict[str, Any] = {"type": "about:blank", "title": TITLES[code], "status": code, "detail": detail}
    if errors:
        body["errors"] = errors
    if code >= 500 and request_id.get():
        body["request_id"] = request_id.get()
    return body


def problem_response(*, code: int, detail: str, headers: dict[str, str] | None = None) -> JsonResponse:
    """A problem as a plain Django response, for views that are not REST framework's."""
    return JsonResponse(problem(code=code, detail=detail), status=code, content_type=CONTENT_TYPE, headers=headers)


def exception_handler(exc: Exception, context: dict[str, Any]) -> Response | None:
    """REST framework's hook: every error that is somebody's doing becomes a problem document."""
    if isinstance(exc, DomainError):
        errors = {exc.field: [exc.detail]} if exc.field else None
        headers = {"Retry-After": str(exc.retry_after)} if exc.retry_after is not None else None
        return _respond(problem(code=exc.status, detail=exc.detail, errors=errors), exc.status, headers)
    if isinstance(exc, STORAGE_ERRORS):
        logger.exception("the file storage does not answer")
        return _respond(problem(code=503, detail=STORAGE_AWAY), 503, {"Retry-After": "10"})
    if is_disk_full(exc):
        logger.exception("a disk is full")
        return _respond(problem(code=507, detail=DISK_FULL), 507)
    if isinstance(exc, SERVICE_ERRORS):
        logger.exception("the database or Redis does not answer")
        return _respond(problem(code=503, detail=SERVICE_AWAY), 503, {"Retry-After": "5"})
    exc = _as_api_exception(exc)
    response = rest_exception_handler(exc, context)
    if response is None:
        return None
    return _respond(
        problem(code=response.status_code, detail=_detail(exc), errors=_errors(exc)),
        response.status_code,
        {name: value for name, value in response.items() if name.lower() != "content-type"},
    )


def _as_api_exception(exc: Exception) -> Exception:
    if isinstance(exc, RequestDataTooBig | TooManyFilesSent):
        too_large = exceptions.APIException("The request is larger than is accepted here.")
        too_large.status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
        return too_large
    if isinstance(exc, ValidationError):
        return exceptions.ValidationError(exc.messages)
    if isinstance(exc, Http404):
        return exceptions.NotFound("There is nothing here that you may see.")
    if isinstance(exc, PermissionDenied) and not isinstance(exc, exceptions.PermissionDenied):
        return exceptions.PermissionDenied(str(exc) or None)
    return exc


def _respond(body: dict[str, Any], code: int, headers: dict[str, str] | None = None) -> Response:
    return Response(_encodable(body), status=code, headers=headers, content_type=CONTENT_TYPE)


def _encodable(value: Any) -> Any:
    """What was sent is quoted in errors, and may hold half a character (a lone surrogate), which no answer can."""
    if isinstance(value, dict):
        return {_encodable(name): _encodable(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_encodable(inner) for inner in value]
    return str(value).encode("utf-8", "replace").decode() if isinstance(value, str) else value


def _detail(exc: Exception) -> str:
    if isinstance(exc, exceptions.ValidationError):
        return " ".join(_sentences(exc.detail)) or "What was sent is not valid."
    return str(exc.detail) if isinstance(exc, exceptions.APIException) else str(exc)


def _sentences(detail: Any, field: str = "") -> list[str]:
    if isinstance(detail, dict):
        return [
            line
            for name, inner in detail.items()
            for line in _sentences(inner, "" if name == "non_field_errors" else str(name))
        ]
    if isinstance(detail, list | tuple):
        return [line for inner in detail for line in _sentences(inner, field)]
    return [f"{field}: {detail}" if field else str(detail)]


def _errors(exc: Exception) -> dict[str, Any] | None:
    if not isinstance(exc, exceptions.ValidationError):
        return None
    return exc.detail if isinstance(exc.detail, dict) else {"non_field_errors": exc.detail}


def _is_api(request: HttpRequest) -> bool:
    return request.path.startswith("/api/")


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """404 outside any view."""
    if _is_api(request):
        return problem_response(code=404, detail="There is nothing at this address; the addresses are listed at /api/docs/.")
    return defaults.page_not_found(request, exception)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """403 outside any view."""
    if _is_api(request):
        return problem_response(code=403, detail=str(exception) or "You may not do this.")
    return defaults.permission_denied(request, exception)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400 outside any view."""
    if _is_api(request):
        return problem_response(code=400, detail="The request cannot be read.")
    return defaults.bad_request(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    """500: our fault, its inside is not shown; 503 where a service does not answer, 507 where a disk is full."""
    if is_disk_full(sys.exc_info()[1]):
        return problem_response(code=507, detail=DISK_FULL)
    if isinstance(sys.exc_info()[1], STORAGE_ERRORS):
        return problem_response(code=503, detail=STORAGE_AWAY, headers={"Retry-After": "10"})
    if isinstance(sys.exc_info()[1], SERVICE_ERRORS):
        return problem_response(code=503, detail=SERVICE_AWAY, headers={"Retry-After": "5"})
    if _is_api(request):
        return problem_response(code=500, detail="Something went wrong here; it has been logged. Trying again may help.")
    page = loader.get_template("500.html").render({"request_id": request_id.get()})
    return HttpResponseServerError(page)
