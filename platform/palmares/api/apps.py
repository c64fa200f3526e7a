"""Registers what the schema must know before it is asked for."""

from __future__ import annotations

from django.apps import AppConfig


class ApiConfig(AppConfig):
    """The app of what every endpoint shares."""

    name = "palmares.api"

    def ready(self) -> None:
        from palmares.api import authentication  # noqa: F401, PLC0415 - registers the security scheme
