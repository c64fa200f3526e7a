"""The OpenAPI schema: a summary for every operation, and every error that an operation can answer with."""

from __future__ import annotations

import re
from typing import Any, Final

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent, get_doc
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers

from palmares.api.problems import CONTENT_TYPE

PROBLEMS: Final[dict[int, tuple[str, str]]] = {
    400: ("BadRequest", "The request is not valid; `errors` names the fields."),
    401: ("Unauthorized", "No token or session, or one that is not valid."),
    403: ("Forbidden", "The caller may see this, but not do it."),
    404: ("NotFound", "It does not exist, or the caller may not see it."),
    409: ("Conflict", "The state that something is in does not allow it."),
    410: ("Gone", "It existed and has been removed, used or has expired."),
    412: ("PreconditionFailed", "The client uses another version of tus."),
    413: ("ContentTooLarge", "The request or file is larger than allowed."),
    415: ("UnsupportedMediaType", "The content is of a kind that is not accepted."),
    416: ("RangeNotSatisfiable", "No byte of the range is in the file."),
    422: ("UnprocessableContent", "The content is well-formed but cannot be used."),
    429: ("TooManyRequests", "Too many requests, or a quota is used up; `Retry-After` may say when to try again."),
    460: ("ChecksumMismatch", "The bytes do not match their checksum (tus)."),
    503: ("ServiceUnavailable", "The server or its storage is unavailable for a moment; try again."),
    507: ("InsufficientStorage", "The server has no space for the file."),
}
"""Errors by status: name of the component and description."""

RANGE: Final = OpenApiParameter(
    "Range", str, OpenApiParameter.HEADER, description="`bytes=first-last` for a part of the file, answered with 206."
)
_SUMMARIES: Final = {
    "list": "List {1}",
    "retrieve": "Get one {0}",
    "create": "Create one {0}",
    "partial_update": "Change one {0}",
    "destroy": "Delete one {0}",
}


class ProblemSerializer(serializers.Serializer[Any]):
    """An error, as `application/problem+json` (RFC 9457)."""

    type = serializers.CharField()
    title = serializers.CharField(help_text="The status in words.")
    status = serializers.IntegerField()
    detail = serializers.CharField(help_text="A sentence for the user.")
    errors = serializers.DictField(required=False, help_text="Sentences by field of the request.")  # type: ignore[assignment]
    request_id = serializers.CharField(required=False, help_text="Of 5xx: by which the server's log lines are found.")


def file_responses(*content_types: str) -> dict[tuple[int, str], OpenApiTypes]:
    """Responses of an operation that answers with a stored file of one of these types, or a range of it."""
    return {(status, kind): OpenApiTypes.BINARY for status in (200, 206) for kind in content_types}


class ApiSchema(AutoSchema):
    """Adds to drf-spectacular's schema what every operation has in common.

    A view may name further errors in `problem_statuses`: a dict of the action (`destroy`) or method (`post`) to statuses.
    """

    def get_summary(self) -> str:
        """The first sentence of the handler's docstring; for handlers without one, verb and noun."""
        action = getattr(self.view, "action", None) or self.method.lower()
        queryset = getattr(self.view, "queryset", None)
        if documented := get_doc(getattr(self.view, action, None)):
            return re.split(r"[.;:](?:\s|$)", documented, maxsplit=1)[0].replace("\n", " ")
        if queryset is None or action not in _SUMMARIES:
            return ""
        return _SUMMARIES[action].format(queryset.model._meta.verbose_name, queryset.model._meta.verbose_name_plural)

    def get_operation(self, *args: Any) -> dict[str, Any] | None:  # type: ignore[override]
        """The operation with the errors that it can answer with."""
        operation: dict[str, Any] | None = super().get_operation(*args)
        if operation is None:
            return None
        responses = operation["responses"]
        if "206" in responses:
            responses["304"] = {"description": "The caller's copy is still current (`If-None-Match`)."}
        for status in sorted(self._problem_statuses(operation)):
            responses.setdefault(str(status), self._problem(status))
        operation["responses"] = dict(sorted(responses.items()))
        return operation

    def _problem_statuses(self, operation: dict[str, Any]) -> set[int]:
        inputs = {(parameter["in"], parameter["name"]) for parameter in operation.get("parameters", ())}
        places, body = {place for place, _ in inputs}, operation.get("requestBody", {}).get("content", {})
        found = {401, 429, 503}
        found |= {400} if body or places & {"query", "header"} else set()
        found |= {403} if self.method != "GET" else set()
        found |= {404} if "path" in places or ("query", "cursor") in inputs else set()
        found |= {413, 415} if body else set()
        found |= {416} if "206" in operation["responses"] else set()
        found |= {410, 422} if ("header", "Idempotency-Key") in inputs else set()
        found |= {507} if set(body) - {"application/json"} else set()
        action = getattr(self.view, "action", None) or self.method.lower()
        return found | set(getattr(self.view, "problem_statuses", {}).get(action, ()))

    def _problem(self, status: int) -> Any:
        name, description = PROBLEMS[status]
        schema = self.resolve_serializer(ProblemSerializer, "response").ref
        component = ResolvedComponent(  # type: ignore[no-untyped-call]
            name=name,
            type=ResolvedComponent.RESPONSE,
            object=name,
            schema={"description": description, "content": {CONTENT_TYPE: {"schema": schema}}},
        )
        self.registry.register_on_missing(component)
        return component.ref
