"""A submission is a prediction, scored against a benchmark's truth; a score holds its metric values under one revision."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, ClassVar, Final

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Case, Exists, F, OuterRef, Prefetch, Q, Subquery, When

from palmares.benchmarks.models import Benchmark, Board, Revision
from palmares.media_storage import delete_stored_files, keep_only
from palmares.queue.models import FINAL_STATUSES, OPEN_STATUSES, Followed, Status, WorkItem
from palmares.runs.models import Run
from palmares.teams.models import Team, User, Visitor

FRAMES_FILE: Final = "frames.npz"
"""In the folder of a score: metric values per frame. Never served raw."""


class PendingFileQuerySet(models.QuerySet["PendingFile"]):
    """Files on their way, as one person sees them."""

    def visible_to(self, user: User | AnonymousUser) -> PendingFileQuerySet:
        """Those that `user` sends."""
        return self.filter(created_by=user) if user.is_authenticated else self.none()


class PendingFile(models.Model):
    """A prediction's file that comes in parts. It is deleted when a submission is made of it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=255, help_text="The file's name on the disk it comes from.")
    size_bytes = models.BigIntegerField()
    received_bytes = models.BigIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    changed_at = models.DateTimeField(auto_now=True, db_index=True, help_text="When bytes came last.")

    objects = PendingFileQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-created_at", "-id"]

    def __str__(self) -> str:
        return self.name


TAKES_QUOTA: Final = (Status.QUEUED, Status.RUNNING, Status.SUCCEEDED)
"""What was not scored costs nothing: a submission that fails or is cancelled gives its place in the day's quota back."""


class SubmissionQuerySet(models.QuerySet["Submission"]):
    """Submissions, as one person sees them."""

    def visible_to(self, user: User | AnonymousUser) -> SubmissionQuerySet:
        """Those of the teams `user` belongs to, and scored public ones on benchmarks that `user` sees.

        A visitor sees the scored ones of one benchmark that are public, or of the team whose share link it is.
        """
        is_scored = Exists(Score.objects.filter(submission=OuterRef("pk")))
        if isinstance(user, Visitor):
            shown = Q(is_public=True) if user.team is None else Q(is_public=True) | Q(team=user.team)
            return self.not_deleted().filter(is_scored, shown, benchmark=user.benchmark)
        if not user.is_authenticated:
            return self.none()
        shown = Q(is_scored, is_public=True, benchmark__in=Benchmark.objects.visible_to(user))
        return self.not_deleted().filter(Q(team__in=Team.objects.filter(memberships__user=user)) | shown)

    def not_deleted(self) -> SubmissionQuerySet:
        """Those that nobody has deleted."""
        return self.filter(deleted_at__isnull=True)

    def taking_quota(self) -> SubmissionQuerySet:
        """Those that were scored or will be, under whichever revision; deleted ones too."""
        return self.filter(Exists(Scoring.objects.filter(submission=OuterRef("pk"), status__in=TAKES_QUOTA)))

    def in_status(self, *statuses: str) -> SubmissionQuerySet:
        """Those whose `status` is one of these."""
        current = Scoring.objects.shown_first().filter(submission=OuterRef("pk")).values("status")[:1]
        return self.alias(current_status=Subquery(current)).filter(current_status__in=statuses)

    def with_scoring(self) -> SubmissionQuerySet:
        """With what `Submission.scoring` needs, in one query for all."""
        return self.prefetch_related(Prefetch("scorings", Scoring.objects.shown_first(), to_attr="scorings_shown_first"))


