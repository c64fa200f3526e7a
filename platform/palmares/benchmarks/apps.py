"""Registers who removes the files of benchmarks and submissions."""

from __future__ import annotations

from django.apps import AppConfig


class BenchmarksConfig(AppConfig):
    """The app of benchmarks."""

    name = "palmares.benchmarks"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from palmares.benchmarks import stored  # noqa: F401, PLC0415 - models must be ready before its receivers
