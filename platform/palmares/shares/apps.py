"""The app of share links."""

from __future__ import annotations

from django.apps import AppConfig


class SharesConfig(AppConfig):
    """The app of share links."""

    name = "palmares.shares"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from palmares.api.idempotency import forget_answers_with  # noqa: PLC0415 - models must be ready

        forget_answers_with("shares.ShareLink")
