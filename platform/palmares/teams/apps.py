"""The app of users and teams, and what a change of password revokes."""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.http import HttpRequest


class TeamsConfig(AppConfig):
    """The app of users and teams."""

    name = "palmares.teams"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from allauth.account.signals import password_changed, password_reset, password_set  # noqa: PLC0415 - apps must be ready

        for signal in (password_changed, password_reset, password_set):
            signal.connect(_revoke, dispatch_uid="revoke access")


def _revoke(request: HttpRequest, user: Any, **_: Any) -> None:
    from django.contrib import messages  # noqa: PLC0415

    from palmares.teams.access import revoke_access  # noqa: PLC0415 - models must be ready

    if revoke_access(user=user):
        messages.info(request, "Your API tokens were deleted with the old password. Create new ones on this page.")
