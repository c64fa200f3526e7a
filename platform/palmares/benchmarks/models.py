"""A benchmark is a protocol and a truth that never leaves the server; a submission is a prediction scored against it."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q

from palmares.queue.models import WorkItem
from palmares.runs.models import Prediction, Run
from palmares.teams.models import Team
from palmares.uploads.models import Upload


class Benchmark(models.Model):
    """What is measured, by which rules, and who may see it."""

    class Visibility(models.TextChoices):
        PUBLIC = "public", "Everyone who is signed in"
        TEAM = "team", "The owning team"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    slug = models.SlugField(max_length=60, unique=True)
    title = models.CharField(max_length=120)
    summary = models.CharField(max_length=240, help_text="One line: what, and whose.")
    description = models.TextField(blank=True)
    protocol = models.CharField(max_length=20, help_text="Name of a protocol in ml.catalog.PROTOCOLS.")
    licence = models.CharField(max_length=120, blank=True)
    citation = models.TextField(blank=True)
    rules = models.TextField(blank=True)
    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="benchmarks")
    visibility = models.CharField(max_length=6, choices=Visibility, default=Visibility.TEAM)
    daily_limit = models.PositiveSmallIntegerField(
        default=10, validators=[MinValueValidator(1)], help_text="Scored submissions a team and day (UTC)."
    )
    deadline = models.DateTimeField(null=True, blank=True)
    shows_frames = models.BooleanField(
        default=False, help_text="Whether submitters see errors by frame; off, so that the truth cannot be rebuilt from them."
    )
    primary_metric = models.CharField(max_length=40, default="pa_mpjpe_mm")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["title", "id"]

    def __str__(self) -> str:
        return self.title


class Truth(models.Model):
    """One version of a benchmark's truth. Scores name the version they were computed against."""

    benchmark = models.ForeignKey(Benchmark, on_delete=models.CASCADE, related_name="truths")
    version = models.PositiveSmallIntegerField()
    folder = models.CharField(max_length=255, help_text="Storage prefix; laid out as the protocol says. Never served.")
    sha256 = models.CharField(max_length=64)
    frame_count = models.PositiveIntegerField()
    sequences = models.JSONField(default=list, help_text="[{name, first, count, upload: id | null}], rows of the truth in order.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["benchmark", "-version"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["benchmark", "version"], name="one_truth_a_version")]

    def __str__(self) -> str:
        return f"{self.benchmark}, truth {self.version}"


class Board(models.Model):
    """A subset of a benchmark's frames with a ranking of its own: all, `occluded`, one subject, …"""

    benchmark = models.ForeignKey(Benchmark, on_delete=models.CASCADE, related_name="boards")
    slug = models.SlugField(max_length=40)
    title = models.CharField(max_length=80)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering: ClassVar = ["position", "id"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["benchmark", "slug"], name="board_slugs_differ")]

    def __str__(self) -> str:
        return f"{self.benchmark}: {self.title}"


class Submission(WorkItem):
    """One prediction of a team's method. As a unit of work it is the scoring."""

    TASK = "workers.score_submission"

    class Shape(models.TextChoices):
        """How the method came by the subject's hand shape, as the identity-aware tables group rows."""

        ESTIMATED = "estimated", "Baseline"
        TRUE = "true", "GT shape"
        CALIBRATED = "calibrated", "Calibrated"

    benchmark = models.ForeignKey(Benchmark, on_delete=models.CASCADE, related_name="submissions")
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="submissions")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    method = models.CharField(max_length=80)
    description = models.TextField(blank=True, max_length=4000)
    links = ArrayField(models.URLField(max_length=300), default=list, blank=True, size=5)
    is_public = models.BooleanField(default=False, help_text="Whether other teams see it on the boards.")
    is_baseline = models.BooleanField(default=False)
    shape = models.CharField(max_length=10, choices=Shape, default=Shape.ESTIMATED)
    optimised = models.BooleanField(default=False, help_text="Whether parameters were optimised at inference time.")
    name = models.CharField(max_length=255, help_text="The file's name on the disk it came from.")
    source = models.CharField(max_length=255, blank=True, help_text="Storage key of the file as it came.")
    size_bytes = models.BigIntegerField()
    sha256 = models.CharField(max_length=64)
    findings = models.JSONField(default=list, help_text="What preflight had to say: [{level, message, place}].")
    counts_on = models.DateField(null=True, help_text="The day whose quota it takes; empty when it was given back.")
    run = models.ForeignKey(Run, null=True, blank=True, on_delete=models.SET_NULL, related_name="submissions")
    prediction = models.OneToOneField(Prediction, null=True, blank=True, on_delete=models.SET_NULL, related_name="submission")
    upload = models.ForeignKey(Upload, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        ordering: ClassVar = ["-created_at", "-id"]
        indexes: ClassVar = [
            models.Index(fields=["benchmark", "status"]),
            models.Index(fields=["benchmark", "team", "counts_on"]),
        ]

    def __str__(self) -> str:
        return f"{self.method} on {self.benchmark}"


class Score(models.Model):
    """What one submission scored on one board, by one version of recipe, truth and scorer. Old ones are kept."""

    submission = models.ForeignKey(Submission, on_delete=models.CASCADE, related_name="scores")
    board = models.ForeignKey(Board, on_delete=models.CASCADE, related_name="scores")
    truth = models.ForeignKey(Truth, on_delete=models.PROTECT, related_name="scores")
    recipe_version = models.CharField(max_length=40)
    scorer_version = models.CharField(max_length=80)
    is_current = models.BooleanField(default=True, help_text="Whether the board shows it; older versions stay addressable.")
    metrics = models.JSONField(help_text="{name: {value, low, high}}: 95 % bootstrap intervals; null where undefined.")
    curves = models.JSONField(default=dict, help_text="PCK curves, error by joint, by sequence, histogram.")
    coverage = models.FloatField(help_text="Share of the truth's hands that were predicted.")
    frames = models.CharField(max_length=255, blank=True, help_text="Storage key of the errors by frame; never served raw.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["-created_at"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["submission", "board"], condition=Q(is_current=True), name="one_current_score_a_submission_and_board"
            )
        ]

    def __str__(self) -> str:
        return f"{self.submission} on {self.board.title}"


class PublishedResult(models.Model):
    """A row of a paper's table, as published; shown beside the ranks, never among them."""

    benchmark = models.ForeignKey(Benchmark, null=True, on_delete=models.CASCADE, related_name="published")
    paper = models.CharField(max_length=60)
    table = models.CharField(max_length=40)
    dataset = models.CharField(max_length=40)
    method = models.CharField(max_length=80)
    variant = models.CharField(max_length=80, blank=True)
    metric = models.CharField(max_length=40)
    value = models.FloatField()
    unit = models.CharField(max_length=20, blank=True)
    note = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering: ClassVar = ["paper", "table", "id"]

    def __str__(self) -> str:
        return f"{self.method}: {self.value} {self.unit} {self.metric} ({self.paper})"
