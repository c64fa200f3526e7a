"""The app of calibrations, and what is deleted with its rows."""

from __future__ import annotations

from django.apps import AppConfig

from palmares.media_storage import delete_files_with


class CalibrationsConfig(AppConfig):
    """The app of calibrations."""

    name = "palmares.calibrations"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        delete_files_with("calibrations.Calibration")
