"""The state of one unit of work, mixed into whatever row the work is about."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.apps import apps
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone


class Status(models.TextChoices):
    """The states of a unit of work, and the only place that spells them."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


FINAL_STATUSES = (Status.SUCCEEDED, Status.FAILED, Status.CANCELLED)
OPEN_STATUSES = (Status.QUEUED, Status.RUNNING)


class Followed(models.Model):
    """A row whose progress pages and the API follow; it has `status`, `stage`, `progress` and `error`."""

    TEAM: ClassVar[str]
    """Lookup of the id of the team that may watch it."""

    class Meta:
        abstract = True

    @property
    def work_item(self) -> WorkItem | None:
        """The work whose place in the queue and time left are shown; None where it is many."""
        raise NotImplementedError


class WorkItem(Followed):
    """A row that a worker takes, works on under a lease, and finishes exactly once.

    `queued → running → succeeded | failed | cancelled`. Only `palmares.queue.services` changes these fields.
    """

    TASK: ClassVar[str]
    """Name of the task that works on such a row; it takes the row's `pk` as a string."""
    QUEUE: ClassVar[str] = "cpu"
    """Where its messages go, but for those rows that prefer a GPU while a worker with one is there."""
    MAX_ATTEMPTS: ClassVar[int] = 3
    WAITS_FOR: ClassVar[str] = ""
    """Lookup of the work that must have succeeded before this can start; where that fails, so does this."""
    FOLLOWED_AS: ClassVar[str] = "pk"
    """Attribute with the id of the row that pages follow instead of this one."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    status = models.CharField(max_length=9, choices=Status, default=Status.QUEUED, db_index=True)
    stage = models.CharField(max_length=80, blank=True, help_text="What is being done, in words.")
    progress = models.FloatField(default=0.0, validators=[MinValueValidator(0.0), MaxValueValidator(1.0)])
    attempts = models.PositiveSmallIntegerField(default=0)
    error = models.TextField(blank=True, help_text="Why it failed, as a sentence a person can act on.")

    lease = models.UUIDField(null=True, editable=False, help_text="Held by the one worker that may write to this row.")
    lease_expires_at = models.DateTimeField(null=True, editable=False)
    cancel_requested = models.BooleanField(default=False)
    notified_at = models.DateTimeField(null=True, editable=False, help_text="When the broker was last told.")

    created_at = models.DateTimeField(auto_now_add=True, db_index=True)
    postponed_since = models.DateTimeField(null=True, editable=False, help_text="When it first had to wait for the storage.")
    not_before = models.DateTimeField(null=True, editable=False, help_text="No worker takes it earlier.")
    queued_at = models.DateTimeField(default=timezone.now, db_index=True)
    started_at = models.DateTimeField(null=True, editable=False)
    finished_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        abstract = True

    @classmethod
    def startable(cls) -> Q:
        """Which of the queued rows have all they need."""
        return Q(**{f"{cls.WAITS_FOR}__status": Status.SUCCEEDED}) if cls.WAITS_FOR else Q()

    @classmethod
    def claimable(cls) -> Q:
        """Which of the queued rows a worker may take now: startable, and not postponed."""
        return cls.startable() & (Q(not_before=None) | Q(not_before__lte=Now()))

    @classmethod
    def preferring_gpu(cls) -> Q:
        """Which rows go to workers with a GPU while there are any."""
        return Q(pk__in=())

    @classmethod
    def nobody_asked_for(cls) -> Q:
        """Which rows the product made by itself; they are worked on after what people asked for."""
        return Q(pk__in=())

    @property
    def is_final(self) -> bool:
        return self.status in FINAL_STATUSES

    @property
    def work_item(self) -> WorkItem:
        return self

    def remove_leftovers(self) -> None:
        """Remove stored files of attempts whose worker was lost. Called while nobody works on the row; must not raise."""


def work_models() -> list[type[WorkItem]]:
    """Every kind of work there is."""
    return [model for model in apps.get_models() if issubclass(model, WorkItem)]


def followed_models() -> list[type[Followed]]:
    """Every kind of row that pages follow."""
    return [model for model in apps.get_models() if issubclass(model, Followed)]
