"""A run is one method on one upload; a prediction is what came out. A calibration finds a subject's hand shape in uploads."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import Q

from ml.catalog import METHODS
from palmares.queue.models import OPEN_STATUSES, Status, WorkItem
from palmares.runs.method_names import title_of
from palmares.runs.shape_used import in_words
from palmares.subjects.models import HandShape
from palmares.teams.models import User
from palmares.uploads.models import GroundTruth, Upload


class Prediction(models.Model):
    """Hands found in one clip: a folder of `prediction.npz`, `track.json` with its chunks, and `series.json`."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    folder = models.CharField(max_length=255, unique=True, help_text="Storage prefix.")
    sha256 = models.CharField(max_length=64, help_text="Of prediction.npz.")
    size_bytes = models.BigIntegerField()
    rows = models.PositiveIntegerField(help_text="One a frame and hand.")
    hand_model = models.CharField(max_length=16)
    summary = models.JSONField(default=dict, help_text="Metric name to number, over the whole clip.")
    losses = models.JSONField(default=list, blank=True, help_text="Of a fit in stages: terms of the loss after each step.")
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.rows} rows, {self.sha256[:12]}"

    @property
    def storage_prefix(self) -> str:
        """Prefix of all stored files of this row."""
        return self.folder.rstrip("/")


class RunQuerySet(models.QuerySet["Run"]):
    """Runs, as one person sees them."""

    def visible_to(self, user: User | AnonymousUser) -> RunQuerySet:
        """Those of the teams `user` belongs to."""
        return self.filter(upload__subject__team__memberships__user=user) if user.is_authenticated else self.none()


class Run(WorkItem):
    """One method on one upload, with a known hand shape or without."""

    TASK = "workers.run_method"
    TEAM = "upload__subject__team_id"
    WAITS_FOR = "upload"

    upload = models.ForeignKey(Upload, on_delete=models.CASCADE, related_name="runs")
    method = models.CharField(max_length=80, help_text="Name in ml.catalog.METHODS, or of an external method.")
    method_version = models.CharField(max_length=40, blank=True)
    hand_model = models.CharField(max_length=16, default="open")
    hand_shape = models.ForeignKey(HandShape, null=True, blank=True, on_delete=models.SET_NULL, related_name="runs")
    shape = models.JSONField(default=dict, blank=True, help_text="The shape given, and which sides took it; see `shapes`.")
    source = models.CharField(
        max_length=255, blank=True, help_text="Storage key of the predictions of an external method; empty: it runs here."
    )
    source_name = models.CharField(max_length=255, blank=True, help_text="The file's name on the disk it came from.")
    source_bytes = models.BigIntegerField(default=0)
    source_format = models.CharField(max_length=16, blank=True, help_text="Key of ml.catalog.PREDICTION_FORMATS.")
    source_side = models.CharField(max_length=5, default="right", help_text="Of the hands, in formats that do not say.")
    link = models.CharField(max_length=300, blank=True, help_text="To paper or code of an external method.")
    options = models.JSONField(default=dict, blank=True, help_text="Of the method, as ml.catalog lists them.")
    start = models.ForeignKey("self", null=True, blank=True, on_delete=models.SET_NULL, related_name="refinements")
    start_method = models.CharField(max_length=80, blank=True, help_text="Of the run that is refined; empty: none is.")
    boxes = models.JSONField(
        default=list, blank=True, help_text="Boxes of the upload when it was started: [{id, frame, x, y, width, height, side}]."
    )
    findings = models.JSONField(
        default=list, blank=True, help_text="What the check of the file noticed; of a run here, boxes without a hand."
    )
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    prediction = models.OneToOneField(Prediction, null=True, blank=True, on_delete=models.SET_NULL, related_name="run")

    objects = RunQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-created_at", "-id"]
        indexes: ClassVar = [
            models.Index(fields=["upload", "-created_at"]),
            # lists of the newest results and of what is on its way read a few rows of these, however many runs there are
            models.Index(fields=["-finished_at", "-id"], condition=Q(status=Status.SUCCEEDED), name="run_newest_results"),
            models.Index(fields=["created_at", "id"], condition=Q(status__in=OPEN_STATUSES), name="run_open"),
        ]

    @classmethod
    def preferring_gpu(cls) -> Q:
        """Those of methods that gain from a GPU, as the catalogue says."""
        return Q(method__in=[entry.name for entry in METHODS.values() if entry.prefers_gpu])

    @classmethod
    def nobody_asked_for(cls) -> Q:
        """Those of the demonstration and of synthetic benchmarks."""
        return Q(upload__facts__has_key="synthetic", source="", start_method="")  # only people refine runs

    def __str__(self) -> str:
        return f"{self.method} on {self.upload}"

    @property
    def storage_prefix(self) -> str:
        """Prefix of all stored files of this row."""
        return f"runs/{self.pk}"

    @property
    def title(self) -> str:
        """Of its method as people read it, and of the one whose hands it refines."""
        own = title_of(self.method)
        return f"{own} from {title_of(self.start_method)}" if self.start_method else own

    @property
    def is_external(self) -> bool:
        """Whether the predictions were sent, and not computed here."""
        return bool(self.source)

    @property
    def shape_used(self) -> str:
        """Where the hand's shape came from, as people read it; of the shape's own row, which may be gone, nothing is asked."""
        if self.is_external:
            return "as in the file that was sent"
        return in_words(method=self.method, shape=self.shape)


class RunScoreQuerySet(models.QuerySet["RunScore"]):
    """Scores of runs, as one person sees them."""

    def visible_to(self, user: User | AnonymousUser) -> RunScoreQuerySet:
        """Those of runs of the teams `user` belongs to."""
        return self.filter(run__upload__subject__team__memberships__user=user) if user.is_authenticated else self.none()


class RunScore(WorkItem):
    """A run's errors against the ground truth of its upload. Another ground truth is another row, and so are its scores."""

    TASK = "workers.score_run"
    TEAM = "run__upload__subject__team_id"

    run = models.OneToOneField(Run, on_delete=models.CASCADE, related_name="score")
    truth = models.ForeignKey(GroundTruth, on_delete=models.CASCADE, related_name="run_scores")
    content = models.JSONField(default=dict, blank=True, help_text="As ml.metrics.run_scores makes it.")
    folder = models.CharField(max_length=255, blank=True, help_text="Storage prefix of frames.npz; empty: not yet.")
    scorer = models.CharField(max_length=10, blank=True, help_text="Version of the scorer.")

    objects = RunScoreQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-created_at", "-id"]

    @classmethod
    def nobody_asked_for(cls) -> Q:
        """Those of the demonstration and of synthetic benchmarks."""
        return Q(run__upload__facts__has_key="synthetic")

    @property
    def storage_prefix(self) -> str:
        """Prefix of all stored files of this row."""
        return f"scores/{self.pk}"

    def __str__(self) -> str:
        return f"score of {self.run}"
