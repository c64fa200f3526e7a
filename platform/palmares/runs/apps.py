"""Registers who removes a run's files."""

from __future__ import annotations

from django.apps import AppConfig


class RunsConfig(AppConfig):
    """The app of runs."""

    name = "palmares.runs"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from palmares.runs import stored  # noqa: F401, PLC0415 - models must be ready before its receivers
