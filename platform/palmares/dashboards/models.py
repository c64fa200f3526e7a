"""A dashboard is a team's named page of panels; every save of it is kept as a version."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import models

from palmares.teams.models import Team, User


class DashboardQuerySet(models.QuerySet["Dashboard"]):
    """Dashboards, as one person sees them."""

    def visible_to(self, user: User | AnonymousUser) -> DashboardQuerySet:
        """Those of the teams `user` belongs to."""
        return self.filter(team__memberships__user=user) if user.is_authenticated else self.none()


class Dashboard(models.Model):
    """A name, and the number of the version that is shown."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="dashboards")
    name = models.CharField(max_length=120)
    version = models.PositiveIntegerField(default=1, help_text="Number of the version that is shown, the newest.")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)
    changed_at = models.DateTimeField(auto_now=True)

    objects = DashboardQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["name", "id"]

    def __str__(self) -> str:
        return self.name


class DashboardVersion(models.Model):
    """What a dashboard was after one save: see `palmares.dashboards.content`."""

    dashboard = models.ForeignKey(Dashboard, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    name = models.CharField(max_length=120, blank=True)
    content = models.JSONField()
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["-number"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["dashboard", "number"], name="version_numbers_differ")]

    def __str__(self) -> str:
        return f"version {self.number} of {self.dashboard}"


class DashboardImage(models.Model):
    """An image that a panel shows: PNG, JPEG or WebP as it came."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    dashboard = models.ForeignKey(Dashboard, on_delete=models.CASCADE, related_name="images")
    key = models.CharField(max_length=255, help_text="Storage key.")
    content_type = models.CharField(max_length=20)
    size_bytes = models.PositiveIntegerField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["-created_at", "-id"]

    def __str__(self) -> str:
        return f"image of {self.dashboard}"

    @property
    def storage_prefix(self) -> str:
        """Prefix of all stored files of this row."""
        return f"dashboards/{self.dashboard_id}/images/{self.pk}"
