"""A calibration estimates a subject's hand shape from a few images of its uploads."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import Q

from palmares.queue.models import OPEN_STATUSES, WorkItem
from palmares.subjects.models import HandShape, Subject
from palmares.teams.models import User
from palmares.uploads.models import Upload


class CalibrationQuerySet(models.QuerySet["Calibration"]):
    """Calibrations, as one person sees them."""

    def visible_to(self, user: User | AnonymousUser) -> CalibrationQuerySet:
        """Those of the teams `user` belongs to."""
        return self.filter(subject__team__memberships__user=user) if user.is_authenticated else self.none()


class Calibration(WorkItem):
    """A subject's hand shape from a few images. As a unit of work it is the calibration; what comes out is a `HandShape`."""

    TASK = "workers.calibrate"
    TEAM = "subject__team_id"

    subject = models.ForeignKey(Subject, on_delete=models.CASCADE, related_name="calibrations")
    uploads = models.ManyToManyField(Upload, related_name="calibrations")
    side = models.CharField(max_length=5, choices=HandShape.Side, default=HandShape.Side.BOTH)
    max_images = models.PositiveSmallIntegerField(default=20)
    weights = models.CharField(max_length=10, default="confidence", help_text="`confidence` or `uniform`.")
    solver = models.CharField(max_length=16, blank=True, help_text="How one shape is estimated; empty: the default.")
    scale = models.JSONField(default=dict, blank=True, help_text="What is known of the size; empty where nothing is.")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    hand_shape = models.OneToOneField(HandShape, null=True, on_delete=models.CASCADE, related_name="calibration")
    folder = models.CharField(max_length=255, blank=True, help_text="Storage prefix of crops and the rest-pose hand.")
    facts = models.JSONField(
        default=dict, blank=True, help_text="Images used with their weights, and the convergence of the estimate."
    )

    objects = CalibrationQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-created_at", "-id"]

    @property
    def storage_prefix(self) -> str:
        """Prefix of all stored files of this row."""
        return f"calibrations/{self.pk}"

    def __str__(self) -> str:
        return f"calibration of {self.subject}"

    @classmethod
    def startable(cls) -> Q:
        """When all its uploads are ready, or will never be."""
        return ~Q(uploads__status__in=OPEN_STATUSES)
