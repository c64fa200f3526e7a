"""`/welcome/<token>/`: the one-time sign-in link that `make run` and `manage.py sign_in_link` print."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from palmares.api.problems import GoneError
from palmares.teams.access import find_sign_in_link, redeem_sign_in_link


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def welcome(request: HttpRequest, token: str) -> HttpResponse:
    """Ask, then sign in. Only the form uses the link up: previews and scanners that open it change nothing."""
    try:
        if request.method != "POST":
            return render(request, "account/welcome.html", {"email": find_sign_in_link(token=token).user.email})
        user = redeem_sign_in_link(token=token)
    except GoneError as error:
        if request.user.is_authenticated:
            return redirect(settings.LOGIN_REDIRECT_URL)
        messages.error(request, error.detail)
        return redirect(settings.LOGIN_URL)
    login(request, user, backend="django.contrib.auth.backends.ModelBackend")
    return redirect(settings.LOGIN_REDIRECT_URL)
