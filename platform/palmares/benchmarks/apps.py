"""The app of benchmarks, and what is deleted with its rows."""

from __future__ import annotations

from django.apps import AppConfig

from palmares.media_storage import delete_files_with


class BenchmarksConfig(AppConfig):
    """The app of benchmarks."""

    name = "palmares.benchmarks"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from palmares.api.idempotency import forget_answers_with  # noqa: PLC0415 - models must be ready

        forget_answers_with("benchmarks.Benchmark")
        delete_files_with("benchmarks.Benchmark", "benchmarks.Truth")
