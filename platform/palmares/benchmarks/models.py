"""A benchmark is a protocol and a truth that never leaves the server; a submission is a prediction scored against it."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.contrib.postgres.fields import ArrayField
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q

from palmares.queue.models import OPEN_STATUSES, Status, WorkItem
from palmares.runs.models import Run
from palmares.teams.models import Team, User


class BenchmarkQuerySet(models.QuerySet["Benchmark"]):
    """Benchmarks, as one person sees them."""

    def visible_to(self, user: User | AnonymousUser) -> BenchmarkQuerySet:
        """Public ones, and those of the teams `user` belongs to; nobody else's are known to exist."""
        if not user.is_authenticated:
            return self.none()
        own = Team.objects.filter(memberships__user=user)
        return self.filter(Q(visibility=Benchmark.Visibility.PUBLIC) | Q(team__in=own))


class Benchmark(models.Model):
    """What is measured, by which rules, and who may see it."""

    class Visibility(models.TextChoices):
        PUBLIC = "public", "Everyone who is signed in"
        TEAM = "team", "The owning team"

    class Missing(models.TextChoices):
        """What becomes of hands that a submission does not predict, in ranking."""

        PENALISED = "penalised", "A missing hand counts with the penalty"
        UNRANKED = "unranked", "Only complete submissions are ranked"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="benchmarks")
    slug = models.SlugField(max_length=60, unique=True)
    name = models.CharField(max_length=120)
    summary = models.CharField(max_length=240, blank=True, help_text="One line: what, and whose.")
    description = models.TextField(blank=True, max_length=8000)
    protocol = models.CharField(max_length=20, help_text="Name in ml.catalog.PROTOCOLS.")
    licence = models.CharField(max_length=120, blank=True)
    citation = models.TextField(blank=True, max_length=2000)
    rules = models.TextField(blank=True, max_length=8000)
    visibility = models.CharField(max_length=6, choices=Visibility, default=Visibility.TEAM)
    daily_limit = models.PositiveSmallIntegerField(
        default=10, validators=[MinValueValidator(1)], help_text="Scored submissions a team and day (UTC)."
    )
    deadline = models.DateTimeField(null=True, blank=True)
    missing = models.CharField(max_length=9, choices=Missing, default=Missing.UNRANKED)
    penalty_mm = models.FloatField(default=50.0, validators=[MinValueValidator(0.0)], help_text="Error of a missing hand.")
    shows_frames = models.BooleanField(
        default=False, help_text="Whether errors by frame are shown; off, so that the truth cannot be rebuilt from them."
    )
    primary_metric = models.CharField(max_length=60, default="pa_mpjpe")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    objects = BenchmarkQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["name", "id"]

    def __str__(self) -> str:
        return self.name


class Board(models.Model):
    """A subset of a benchmark's truth with a ranking of its own: all, `occluded`, one subject, …"""

    benchmark = models.ForeignKey(Benchmark, on_delete=models.CASCADE, related_name="boards")
    slug = models.SlugField(max_length=40)
    name = models.CharField(max_length=80)
    tag = models.CharField(max_length=40, blank=True, help_text="Name of a subset of the truth; all of it where empty.")
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering: ClassVar = ["position", "id"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["benchmark", "slug"], name="board_slugs_differ")]

    def __str__(self) -> str:
        return f"{self.benchmark}: {self.name}"


class TruthQuerySet(models.QuerySet["Truth"]):
    """Truths, as one person sees them: their progress; nobody sees their content."""

    def visible_to(self, user: User | AnonymousUser) -> TruthQuerySet:
        """Those of benchmarks of the teams `user` belongs to."""
        return self.filter(benchmark__team__memberships__user=user) if user.is_authenticated else self.none()


