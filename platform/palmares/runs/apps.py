"""The app of runs, and what is deleted with its rows."""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_delete

from palmares.media_storage import delete_files_with


class RunsConfig(AppConfig):
    """The app of runs."""

    name = "palmares.runs"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from palmares.api.idempotency import forget_answers_with  # noqa: PLC0415 - models must be ready

        forget_answers_with("runs.Run")
        delete_files_with("runs.Run", "runs.Prediction", "runs.RunScore")
        post_delete.connect(_delete_prediction, sender="runs.Run")  # type: ignore[arg-type]


def _delete_prediction(instance: Any, **_: Any) -> None:
    from palmares.runs.models import Prediction  # noqa: PLC0415 - models must be ready

    if instance.prediction_id:
        Prediction.objects.filter(pk=instance.prediction_id).delete()
