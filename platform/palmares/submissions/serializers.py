"""Benchmarks, submissions and scores as the API shows them."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.auth.models import AnonymousUser
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from palmares.api.limited_check import FindingSerializer
from palmares.benchmarks.models import Board, Revision
from palmares.benchmarks.private_truth import disclosed_content, rounding_for, shows_details
from palmares.benchmarks.revisions import shown_revision
from palmares.queue.models import Status
from palmares.queue.serializers import WorkSerializer
from palmares.subjects.serializers import TeamField
from palmares.submissions.models import Score, Submission
from palmares.teams.models import Team, User


class ScoreSerializer(serializers.ModelSerializer[Score]):
    """What a submission scored, with the versions of recipe, truth and scorer."""

    protocol = serializers.CharField(source="submission.benchmark.protocol", read_only=True)
    revision = serializers.IntegerField(source="revision.number", read_only=True)
    protocol_version = serializers.CharField(source="recipe", read_only=True)
    scorer_version = serializers.CharField(source="scorer", read_only=True)
    truth_sha256 = serializers.CharField(source="revision.truth.sha256", read_only=True)
    report = serializers.DictField(child=serializers.FloatField(allow_null=True), read_only=True)
    metrics = serializers.DictField(child=serializers.FloatField(allow_null=True), read_only=True)
    figures = serializers.DictField(
        child=serializers.FloatField(allow_null=True),
        read_only=True,
        source="metrics",
        help_text="Deprecated: the same as `metrics`.",
    )
    counts = serializers.SerializerMethodField()

    class Meta:
        model = Score
        fields: ClassVar = [
            "protocol", "revision", "protocol_version", "scorer_version", "truth_sha256", "coverage", "report", "metrics",
            "figures", "counts", "created_at",
        ]  # fmt: skip
        read_only_fields: ClassVar = fields

    @extend_schema_field(serializers.DictField(child=serializers.IntegerField(allow_null=True)))
    def get_counts(self, score: Score) -> Any:
        return score.content.get("counts", {})


class SubmissionSummarySerializer(serializers.ModelSerializer[Submission]):
    """One submission in a list."""

    benchmark = serializers.SlugRelatedField(slug_field="slug", read_only=True)  # type: ignore[var-annotated]
    status = serializers.ChoiceField(choices=Status.choices, read_only=True)
    findings = FindingSerializer(many=True, read_only=True)

    class Meta:
        model = Submission
        fields: ClassVar = [
            "id", "benchmark", "team", "method", "description", "links", "is_public", "is_baseline", "shape", "is_optimised",
            "status", "stage", "progress", "error", "name", "size_bytes", "sha256", "findings",
            "created_at", "started_at", "finished_at",
        ]  # fmt: skip
        read_only_fields: ClassVar = fields


class SubmissionSerializer(SubmissionSummarySerializer, WorkSerializer):
    """One submission: where it is on its way, and what it scored."""

    scores = serializers.SerializerMethodField(help_text="Under the revision that the boards show; null until scored.")

    class Meta(SubmissionSummarySerializer.Meta):
        fields: ClassVar = [*SubmissionSummarySerializer.Meta.fields, "place", "seconds_left", "scores"]
        read_only_fields: ClassVar = fields

    @extend_schema_field(ScoreSerializer(allow_null=True))
    def get_scores(self, submission: Submission) -> Any:
        score = shown_score(submission)
        if score is None:
            return None
        data = dict(ScoreSerializer(score).data)
        user = self.context["request"].user
        if not shows_details(submission.benchmark, user):
            data |= {"report": {}, "metrics": (rounded := rounded_metrics(score, user)), "figures": rounded}
        return data


def shown_score(submission: Submission, revision: Revision | None = None) -> Score | None:
    """The score under a revision; under the one that boards show where none is given."""
    revision = revision or shown_revision(submission.benchmark)
    scores = submission.scores.filter(revision=revision).select_related("revision__truth", "submission__benchmark")
    scores = scores.defer("revision__truth__subsets")  # long, and no part of what is shown
    return scores.first() if revision else None


def rounded_metrics(score: Score, user: User | AnonymousUser) -> dict[str, float]:
    """A score's values on the board of all hands, as others than the team of a private truth see them."""
    board = score.submission.benchmark.boards.filter(tag="").order_by("position", "id").first()
    rounding = rounding_for(board, score.revision, user) if board else None
    if rounding is None:
        return {}
    values = {
        each.metric: rounding.rounded(
            submission=score.submission_id, metric=each.metric, value=each.value, coverage=each.coverage
        )
        for each in score.metric_values.filter(board=board)
    }
    return {metric: value for metric, value in values.items() if value is not None}


def shown_content(score: Score, user: User | AnonymousUser) -> dict[str, Any]:
    """A score's content as a person may see it: details where the truth is not private to them.

    Which rows are mirrored is never told.
    """
    content = dict(score.content)
    if not shows_details(score.submission.benchmark, user):
        return disclosed_content(content)
    if "flags" in content:
        content["flags"] = {name: value for name, value in content["flags"].items() if name != "reflected_rows"}
    return content


def content_of_board(score: Score, board: Board, user: User | AnonymousUser) -> dict[str, Any]:
    """What a board shows of a score's content; nothing where the board is younger than the score."""
    content = shown_content(score, user)
    found: dict[str, Any] = content.get("boards", {}).get(board.slug, {}) if board.tag else content
    return found


class LinksField(serializers.ListField):
    """Several addresses."""

    child = serializers.URLField(max_length=300)


class SubmissionFactsSerializer(serializers.ModelSerializer[Submission]):
    """What may be said of a submission, then and later."""

    links = LinksField(max_length=5, required=False)

    class Meta:
        model = Submission
        fields: ClassVar = ["method", "description", "links", "is_public", "shape", "is_optimised"]


class NewSubmissionSerializer(SubmissionFactsSerializer):
    """A prediction, and what it was made with."""

    file = serializers.FileField(
        allow_empty_file=True, max_length=1000, required=False, help_text="As the benchmark's protocol asks for it."
    )
    sent = serializers.UUIDField(
        required=False, help_text="Instead of `file`: the id of one of yours that came in parts, by tus, at `predictions/tus/`."
    )
    team = TeamField(queryset=Team.objects.none(), required=False, allow_null=True)

    class Meta(SubmissionFactsSerializer.Meta):
        fields: ClassVar = ["file", "sent", "team", *SubmissionFactsSerializer.Meta.fields]

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("file" in attrs) == ("sent" in attrs):
            came = "both" if "file" in attrs else "neither"
            raise serializers.ValidationError({"file": f"Give exactly one of `file` and `sent`; {came} came."})
        return attrs
