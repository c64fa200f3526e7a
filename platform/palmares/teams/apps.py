"""The app of users and teams, and what a change of password revokes."""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_save
from django.http import HttpRequest


class TeamsConfig(AppConfig):
    """The app of users and teams."""

    name = "palmares.teams"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from allauth.account.signals import password_changed, password_reset, password_set  # noqa: PLC0415 - apps must be ready

        from palmares.teams.models import User  # noqa: PLC0415

        post_save.connect(_drop_wishes, sender=User, dispatch_uid="drop wishes for an address that is taken")
        for signal in (password_changed, password_reset, password_set):
            signal.connect(_revoke, dispatch_uid="revoke access")


def _drop_wishes(instance: Any, **_: Any) -> None:
    """Nobody else can change to an address any more that has become somebody's: their confirmation links expire."""
    from allauth.account.models import EmailAddress  # noqa: PLC0415

    EmailAddress.objects.filter(email__iexact=instance.email, verified=False).exclude(user=instance).delete()


def _revoke(request: HttpRequest, user: Any, **_: Any) -> None:
    from django.contrib import messages  # noqa: PLC0415

    from palmares.teams.access import revoke_access  # noqa: PLC0415 - models must be ready

    if revoke_access(user=user):
        messages.info(request, "Your API tokens were deleted with the old password. Create new ones on this page.")
