"""The app of uploads, and what is deleted with its rows."""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.db import transaction
from django.db.models.signals import post_delete

from palmares.media_storage import delete_files_with


class UploadsConfig(AppConfig):
    """The app of uploads."""

    name = "palmares.uploads"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from palmares.api.idempotency import forget_answers_with  # noqa: PLC0415 - models must be ready

        forget_answers_with("uploads.Upload")
        delete_files_with("uploads.Upload", "uploads.GroundTruth")
        post_delete.connect(_delete_partial, sender="uploads.Upload")  # type: ignore[arg-type]


def _delete_partial(instance: Any, **_: Any) -> None:
    from palmares.uploads.partial import forget_partial  # noqa: PLC0415 - settings must be ready

    key = instance.pk  # Django takes it from the instance before the transaction ends
    transaction.on_commit(lambda: forget_partial(key), robust=True)