class Truth(WorkItem):
    """One version of a benchmark's truth. As a unit of work it is the import: reading, checking and filing it."""

    TASK = "workers.import_truth"
    TEAM = "benchmark__team_id"

    benchmark = models.ForeignKey(Benchmark, on_delete=models.CASCADE, related_name="truths")
    version = models.PositiveSmallIntegerField()
    source = models.CharField(max_length=255, blank=True, help_text="Storage key of the file as it came. Never served.")
    recipe = models.JSONField(default=dict, blank=True, help_text="How `ml.synthetic` draws it, where there is no file.")
    folder = models.CharField(max_length=255, blank=True, help_text="Storage prefix; laid out as the protocol reads it.")
    sha256 = models.CharField(max_length=64, blank=True)
    rows = models.PositiveIntegerField(null=True, help_text="Hands to be predicted.")
    sequences = models.JSONField(default=list, help_text="[{name, rows, upload: id or null}], in the order of the rows.")
    subsets = models.JSONField(default=dict, blank=True, help_text="{name: [[first row, last row], …]}, what boards show.")

    objects = TruthQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["benchmark", "-version"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["benchmark", "version"], name="one_truth_a_version")]

    def __str__(self) -> str:
        return f"truth {self.version} of {self.benchmark}"


class RevisionQuerySet(models.QuerySet["Revision"]):
    """Revisions, as one person sees them."""

    def visible_to(self, user: User | AnonymousUser) -> RevisionQuerySet:
        """Those of benchmarks of the teams `user` belongs to."""
        return self.filter(benchmark__team__memberships__user=user) if user.is_authenticated else self.none()


class Revision(WorkItem):
    """One truth, rule, recipe and scorer by which a benchmark's submissions are scored. As a unit of work: scoring all of them.

    What a benchmark shows is its newest published revision; older ones stay addressable.
    """

    TASK = "workers.score_again"
    TEAM = "benchmark__team_id"
    WAITS_FOR = "truth"

    benchmark = models.ForeignKey(Benchmark, on_delete=models.CASCADE, related_name="revisions")
    number = models.PositiveSmallIntegerField()
    truth = models.ForeignKey(Truth, on_delete=models.CASCADE, related_name="revisions")
    missing = models.CharField(max_length=9, choices=Benchmark.Missing, help_text="The benchmark's rule then.")
    penalty_mm = models.FloatField(default=50.0)
    recipe_version = models.CharField(max_length=80, blank=True)
    scorer_version = models.CharField(max_length=80, blank=True)
    published_at = models.DateTimeField(null=True, blank=True)

    objects = RevisionQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["benchmark", "-number"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["benchmark", "number"], name="revision_numbers_differ")]

    def __str__(self) -> str:
        return f"revision {self.number} of {self.benchmark}"


class SentFileQuerySet(models.QuerySet["SentFile"]):
    """Files on their way, as one person sees them."""

    def visible_to(self, user: User | AnonymousUser) -> SentFileQuerySet:
        """Those that `user` sends."""
        return self.filter(created_by=user) if user.is_authenticated else self.none()


