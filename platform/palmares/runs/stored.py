"""The files of a run or a calibration go when it goes, whichever way it goes."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models.signals import post_delete
from django.dispatch import receiver

from palmares.runs.models import Calibration, Prediction, Run
from palmares.uploads.stored import forget_files


@receiver(post_delete, sender=Run)
def _forget_run(instance: Run, **_: Any) -> None:
    if instance.prediction_id:
        Prediction.objects.filter(pk=instance.prediction_id).delete()
    folder = f"runs/{instance.pk}"  # now: Django takes the pk from the instance before the transaction is over
    transaction.on_commit(lambda: forget_files(folder), robust=True)


@receiver(post_delete, sender=Prediction)
def _forget_prediction(instance: Prediction, **_: Any) -> None:
    folder = instance.folder.rstrip("/")
    transaction.on_commit(lambda: forget_files(folder), robust=True)


@receiver(post_delete, sender=Calibration)
def _forget_calibration(instance: Calibration, **_: Any) -> None:
    folder = f"calibrations/{instance.pk}"
    transaction.on_commit(lambda: forget_files(folder), robust=True)
