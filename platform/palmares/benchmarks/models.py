"""A benchmark is a protocol and a truth that never leaves the server; a submission is a prediction scored against it."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, ClassVar

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Count, Max, Min, Q

from palmares.queue.models import FINAL_STATUSES, Followed, Status, WorkItem
from palmares.teams.models import Team, User


class BenchmarkQuerySet(models.QuerySet["Benchmark"]):
    """Benchmarks, as one person sees them."""

    def visible_to(self, user: User | AnonymousUser) -> BenchmarkQuerySet:
        """Public ones, and those of the teams `user` belongs to; nobody else's are known to exist.

        People who are not signed in are shown nothing here; what is on the web is in `on_the_web`.
        """
        if not user.is_authenticated:
            return self.none()
        own = Team.objects.filter(memberships__user=user)
        shown = (Benchmark.Visibility.PUBLIC, Benchmark.Visibility.WEB)
        return self.filter(Q(visibility__in=shown) | Q(team__in=own))

    def on_the_web(self) -> BenchmarkQuerySet:
        """Those whose boards are shown to everybody."""
        return self.filter(visibility=Benchmark.Visibility.WEB)


class Benchmark(models.Model):
    """What is measured, by which rules, and who may see it."""

    class Visibility(models.TextChoices):
        PUBLIC = "public", "Everyone who is signed in"
        TEAM = "team", "The owning team"
        WEB = "web", "Everyone on the web, without an account"

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
    yearly_limit = models.PositiveIntegerField(
        default=500,
        validators=[MinValueValidator(1)],
        help_text="Scored submissions in 365 days of everyone outside the team together, where the truth is private.",
    )
    yearly_person_limit = models.PositiveIntegerField(
        default=50,
        validators=[MinValueValidator(1)],
        help_text="Scored submissions in 365 days of one person outside the team, where the truth is private.",
    )
    allows_unverified = models.BooleanField(
        default=False, help_text="Whether people without a verified email address may submit, where the truth is private."
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
    size_bytes = models.BigIntegerField(default=0, help_text="Of the file as it came.")
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

    def live(self) -> RevisionQuerySet:
        """Those that can still be shown: not cancelled, and their truth was imported or will be."""
        return self.filter(cancelled_at=None).exclude(truth__status__in=(Status.FAILED, Status.CANCELLED))


@dataclass(frozen=True)
class RevisionProgress:
    """How far the scoring under a revision is.

    Attributes:
        total: submissions to be scored, deleted ones left out.
        scored, failed, cancelled: of these.
        started_at: when the first scoring began.
        finished_at: when the last one ended.
    """

    total: int
    scored: int
    failed: int
    cancelled: int
    started_at: datetime | None
    finished_at: datetime | None

    @property
    def ended(self) -> int:
        return self.scored + self.failed + self.cancelled


class Revision(Followed):
    """One truth, rule, recipe and scorer by which a benchmark's submissions are scored: one `Scoring` for each of them.

    A benchmark shows its newest published revision; older ones stay addressable. Versions are ordered: a worker whose recipe
    or scorer is older than a revision's does not score under it.
    """

    TEAM = "benchmark__team_id"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    benchmark = models.ForeignKey(Benchmark, on_delete=models.CASCADE, related_name="revisions")
    number = models.PositiveSmallIntegerField()
    truth = models.ForeignKey(Truth, on_delete=models.CASCADE, related_name="revisions")
    missing = models.CharField(max_length=9, choices=Benchmark.Missing, help_text="The benchmark's rule then.")
    penalty_mm = models.FloatField(default=50.0)
    recipe_version = models.PositiveIntegerField(default=0, help_text="The oldest recipe that may score under it.")
    scorer_version = models.PositiveIntegerField(default=0, help_text="The oldest scorer that may score under it.")
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)
    published_at = models.DateTimeField(null=True, blank=True)
    cancelled_at = models.DateTimeField(null=True, blank=True, help_text="By an owner, or when a newer one took its place.")

    objects = RevisionQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["benchmark", "-number"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["benchmark", "number"], name="revision_numbers_differ")]

    def __str__(self) -> str:
        return f"revision {self.number} of {self.benchmark}"

    def refresh_from_db(self, *args: Any, **kwargs: Any) -> None:
        self.__dict__.pop("scoring_progress", None)
        super().refresh_from_db(*args, **kwargs)

    @cached_property
    def scoring_progress(self) -> RevisionProgress:
        """Counted once for each object."""
        scorings: Any = self.scorings  # type: ignore[attr-defined]  # of `submissions`, which comes after this app

        def of(status: Status) -> Count:
            return Count("pk", filter=Q(status=status))

        counts = scorings.filter(submission__deleted_at=None).aggregate(
            total=Count("pk"),
            scored=of(Status.SUCCEEDED),
            failed=of(Status.FAILED),
            cancelled=of(Status.CANCELLED),
            started_at=Min("started_at"),
            finished_at=Max("finished_at"),
        )
        return RevisionProgress(**counts)

    @property
    def status(self) -> Status:
        """That of its scorings together; succeeded means that all of them have ended."""
        if self.cancelled_at is not None:
            return Status.CANCELLED
        if self.truth.status in (Status.FAILED, Status.CANCELLED):
            return Status.FAILED
        found = self.scoring_progress
        if self.truth.status == Status.SUCCEEDED and found.ended == found.total:
            return Status.SUCCEEDED
        return Status.RUNNING if found.started_at else Status.QUEUED

    @property
    def is_final(self) -> bool:
        return self.status in FINAL_STATUSES

    @property
    def stage(self) -> str:
        """What is being done, in words."""
        found = self.scoring_progress
        if self.truth.status in (Status.QUEUED, Status.RUNNING):
            return "The ground truth is being imported"
        failed = f", {found.failed} failed" if found.failed else ""
        return f"{found.scored} of {found.total} scored{failed}"

    @property
    def progress(self) -> float:
        found = self.scoring_progress
        return found.ended / found.total if found.total else float(self.is_final)

    @property
    def error(self) -> str:
        """Why it failed, as a sentence a person can act on."""
        return self.truth.error if self.status == Status.FAILED else ""

    @property
    def started_at(self) -> datetime | None:
        return self.scoring_progress.started_at

    @property
    def finished_at(self) -> datetime | None:
        return self.cancelled_at or (self.scoring_progress.finished_at if self.is_final else None)

    @property
    def work_item(self) -> None:
        return None
