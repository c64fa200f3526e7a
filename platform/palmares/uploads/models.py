"""An upload: one video or set of images of a subject's hands."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from palmares.queue.models import Status, WorkItem
from palmares.subjects.models import Subject
from palmares.teams.models import User


class PublicStatus(models.TextChoices):
    """An upload's states by the names that people and the API are told."""

    RECEIVING = "receiving"
    QUEUED = "queued"
    INGESTING = "ingesting"
    READY = "ready"
    FAILED = "failed"
    CANCELLED = "cancelled"


class UploadQuerySet(models.QuerySet["Upload"]):
    """Uploads, as one person sees them."""

    def visible_to(self, user: User | AnonymousUser) -> UploadQuerySet:
        """Those of the teams `user` belongs to."""
        return self.filter(subject__team__memberships__user=user) if user.is_authenticated else self.none()


class Upload(WorkItem):
    """A file on its way from a person's disk to frames that can be shown and worked on.

    As a unit of work it is the ingestion: probe, decode, make the web copy, thumbnails and keypoints. Until all its
    bytes are here (`received_at`), there is nothing to work on and nothing is queued.

    All pixels (`width`, `height`, `intrinsics`, keypoints, predictions) are pixels of the web copy.
    """

    TASK = "workers.ingest_upload"
    TEAM = "subject__team_id"

    class Kind(models.TextChoices):
        VIDEO = "video"
        IMAGES = "images"

    subject = models.ForeignKey(Subject, on_delete=models.CASCADE, related_name="uploads")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    kind = models.CharField(max_length=6, choices=Kind, default=Kind.VIDEO)
    name = models.CharField(max_length=255, help_text="The file's name on the disk it came from.")
    size_bytes = models.BigIntegerField()
    received_bytes = models.BigIntegerField(default=0)
    received_at = models.DateTimeField(null=True, editable=False)
    source = models.CharField(max_length=255, blank=True, help_text="Storage key of the file as it came.")
    folder = models.CharField(
        max_length=255, blank=True, help_text="Storage prefix of web.mp4, poster.jpg, filmstrip.jpg, keypoints.npz."
    )
    sha256 = models.CharField(max_length=64, blank=True)
    bytes_received_at = models.DateTimeField(null=True, editable=False, help_text="When bytes of the file were last received.")

    fps = models.FloatField(null=True)
    width = models.PositiveIntegerField(null=True)
    height = models.PositiveIntegerField(null=True)
    frame_count = models.PositiveIntegerField(null=True)
    intrinsics = ArrayField(models.FloatField(), size=9, null=True, blank=True, help_text="Row by row, px; empty: assumed.")
    facts = models.JSONField(default=dict, blank=True, help_text="What the probe found: codec, rotation, dropped frames.")

    objects = UploadQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-created_at", "-id"]
        indexes: ClassVar = [models.Index(fields=["subject", "-created_at"])]

    @classmethod
    def nobody_asked_for(cls) -> Q:
        """Those that are rendered for the demonstration."""
        return Q(facts__has_key="synthetic")

    @property
    def storage_prefix(self) -> str:
        """Prefix of all stored files of this row."""
        return f"uploads/{self.pk}"

    def __str__(self) -> str:
        return self.name

    @classmethod
    def startable(cls) -> models.Q:
        """Those whose bytes are all here."""
        return models.Q(received_at__isnull=False)

    @property
    def public_status(self) -> PublicStatus:
        """What people and the API are told."""
        if self.received_at is None and self.status == Status.QUEUED:
            return PublicStatus.RECEIVING
        return _PUBLIC[Status(self.status)]


class HandBox(models.Model):
    """Where somebody saw a hand that the detector missed: methods that are run afterwards look there."""

    class Side(models.TextChoices):
        LEFT = "left"
        RIGHT = "right"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    upload = models.ForeignKey(Upload, on_delete=models.CASCADE, related_name="boxes")
    frame = models.PositiveIntegerField()
    x = models.FloatField(help_text="Of its left side, px of the web copy, as all.")
    y = models.FloatField(help_text="Of its upper side.")
    width = models.FloatField()
    height = models.FloatField()
    side = models.CharField(max_length=5, choices=Side, help_text="Of the hand.")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["frame", "created_at", "id"]
        verbose_name_plural = "hand boxes"

    def __str__(self) -> str:
        return f"{self.side} hand in frame {self.frame}"


class GroundTruthQuerySet(models.QuerySet["GroundTruth"]):
    """Ground truths, as one person sees them."""

    def visible_to(self, user: User | AnonymousUser) -> GroundTruthQuerySet:
        """Those of uploads of the teams `user` belongs to."""
        return self.filter(upload__subject__team__memberships__user=user) if user.is_authenticated else self.none()


class GroundTruth(WorkItem):
    """The true hands of an upload, which its team may see. A benchmark's private truth is another thing, and never here.

    As a unit of work it is the import: from the file as it came to the canonical one and its track for the viewer. Another
    file is another row, so that scores by the former truth go with it.
    """

    TASK = "workers.import_ground_truth"
    TEAM = "upload__subject__team_id"

    upload = models.OneToOneField(Upload, on_delete=models.CASCADE, related_name="ground_truth")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    name = models.CharField(max_length=255, help_text="The file's name on the disk it came from.")
    format = models.CharField(max_length=16, help_text="Key of ml.catalog.TRUTH_FORMATS.")
    side = models.CharField(max_length=5, default="right", help_text="Of the hands, in formats that do not say.")
    source = models.CharField(max_length=255, help_text="Storage key of the file as it came.")
    size_bytes = models.BigIntegerField(default=0)
    findings = models.JSONField(default=list, blank=True, help_text="What the check noticed: [{level, message, place}].")
    folder = models.CharField(
        max_length=255, blank=True, help_text="Storage prefix of truth.npz and track.json; empty: not yet."
    )
    sha256 = models.CharField(max_length=64, blank=True, help_text="Of truth.npz.")
    rows = models.PositiveIntegerField(null=True, help_text="One a frame and hand.")
    hand_model = models.CharField(max_length=16, blank=True)
    has_vertices = models.BooleanField(default=False)

    objects = GroundTruthQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-created_at", "-id"]

    @classmethod
    def nobody_asked_for(cls) -> Q:
        """Those that are rendered for the demonstration."""
        return Q(created_by=None, upload__facts__has_key="synthetic")

    @property
    def storage_prefix(self) -> str:
        """Prefix of all stored files of this row."""
        return f"truths/{self.pk}"

    def __str__(self) -> str:
        return f"truth of {self.upload}"


_PUBLIC = {
    Status.QUEUED: PublicStatus.QUEUED,
    Status.RUNNING: PublicStatus.INGESTING,
    Status.SUCCEEDED: PublicStatus.READY,
    Status.FAILED: PublicStatus.FAILED,
    Status.CANCELLED: PublicStatus.CANCELLED,
}
