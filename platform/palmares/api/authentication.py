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


def user_id_of(scope: MutableMapping[str, Any]) -> int | None:
    """Whose token or session in force comes with an ASGI request; None for nobody's. Views still ask for more.

    Its body is not looked at. The thread's database connection is given back.
    """
    request = ASGIRequest(scope, BytesIO())
    close_old_connections()  # Django does so for a request of its own; this comes before one
    try:
        if (found := BearerAuthentication().authenticate(request)) is not None:
            return int(found[0].pk)
        store = import_module(settings.SESSION_ENGINE).SessionStore
        request.session = store(request.COOKIES.get(settings.SESSION_COOKIE_NAME))
        return get_user(request).pk
    except exceptions.AuthenticationFailed:
        return None
    finally:
        close_old_connections()
