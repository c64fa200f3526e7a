"""A client of the API for tests that compares every answer with the schema: its status and content type are documented."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from drf_spectacular.generators import SchemaGenerator
from rest_framework.test import APIClient

SCHEMA: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Path, method in lower case, and operation."""
    for path, methods in SCHEMA["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


@cache
def _patterns() -> list[tuple[re.Pattern[str], str]]:
    """Paths with fewer placeholders come first: `uploads/tus/` is not an upload named tus."""
    paths = sorted(SCHEMA["paths"], key=lambda path: path.count("{"))
    return [(re.compile(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(path))), path) for path in paths]


def documented_responses(method: str, url: str) -> dict[str, Any] | None:
    """The responses of an operation; None for addresses and methods that the schema does not have."""
    path = next((path for pattern, path in _patterns() if pattern.fullmatch(url)), None)
    operation = SCHEMA["paths"].get(path, {}).get(method.lower())
    return None if operation is None else dict(operation["responses"])


def _content(response: dict[str, Any]) -> dict[str, Any] | None:
    if "$ref" in response:
        response = SCHEMA["components"]["responses"][response["$ref"].rpartition("/")[2]]
    return response.get("content")


class ContractClient(APIClient):
    """REST framework's client for tests, with that comparison."""

    def request(self, **environment: Any) -> Any:
        response = super().request(**environment)
        method, url = environment["REQUEST_METHOD"], environment["PATH_INFO"]
        method = environment.get("HTTP_X_HTTP_METHOD_OVERRIDE", method) if "/tus/" in url else method
        documented = documented_responses(method, url)
        if documented is not None and response.status_code < 500:
            status = str(response.status_code)
            assert status in documented, (
                f"{method} {url} answered {status}, and the schema has {', '.join(documented)}: see `palmares.api.schema`"
            )
            content = _content(documented[status])
            if content is not None:
                kind = response.get("Content-Type", "").partition(";")[0]
                assert kind in content, f"{method} {url} answered {kind}, and the schema has {', '.join(content)}"
        return response
