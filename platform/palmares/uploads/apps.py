"""Registers who removes an upload's files."""

from __future__ import annotations

from django.apps import AppConfig


class UploadsConfig(AppConfig):
    """The app of uploads."""

    name = "palmares.uploads"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from palmares.uploads import stored  # noqa: F401, PLC0415 - models must be ready before its receivers