class Submission(Followed):
    """One prediction of a team's method. Its status is that of its scoring under the revision that boards show."""

    TEAM = "team_id"

    class Shape(models.TextChoices):
        """How the method came by the subject's hand shape."""

        ESTIMATED = "estimated", "Estimated shape"
        TRUE = "true", "Ground-truth shape"
        CALIBRATED = "calibrated", "Calibrated shape"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    benchmark = models.ForeignKey(Benchmark, on_delete=models.CASCADE, related_name="submissions")
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
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)
    deleted_at = models.DateTimeField(null=True, editable=False, help_text="Kept without files or scores: it still took quota.")

    objects = SubmissionQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-created_at", "-id"]
        indexes: ClassVar = [
            models.Index(fields=["benchmark", "team", "quota_day"]),
        ]

    @property
    def storage_prefix(self) -> str:
        """Prefix of all stored files of this row."""
        return f"submissions/{self.pk}"

    def __str__(self) -> str:
        return f"{self.method} on {self.benchmark}"

    def refresh_from_db(self, *args: Any, **kwargs: Any) -> None:
        for name in ("scoring", "scorings_shown_first"):
            self.__dict__.pop(name, None)
        super().refresh_from_db(*args, **kwargs)

    @cached_property
    def scoring(self) -> Scoring:
        """Under the revision that boards show; under the newest one where it has none there. Read once for each object."""
        prefetched: list[Scoring] | None = self.__dict__.get("scorings_shown_first")
        return prefetched[0] if prefetched else self.scorings.shown_first()[0]

    @property
    def work_item(self) -> Scoring:
        return self.scoring

    @property
    def status(self) -> str:
        return self.scoring.status

    @property
    def is_final(self) -> bool:
        return self.status in FINAL_STATUSES

    @property
    def stage(self) -> str:
        """What is being done, in words."""
        return self.scoring.stage

    @property
    def progress(self) -> float:
        return self.scoring.progress

    @property
    def error(self) -> str:
        """Why it failed, as a sentence a person can act on."""
        return self.scoring.error

    @property
    def started_at(self) -> datetime | None:
        return self.scoring.started_at

    @property
    def finished_at(self) -> datetime | None:
        return self.scoring.finished_at


class QuotaUse(models.Model):
    """A place that was taken in the yearly quotas of a benchmark with private truth. It outlives team and account."""

    benchmark = models.ForeignKey(Benchmark, on_delete=models.CASCADE, related_name="quota_uses")
    submission = models.OneToOneField(Submission, null=True, on_delete=models.SET_NULL, related_name="+")
    person = models.CharField(max_length=64, blank=True, help_text="Whose: a keyed hash of the verified email address.")
    day = models.DateField()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["benchmark", "day"])]

    def __str__(self) -> str:
        return f"{self.day} on {self.benchmark_id}"


class ScoringQuerySet(models.QuerySet["Scoring"]):
    """Scorings, as one person sees them."""

    def visible_to(self, user: User | AnonymousUser) -> ScoringQuerySet:
        """Those of submissions of the teams `user` belongs to."""
        return self.filter(submission__team__memberships__user=user) if user.is_authenticated else self.none()

    def shown_first(self) -> ScoringQuerySet:
        """Those under published revisions before the others, and under newer revisions before older ones."""
        is_shown = When(
            revision__published_at__isnull=False,
            revision__cancelled_at=None,
            revision__truth__status=Status.SUCCEEDED,
            then=0,
        )
        return self.order_by(Case(is_shown, default=1), "-revision__number")


class Scoring(WorkItem):
    """The scoring of one submission under one revision; what makes its `Score`."""

    TASK = "workers.score_submission"
    TEAM = "submission__team_id"
    WAITS_FOR = "revision__truth"
    FOLLOWED_AS = "submission_id"

    submission = models.ForeignKey(Submission, on_delete=models.CASCADE, related_name="scorings")
    revision = models.ForeignKey(Revision, on_delete=models.CASCADE, related_name="scorings")

    objects = ScoringQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-created_at", "-id"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["submission", "revision"], name="one_scoring_a_revision")]
        indexes: ClassVar = [models.Index(fields=["revision", "status"])]

    def __str__(self) -> str:
        return f"{self.submission}, {self.revision}"

    @classmethod
    def startable(cls) -> Q:
        """When truth and runs are there, or will never be."""
        return super().startable() & ~Q(submission__runs__status__in=OPEN_STATUSES)

    @classmethod
    def nobody_asked_for(cls) -> Q:
        """Those that score a submission again, for a later truth, rule or scorer."""
        return Q(created_at__gt=F("submission__created_at") + timedelta(minutes=1))

    @property
    def storage_prefix(self) -> str:
        """Prefix of what its attempts store."""
        return f"{Submission(pk=self.submission_id).storage_prefix}/scoring-{self.pk}"

    def remove_leftovers(self) -> None:
        """Only what a score names is kept; of a deleted submission nothing."""
        if not Submission.objects.not_deleted().filter(pk=self.submission_id).exists():
            delete_stored_files(Submission(pk=self.submission_id).storage_prefix)
            return
        named = Score.objects.filter(submission=self.submission_id, revision=self.revision_id).values_list("folder", flat=True)
        kept = [folder.rsplit("/", 1)[-1] for folder in named if folder.startswith(self.storage_prefix)]
        if kept:
            keep_only(self.storage_prefix, *kept)
        else:
            delete_stored_files(self.storage_prefix)


