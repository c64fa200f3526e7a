"""Where a benchmark's files lie, and that they go when their row goes."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models.signals import post_delete
from django.dispatch import receiver

from palmares.benchmarks.models import Benchmark, SentFile, Submission, Truth
from palmares.uploads.partial import forget_partial
from palmares.uploads.stored import forget_files


def truth_prefix(benchmark_id: UUID, truth_id: UUID) -> str:
    """Storage prefix of everything that belongs to one truth."""
    return f"benchmarks/{benchmark_id}/truths/{truth_id}"


def submission_prefix(submission_id: UUID) -> str:
    """Storage prefix of everything that belongs to one submission."""
    return f"submissions/{submission_id}"


def _forget_later(prefix: str) -> None:
    transaction.on_commit(lambda: forget_files(prefix), robust=True)


@receiver(post_delete, sender=Benchmark)
def _forget_benchmark(instance: Benchmark, **_: Any) -> None:
    _forget_later(f"benchmarks/{instance.pk}")


@receiver(post_delete, sender=Truth)
def _forget_truth(instance: Truth, **_: Any) -> None:
    _forget_later(truth_prefix(instance.benchmark_id, instance.pk))


@receiver(post_delete, sender=Submission)
def _forget_submission(instance: Submission, **_: Any) -> None:
    _forget_later(submission_prefix(instance.pk))


@receiver(post_delete, sender=SentFile)
def _forget_sent(instance: SentFile, **_: Any) -> None:
    sent_id = instance.pk  # Django takes it from the instance before the transaction is over
    transaction.on_commit(lambda: forget_partial(sent_id), robust=True)