class SentFile(models.Model):
    """A prediction's file that comes in parts. It goes when a submission is made of it; `palmares.benchmarks.sent_files`."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=255, help_text="The file's name on the disk it comes from.")
    size_bytes = models.BigIntegerField()
    received_bytes = models.BigIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    changed_at = models.DateTimeField(auto_now=True, db_index=True, help_text="When bytes came last.")

    objects = SentFileQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-created_at", "-id"]

    def __str__(self) -> str:
        return self.name


class SubmissionQuerySet(models.QuerySet["Submission"]):
    """Submissions, as one person sees them."""

    def visible_to(self, user: User | AnonymousUser) -> SubmissionQuerySet:
        """Those of the teams `user` belongs to, and scored public ones on benchmarks that `user` sees."""
        if not user.is_authenticated:
            return self.none()
        shown = Q(is_public=True, status=Status.SUCCEEDED, benchmark__in=Benchmark.objects.visible_to(user))
        return self.there().filter(Q(team__in=Team.objects.filter(memberships__user=user)) | shown)

    def there(self) -> SubmissionQuerySet:
        """Those that nobody has deleted."""
        return self.filter(deleted_at__isnull=True)


class Submission(WorkItem):
    """One prediction of a team's method. As a unit of work it is the scoring."""

    TASK = "workers.score_submission"
    TEAM = "team_id"
    WAITS_FOR = "truth"

    class Shape(models.TextChoices):
        """How the method came by the subject's hand shape."""

        ESTIMATED = "estimated", "Baseline"
        TRUE = "true", "GT shape"
        CALIBRATED = "calibrated", "Calibrated"

    benchmark = models.ForeignKey(Benchmark, on_delete=models.CASCADE, related_name="submissions")
    truth = models.ForeignKey(Truth, on_delete=models.CASCADE, related_name="submissions")
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="submissions")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    method = models.CharField(max_length=80)
    description = models.TextField(blank=True, max_length=4000)
    links = ArrayField(models.URLField(max_length=300), default=list, blank=True, size=5)
    is_public = models.BooleanField(default=False, help_text="Whether other teams see it on the boards.")
    is_baseline = models.BooleanField(default=False)
    shape = models.CharField(max_length=10, choices=Shape, default=Shape.ESTIMATED)
    is_optimised = models.BooleanField(default=False, help_text="Whether parameters were optimised at inference time.")
    name = models.CharField(max_length=255, help_text="The file's name on the disk it came from.")
    source = models.CharField(max_length=255, blank=True, help_text="Storage key of the file as it came.")
    size_bytes = models.BigIntegerField(default=0)
    sha256 = models.CharField(max_length=64, blank=True)
    findings = models.JSONField(default=list, help_text="What preflight had to say: [{level, message, place}].")
    runs = models.ManyToManyField(
        Run, blank=True, related_name="submissions", help_text="Runs it is made of, where no file came."
    )
    quota_day = models.DateField(null=True, help_text="The day (UTC) whose quota it takes; empty where it takes none.")
    deleted_at = models.DateTimeField(null=True, editable=False, help_text="Kept without files or scores: it still took quota.")

    objects = SubmissionQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-created_at", "-id"]
        indexes: ClassVar = [
            models.Index(fields=["benchmark", "status"]),
            models.Index(fields=["benchmark", "team", "quota_day"]),
        ]

    def __str__(self) -> str:
        return f"{self.method} on {self.benchmark}"

    @classmethod
    def startable(cls) -> Q:
        """When truth and runs are there, or will never be."""
        return super().startable() & ~Q(runs__status__in=OPEN_STATUSES)


class Score(models.Model):
    """What one submission scored under one revision. Old ones are kept."""

    submission = models.ForeignKey(Submission, on_delete=models.CASCADE, related_name="scores")
    revision = models.ForeignKey(Revision, on_delete=models.CASCADE, related_name="scores")
    coverage = models.FloatField(help_text="Share of the truth's hands that were predicted.")
    report = models.JSONField(help_text="The official report's names, in its units.")
    figures = models.JSONField(help_text="Our names, in the units of ml.catalog.METRICS; null where undefined.")
    content = models.JSONField(default=dict, help_text="Counts, versions, curves, errors by joint and sequence, histograms.")
    folder = models.CharField(max_length=255, help_text="Storage prefix of `frames.npz`: figures by frame. Never served raw.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["-created_at"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["submission", "revision"], name="one_score_a_revision")]

    def __str__(self) -> str:
        return f"{self.submission}, {self.revision}"


class Figure(models.Model):
    """One metric of one score on one board: what leaderboards sort."""

    score = models.ForeignKey(Score, on_delete=models.CASCADE, related_name="rows")
    board = models.ForeignKey(Board, on_delete=models.CASCADE, related_name="figures")
    metric = models.CharField(max_length=60)
    value = models.FloatField(help_text="What is ranked: with the benchmark's policy for missing hands in it.")
    low = models.FloatField(help_text="Lower end of the 95 % bootstrap interval.")
    high = models.FloatField(help_text="Upper end.")
    coverage = models.FloatField()
    is_ranked = models.BooleanField(help_text="Whether the benchmark's policy for missing hands lets it be ranked.")

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["score", "board", "metric"], name="one_figure_a_metric")]
        indexes: ClassVar = [models.Index(fields=["board", "metric", "value"])]

    def __str__(self) -> str:
        return f"{self.metric} {self.value:.4g}"
