"""A comment is pinned to a frame of an upload, and if wanted to the run of a method and to a joint."""

from __future__ import annotations

import re
import uuid
from typing import ClassVar

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.urls import reverse

from palmares.runs.models import Run
from palmares.runs.scores import JOINTS
from palmares.teams.models import User
from palmares.uploads.models import Upload


class CommentQuerySet(models.QuerySet["Comment"]):
    """Comments, as one person sees them."""

    def visible_to(self, user: User | AnonymousUser) -> CommentQuerySet:
        """Those on uploads of the teams `user` belongs to."""
        return self.filter(upload__subject__team__memberships__user=user) if user.is_authenticated else self.none()

    def unresolved(self) -> CommentQuerySet:
        """Those that nobody has resolved."""
        return self.filter(resolved_at=None)


class Comment(models.Model):
    """What somebody of a team wrote about a frame."""

    class Side(models.TextChoices):
        LEFT = "left"
        RIGHT = "right"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    upload = models.ForeignKey(Upload, on_delete=models.CASCADE, related_name="comments")
    frame = models.PositiveIntegerField()
    run = models.ForeignKey(Run, null=True, blank=True, on_delete=models.SET_NULL, related_name="comments")
    method = models.CharField(max_length=80, blank=True, help_text="Title of the run's method, which stays when the run goes.")
    side = models.CharField(max_length=5, choices=Side, blank=True, help_text="Of the hand whose joint it is.")
    joint = models.PositiveSmallIntegerField(null=True, blank=True, help_text="0 (wrist) to 20.")
    text = models.TextField(max_length=2000)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    resolved_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    resolved_at = models.DateTimeField(null=True, editable=False)

    objects = CommentQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["frame", "created_at", "id"]
        indexes: ClassVar = [models.Index(fields=["upload", "frame"])]

    def __str__(self) -> str:
        return f"frame {self.frame}: {self.text[:40]}"

    @property
    def joint_name(self) -> str:
        """Side and name of the joint, such as "left thumb 4"; empty where it is pinned to none."""
        if self.joint is None:
            return ""
        spaced = re.sub(r"(\d)", r" \1", JOINTS[self.joint])
        return f"{self.side} {spaced}"

    @property
    def address(self) -> str:
        """Of the viewer at its frame, with its method where the run is still there."""
        runs = f"runs={self.run_id}&" if self.run_id else ""
        return f"{reverse('viewer', args=[self.upload_id])}?{runs}frame={self.frame}&comment={self.pk}"
