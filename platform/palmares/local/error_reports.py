"""Reports of errors to a Sentry server, where `SENTRY_DSN` names one."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from palmares.local.log_lines import request_id, without_secrets


def start_error_reports(dsn: str) -> None:
    """Report errors of this process: without what identifies people, request bodies, local variables and secret links.

    Raises:
        ImproperlyConfigured: the package is not installed, or the DSN is not one.
    """
    try:
        sentry = import_module("sentry_sdk")
    except ImportError as error:
        raise ImproperlyConfigured(
            "SENTRY_DSN is set but the package sentry-sdk is not installed: run `pip install sentry-sdk`, or unset SENTRY_DSN"
        ) from error
    try:
        sentry.init(
            dsn=dsn,
            send_default_pii=False,
            include_local_variables=False,
            max_request_body_size="never",
            before_send=_cleaned,
        )
    except ValueError as error:  # Sentry's own for a malformed DSN
        raise ImproperlyConfigured("SENTRY_DSN is not a Sentry address, expected https://KEY@HOST/PROJECT") from error


def _cleaned(event: dict[str, Any], _hint: dict[str, Any]) -> dict[str, Any]:
    """The event with the request's id, and `***` for the secret part of links."""
    if request_id.get():
        event.setdefault("tags", {})["request_id"] = request_id.get()
    cleaned: dict[str, Any] = _without_secrets(event)
    return cleaned


def _without_secrets(value: Any) -> Any:
    if isinstance(value, str):
        return without_secrets(value)
    if isinstance(value, dict):
        return {name: _without_secrets(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_without_secrets(inner) for inner in value]
    return value