class Score(models.Model):
    """What one submission scored under one revision. Old ones are kept."""

    submission = models.ForeignKey(Submission, on_delete=models.CASCADE, related_name="scores")
    revision = models.ForeignKey(Revision, on_delete=models.CASCADE, related_name="scores")
    coverage = models.FloatField(help_text="Share of the truth's hands that were predicted.")
    report = models.JSONField(help_text="The official report's names, in its units.")
    metrics = models.JSONField(help_text="Our names, in the units of ml.catalog.METRICS; null where undefined.")
    content = models.JSONField(default=dict, help_text="Counts, versions, curves, errors by joint and sequence, histograms.")
    folder = models.CharField(max_length=255, help_text="Storage prefix of `frames.npz`: figures by frame. Never served raw.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["-created_at"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["submission", "revision"], name="one_score_a_revision")]

    def __str__(self) -> str:
        return f"{self.submission}, {self.revision}"

    @property
    def recipe(self) -> str:
        """Version and hash of the recipe that it was scored by."""
        return _version(self.content.get("protocol", {}))

    @property
    def scorer(self) -> str:
        """Version and hash of the scorer that it was scored by."""
        return _version(self.content.get("scorer", {}))


def _version(of: dict[str, str]) -> str:
    return f"{of['version']} ({of['sha256'][:12]})" if of else ""


class MetricValue(models.Model):
    """One metric of one score on one board: what leaderboards sort."""

    score = models.ForeignKey(Score, on_delete=models.CASCADE, related_name="metric_values")
    board = models.ForeignKey(Board, on_delete=models.CASCADE, related_name="metric_values")
    metric = models.CharField(max_length=60)
    value = models.FloatField(help_text="What is ranked: with the benchmark's policy for missing hands in it.")
    low = models.FloatField(null=True, help_text="Lower end of the 95% interval; null where the data carry none.")
    high = models.FloatField(null=True, help_text="Upper end.")
    detected = models.FloatField(null=True, help_text="Mean over predicted hands alone; null where none is missing.")
    coverage = models.FloatField()
    is_ranked = models.BooleanField(help_text="Whether the benchmark's policy for missing hands lets it be ranked.")

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["score", "board", "metric"], name="one_value_a_metric")]
        indexes: ClassVar = [models.Index(fields=["board", "metric", "value"])]

    def __str__(self) -> str:
        return f"{self.metric} {self.value:.4g}"


class ClusterMeans(models.Model):
    """The means of a score's metrics on one board, by cluster of the truth: what comparisons of whole boards need."""

    score = models.ForeignKey(Score, on_delete=models.CASCADE, related_name="cluster_means")
    board = models.ForeignKey(Board, on_delete=models.CASCADE, related_name="+")
    metrics = ArrayField(models.CharField(max_length=60), help_text="K names; only metrics that are ranked.")
    means = models.BinaryField(help_text="float32, little-endian, K rows of C clusters.")
    counts = models.BinaryField(help_text="int32, little-endian, likewise: values in each cluster.")

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["score", "board"], name="one_table_of_means_a_board")]

    def __str__(self) -> str:
        return f"means by cluster of {self.score_id} on {self.board_id}"


class RankComparisonQuerySet(models.QuerySet["RankComparison"]):
    """Comparisons, as one person sees them."""

    def visible_to(self, user: User | AnonymousUser) -> RankComparisonQuerySet:
        """Those of benchmarks of the teams `user` belongs to."""
        return self.filter(revision__benchmark__team__memberships__user=user) if user.is_authenticated else self.none()


class RankComparison(WorkItem):
    """The comparison of all submissions of a revision with each other, on every board; done again whenever they change."""

    TASK = "workers.compare_ranks"
    TEAM = "revision__benchmark__team_id"

    revision = models.OneToOneField(Revision, on_delete=models.CASCADE, related_name="rank_comparison")
    is_outdated = models.BooleanField(default=False, help_text="Whether scores changed after a worker had begun.")

    objects = RankComparisonQuerySet.as_manager()

    @classmethod
    def nobody_asked_for(cls) -> Q:
        """All: they follow from submissions and their scores."""
        return ~Q(pk__in=())

    def __str__(self) -> str:
        return f"ranks of {self.revision}"


class BoardRanks(models.Model):
    """What a comparison found on one board by one metric: rank intervals, the significance map, stability."""

    revision = models.ForeignKey(Revision, on_delete=models.CASCADE, related_name="board_ranks")
    board = models.ForeignKey(Board, on_delete=models.CASCADE, related_name="board_ranks")
    metric = models.CharField(max_length=60)
    content = models.JSONField(help_text="As `workers.compare_ranks` writes it.")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["revision", "board", "metric"], name="one_comparison_a_board_and_metric")
        ]

    def __str__(self) -> str:
        return f"ranks by {self.metric} on {self.board_id}"
