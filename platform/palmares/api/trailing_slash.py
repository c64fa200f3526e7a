"""Addresses without their slash at the end: the caller is sent to the one with it, by a redirect that keeps the request."""

from __future__ import annotations

from functools import partial

from django.http import HttpRequest, HttpResponsePermanentRedirect
from django.middleware.common import CommonMiddleware
from django.utils.http import escape_leading_slashes


class KeepRequestMiddleware(CommonMiddleware):
    """Django's middleware with 308 instead of 301, after which clients send a POST again as a POST and not as a GET."""

    response_redirect_class = partial(HttpResponsePermanentRedirect, preserve_request=True)  # type: ignore[assignment]

    def get_full_path_with_slash(self, request: HttpRequest) -> str:
        """The address with its slash. Django's own method raises for other methods than GET where DEBUG is on."""
        return escape_leading_slashes(request.get_full_path(force_append_slash=True))
