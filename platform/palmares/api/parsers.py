"""Untrusted JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Any

from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser


class BoundedJSONParser(JSONParser):
    """JSON whose nesting is not so deep that it cannot be read; its length is bounded by `palmares.api.body_limit`."""

    def parse(self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None) -> Any:
        try:
            return super().parse(stream, media_type, parser_context)  # type: ignore[arg-type]
        except RecursionError as error:
            raise ParseError("JSON parse error: it is nested too deeply.") from error
