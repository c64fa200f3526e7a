"""The app of submissions, and what is deleted with its rows."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from django.apps import AppConfig
from django.db import transaction
from django.db.models.signals import post_delete

from palmares.media_storage import delete_files_with


class SubmissionsConfig(AppConfig):
    """The app of submissions."""

    name = "palmares.submissions"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        delete_files_with("submissions.Submission")
        for name in ("scorings", "storage_used"):
            import_module(f"palmares.submissions.{name}")  # their receivers
        post_delete.connect(_delete_partial, sender="submissions.PendingFile")  # type: ignore[arg-type]


def _delete_partial(instance: Any, **_: Any) -> None:
    from palmares.uploads.partial import forget_partial  # noqa: PLC0415 - settings must be ready

    key = instance.pk  # Django takes it from the instance before the transaction ends
    transaction.on_commit(lambda: forget_partial(key), robust=True)
