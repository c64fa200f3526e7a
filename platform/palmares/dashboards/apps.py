"""The app of dashboards, and what is deleted with its rows."""

from __future__ import annotations

from django.apps import AppConfig

from palmares.media_storage import delete_files_with


class DashboardsConfig(AppConfig):
    """The app of dashboards."""

    name = "palmares.dashboards"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from palmares.api.idempotency import forget_answers_with  # noqa: PLC0415 - models must be ready

        forget_answers_with("dashboards.Dashboard")
        delete_files_with("dashboards.DashboardImage")
