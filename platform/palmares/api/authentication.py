"""Bearer tokens, and how the schema describes them."""

from __future__ import annotations

from collections.abc import MutableMapping
from importlib import import_module
from io import BytesIO
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user
from django.core.handlers.asgi import ASGIRequest
from django.db import close_old_connections
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from knox.auth import TokenAuthentication
from rest_framework import exceptions


class BearerAuthentication(TokenAuthentication):
    """`Authorization: Bearer <token>`. Only the token's hash is kept (`teams.Token`)."""

    def authenticate_credentials(self, token: bytes) -> Any:
        try:
            token.decode("ascii")
        except UnicodeDecodeError as error:
            raise exceptions.AuthenticationFailed("Invalid token.") from error
        if b"\x00" in token:
            raise exceptions.AuthenticationFailed("Invalid token.")
        return super().authenticate_credentials(token)


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """The security scheme of `BearerAuthentication` in the schema."""

    target_class = "palmares.api.authentication.BearerAuthentication"
    name = "bearer"
    priority = 1

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "description": "A token from `POST /api/v1/tokens/` or `manage.py token`."}


def is_known(scope: MutableMapping[str, Any]) -> bool:
    """Whether an ASGI request comes with a token or a session in force. Its body is not looked at; views still ask for more."""
    request = ASGIRequest(scope, BytesIO())
    close_old_connections()  # Django does so for a request of its own; this comes before one
    try:
        if BearerAuthentication().authenticate(request) is not None:
            return True
        store = import_module(settings.SESSION_ENGINE).SessionStore
        request.session = store(request.COOKIES.get(settings.SESSION_COOKIE_NAME))
        return bool(get_user(request).is_authenticated)
    except exceptions.AuthenticationFailed:
        return False
    finally:
        close_old_connections()
