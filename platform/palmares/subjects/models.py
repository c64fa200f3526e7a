"""A subject is a person whose hands are filmed; a hand shape is what is known of those hands' size and form."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.contrib.postgres.fields import ArrayField
from django.db import models

from palmares.teams.models import Team, User

UNSORTED = "Unsorted"
"""Name of the subject that collects uploads which named none."""


class SubjectQuerySet(models.QuerySet["Subject"]):
    """Subjects, as one person sees them."""

    def visible_to(self, user: User | AnonymousUser) -> SubjectQuerySet:
        """Those of the teams `user` belongs to."""
        return self.filter(team__memberships__user=user) if user.is_authenticated else self.none()


class Subject(models.Model):
    """One person, named as the team likes (a pseudonym, usually)."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="subjects")
    name = models.CharField(max_length=80)
    notes = models.TextField(blank=True, max_length=4000)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    objects = SubjectQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["name", "id"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["team", "name"], name="subject_names_differ_within_a_team")]

    def __str__(self) -> str:
        return self.name

    @property
    def is_unsorted(self) -> bool:
        """Whether it collects uploads that named no subject: perhaps of several people, so it has no one hand shape."""
        return self.name == UNSORTED


class HandShapeQuerySet(models.QuerySet["HandShape"]):
    """Hand shapes, as one person sees them."""

    def visible_to(self, user: User | AnonymousUser) -> HandShapeQuerySet:
        """Those of the teams `user` belongs to."""
        return self.filter(subject__team__memberships__user=user) if user.is_authenticated else self.none()


FIRST_OPEN_HAND = "open-1"
"""Hand model of shapes, and of predictions, that version 0.1 made: β of its open hand mean nothing to the present one."""


class HandShape(models.Model):
    """β of one subject's hand, with how it came about."""

    class Side(models.TextChoices):
        LEFT = "left"
        RIGHT = "right"
        BOTH = "both"  # one shape, mirrored

    class Source(models.TextChoices):
        CALIBRATED = "calibrated"
        MEASURED = "measured"
        GIVEN = "given"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    subject = models.ForeignKey(Subject, on_delete=models.CASCADE, related_name="hand_shapes")
    side = models.CharField(max_length=5, choices=Side, default=Side.BOTH)
    hand_model = models.CharField(max_length=16, default="open")
    betas = ArrayField(models.FloatField(), size=10)
    source = models.CharField(max_length=10, choices=Source)
    length_mm = models.FloatField(null=True, help_text="Wrist to middle fingertip of the rest-pose hand.")
    width_mm = models.FloatField(null=True, help_text="Index MCP to pinky MCP of the rest-pose hand.")
    details = models.JSONField(default=dict, blank=True, help_text="Uncertainty, scale source, frames used with weights.")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = HandShapeQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-created_at", "-id"]

    def __str__(self) -> str:
        return f"{self.subject}, {self.side} ({self.source})"
