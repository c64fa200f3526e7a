"""Forms that were sent after the session expired, and addresses that only take forms."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render, resolve_url
from django.utils.deprecation import MiddlewareMixin
from django.utils.http import url_has_allowed_host_and_scheme


class FormAddressMiddleware(MiddlewareMixin):
    """Keeps people off addresses that answer POST requests only.

    Sign-in after an expired session leads back to the page with the form, not to the address that the form is sent to; and
    such an address opened in a browser shows a page with a way back.
    """

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        is_form = request.method not in ("GET", "HEAD", "OPTIONS")
        if is_form and isinstance(response, HttpResponseRedirect) and _leads_to_sign_in(response.url):
            messages.info(request, "Your session has expired. Sign in, then send the form again.")
            return redirect_to_login(_page_of(request))
        if response.status_code == 405 and request.method == "GET" and not request.path.startswith("/api/"):
            page = render(request, "405.html", status=405)
            page.headers["Allow"] = response.headers.get("Allow", "POST")
            return page
        return response


def _leads_to_sign_in(url: str) -> bool:
    """Whether `login_required` redirected: it says where sign-in leads back to, other redirects to that page do not."""
    parts = urlsplit(url)
    return parts.path == resolve_url(settings.LOGIN_URL) and "next" in parse_qs(parts.query)


def _page_of(request: HttpRequest) -> str:
    """Path and query of the page that sent the form; the home page where the browser does not say."""
    referer = request.headers.get("Referer", "")
    if not url_has_allowed_host_and_scheme(referer, allowed_hosts={request.get_host()}):
        return resolve_url(settings.LOGIN_REDIRECT_URL)
    parts = urlsplit(referer)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path
