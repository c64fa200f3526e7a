"""A benchmark is a protocol and a truth that never leaves the server; a submission is a prediction scored against it."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q

from palmares.queue.models import WorkItem
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

    @property
    def storage_prefix(self) -> str:
        """Prefix of all stored files of this row."""
        return f"benchmarks/{self.pk}"


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
    clusters = models.JSONField(
        default=dict, blank=True, help_text="{unit, ranges: {name: [[first row, last row], …]}}; empty: its sequences."
    )

    objects = TruthQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["benchmark", "-version"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["benchmark", "version"], name="one_truth_a_version")]

    def __str__(self) -> str:
        return f"truth {self.version} of {self.benchmark}"

    @property
    def storage_prefix(self) -> str:
        """Prefix of all stored files of this row."""
        return f"benchmarks/{self.benchmark_id}/truths/{self.pk}"

    @property
    def cluster_unit(self) -> str:
        """What the units of statistics are, in one word: `subject`, `sequence`, `frame`."""
        return str(self.clusters.get("unit") or ("sequence" if self.sequences else "frame"))


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
