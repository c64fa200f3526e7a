"""The app of calibrations, and what is deleted with its rows."""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.db.models.signals import pre_delete

from palmares.media_storage import delete_files_with


class CalibrationsConfig(AppConfig):
    """The app of calibrations."""

    name = "palmares.calibrations"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from palmares.api.idempotency import forget_answers_with  # noqa: PLC0415 - models must be ready

        forget_answers_with("calibrations.Calibration")
        delete_files_with("calibrations.Calibration")
        pre_delete.connect(_delete_crops, sender="uploads.Upload")  # type: ignore[arg-type]


def _delete_crops(instance: Any, **_: Any) -> None:
    from palmares.calibrations.services import delete_crops_of  # noqa: PLC0415 - models must be ready

    delete_crops_of(upload=instance)
