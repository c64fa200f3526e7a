"""`/welcome/<token>/`: the one-time sign-in link that `make run` prints."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from palmares.api.problems import GoneError
from palmares.teams.access import redeem_sign_in_link


@require_GET
@never_cache
def welcome(request: HttpRequest, token: str) -> HttpResponse:
    """Sign in whom the link is for, once; send everyone else to the sign-in page with a sentence."""
    try:
        user = redeem_sign_in_link(token=token)
    except GoneError as error:
        if request.user.is_authenticated:
            return redirect(settings.LOGIN_REDIRECT_URL)
        messages.error(request, error.detail)
        return redirect(settings.LOGIN_URL)
    login(request, user, backend="django.contrib.auth.backends.ModelBackend")
    return redirect(settings.LOGIN_REDIRECT_URL)
