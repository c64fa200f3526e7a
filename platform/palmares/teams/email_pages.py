"""Changing the email address one signs in with."""

from __future__ import annotations

from typing import Any, cast

from allauth.account.views import EmailView
from django.contrib.auth.mixins import LoginRequiredMixin
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseNotAllowed

ACTIONS = ("action_add", "action_send", "action_remove")


class EmailAddressView(LoginRequiredMixin, EmailView):
    """The present address, and a new one that waits for confirmation; an unconfirmed one is never used."""

    template_name = "account/email_change.html"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return self.handle_no_permission()
        return super().dispatch(request, *args, **kwargs)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not any(action in request.POST for action in ACTIONS):
            return HttpResponseNotAllowed(["GET"])
        return cast(HttpResponse, super().post(request, *args, **kwargs))
