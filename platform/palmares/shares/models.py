"""A share link opens one thing of a team, read-only, to everybody who has its address."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone

from palmares.teams.models import Team, User


class LinkStatus(models.TextChoices):
    """Whether a link opens anything."""

    ACTIVE = "active"
    EXPIRED = "expired"
    REVOKED = "revoked"


class ShareLinkQuerySet(models.QuerySet["ShareLink"]):
    """Share links, as one person sees them."""

    def visible_to(self, user: User | AnonymousUser) -> ShareLinkQuerySet:
        """Those of the teams `user` belongs to."""
        return self.filter(team__memberships__user=user) if user.is_authenticated else self.none()


class ShareLink(models.Model):
    """What is shared, how, and for how long. Only the hash of the link's token is kept."""

    class Kind(models.TextChoices):
        DASHBOARD = "dashboard", "Dashboard"
        VIEWER = "viewer", "Viewer"
        BOARD = "board", "Board"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="share_links")
    token_hash = models.CharField(max_length=64, unique=True, editable=False)
    kind = models.CharField(max_length=9, choices=Kind)
    target = models.UUIDField(help_text="Id of a dashboard, an upload or a benchmark, which may have been deleted since.")
    title = models.CharField(max_length=255, help_text="What the target was called when the link was made.")
    state = models.CharField(max_length=4000, blank=True, help_text="Query string of the page that is shared.")
    runs = ArrayField(models.UUIDField(), default=list, blank=True, help_text="Of a viewer: the runs that the link opens.")
    media = models.BooleanField(default=False, help_text="Whether videos are shown.")
    truth = models.BooleanField(default=False, help_text="Whether viewers show the ground truth of uploads.")
    names = models.BooleanField(default=False, help_text="Whether names of subjects and uploads are shown.")
    allowed_sites = ArrayField(
        models.CharField(max_length=255), default=list, blank=True, help_text="Origins of sites that may embed it."
    )
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, editable=False)
    last_used_at = models.DateTimeField(null=True, editable=False)
    opened = models.PositiveIntegerField(default=0, editable=False, help_text="How often the page was opened.")

    objects = ShareLinkQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-created_at", "-id"]

    def __str__(self) -> str:
        return f"{self.kind} {self.title}"

    @property
    def status(self) -> LinkStatus:
        """Whether it opens anything now."""
        if self.revoked_at is not None:
            return LinkStatus.REVOKED
        return LinkStatus.EXPIRED if self.expires_at <= timezone.now() else LinkStatus.ACTIVE
