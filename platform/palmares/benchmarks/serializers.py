"""Benchmarks, submissions and scores as the API shows them."""

from __future__ import annotations

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from ml.catalog import PROTOCOLS
from palmares.benchmarks import policy
from palmares.benchmarks.models import Benchmark, Board, Revision, Score, Submission, Truth
from palmares.benchmarks.services import shown_revision
from palmares.queue.models import Status
from palmares.queue.services import place_in_queue, seconds_left
from palmares.subjects.serializers import TeamField
from palmares.teams.models import Team


class BoardSerializer(serializers.ModelSerializer[Board]):
    """One ranking of a benchmark."""

    class Meta:
        model = Board
        fields: ClassVar = ["slug", "name", "tag"]


class BenchmarkSerializer(serializers.ModelSerializer[Benchmark]):
    """What is measured, and by which rules. Its truth has no address."""

    protocol = serializers.ChoiceField(choices=[(name, name) for name in PROTOCOLS])
    team = TeamField(queryset=Team.objects.none())
    boards = BoardSerializer(many=True, read_only=True)

    class Meta:
        model = Benchmark
        fields: ClassVar = [
            "id", "slug", "name", "summary", "description", "team", "protocol", "licence", "citation", "rules", "visibility",
            "daily_limit", "deadline", "missing", "penalty_mm", "shows_frames", "primary_metric", "boards", "created_at",
        ]  # fmt: skip
        read_only_fields: ClassVar = ["id", "boards", "created_at"]


class BenchmarkUpdateSerializer(BenchmarkSerializer):
    """What may change: not the team, the address or the protocol."""

    class Meta(BenchmarkSerializer.Meta):
        read_only_fields: ClassVar = ["id", "slug", "team", "protocol", "boards", "created_at"]

    protocol = serializers.CharField(read_only=True)  # type: ignore[assignment]
    team = serializers.PrimaryKeyRelatedField(read_only=True)  # type: ignore[assignment, var-annotated]


class _WorkSerializer(serializers.ModelSerializer[Any]):
    """What every unit of work says of itself."""

    status = serializers.ChoiceField(choices=Status.choices, read_only=True)
    place = serializers.SerializerMethodField(help_text="In the queue; 1 is next. Null when it is not queued.")
    seconds_left = serializers.SerializerMethodField()

    def get_place(self, item: Any) -> int | None:
        return place_in_queue(item=item) if item.status == Status.QUEUED else None

    def get_seconds_left(self, item: Any) -> float | None:
        return seconds_left(item=item) if item.status == Status.RUNNING else None


WORK_FIELDS = ["status", "stage", "progress", "place", "seconds_left", "error", "created_at", "started_at", "finished_at"]


class TruthSerializer(_WorkSerializer):
    """One version of a truth: how far its import is. Its content is not served."""

    class Meta:
        model = Truth
        fields: ClassVar = ["id", "version", "sha256", "rows", *WORK_FIELDS]
        read_only_fields: ClassVar = fields


class NewTruthSerializer(serializers.Serializer[Any]):
    """A truth as the protocol's authors lay it out."""

    file = serializers.FileField(allow_empty_file=True, max_length=1000, help_text=".zip of the folder, .npz, .json or .txt.")


class RevisionSerializer(_WorkSerializer):
    """One scoring of everything."""

    truth_version = serializers.IntegerField(source="truth.version", read_only=True)

    class Meta:
        model = Revision
        fields: ClassVar = [
            "id",
            "number",
            "truth_version",
            "missing",
            "penalty_mm",
            "recipe_version",
            "scorer_version",
            "published_at",
            *WORK_FIELDS,
        ]
        read_only_fields: ClassVar = fields


class PlaceSerializer(serializers.Serializer[Any]):
    """Where a submission stands, and its figure there."""

    rank = serializers.IntegerField(allow_null=True)
    value = serializers.FloatField()


class RankChangeSerializer(serializers.Serializer[Any]):
    """What publishing a revision changes for one submission; null where it has no figure."""

    submission = serializers.UUIDField(source="submission.pk")
    method = serializers.CharField(source="submission.method")
    old = PlaceSerializer(allow_null=True)
    new = PlaceSerializer(allow_null=True)


class FindingSerializer(serializers.Serializer[Any]):
    """One thing preflight noticed."""

    level = serializers.ChoiceField(choices=["error", "warning", "note"])
    message = serializers.CharField()
    place = serializers.CharField()


class ScoreSerializer(serializers.ModelSerializer[Score]):
    """What a submission scored, with the versions of recipe, truth and scorer."""

    protocol = serializers.CharField(source="submission.benchmark.protocol", read_only=True)
    revision = serializers.IntegerField(source="revision.number", read_only=True)
    protocol_version = serializers.CharField(source="revision.recipe_version", read_only=True)
    scorer_version = serializers.CharField(source="revision.scorer_version", read_only=True)
    truth_sha256 = serializers.CharField(source="revision.truth.sha256", read_only=True)
    report = serializers.DictField(child=serializers.FloatField(allow_null=True), read_only=True)
    figures = serializers.DictField(child=serializers.FloatField(allow_null=True), read_only=True)
    counts = serializers.SerializerMethodField()

    class Meta:
        model = Score
        fields: ClassVar = [
            "protocol", "revision", "protocol_version", "scorer_version", "truth_sha256", "coverage", "report", "figures",
            "counts", "created_at",
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


class SubmissionSerializer(SubmissionSummarySerializer, _WorkSerializer):
    """One submission: where it is on its way, and what it scored."""

    scores = serializers.SerializerMethodField(help_text="Under the revision that the boards show; null until scored.")

    class Meta(SubmissionSummarySerializer.Meta):
        fields: ClassVar = [*SubmissionSummarySerializer.Meta.fields, "place", "seconds_left", "scores"]
        read_only_fields: ClassVar = fields

    @extend_schema_field(ScoreSerializer(allow_null=True))
    def get_scores(self, submission: Submission) -> Any:
        score = shown_score(submission)
        return ScoreSerializer(score).data if score else None


def shown_score(submission: Submission, revision: Revision | None = None) -> Score | None:
    """The score under a revision; under the one that boards show where none is given."""
    revision = revision or shown_revision(submission.benchmark)
    scores = submission.scores.filter(revision=revision).select_related("revision__truth", "submission__benchmark")
    scores = scores.defer("revision__truth__subsets")  # long, and no part of what is shown
    return scores.first() if revision else None


def shown_content(score: Score) -> dict[str, Any]:
    """A score's content as others may see it: nothing of single frames, unless the benchmark shows them.

    Which rows are mirrored is never told, and figures of a sequence are told from `policy.FEWEST` hands on.
    """
    content = dict(score.content)
    if "flags" in content:
        content["flags"] = {name: value for name, value in content["flags"].items() if name != "reflected_rows"}
    if not score.submission.benchmark.shows_frames:
        content = _without_small_sequences(content)
        content["boards"] = {slug: _without_small_sequences(part) for slug, part in content.get("boards", {}).items()}
    return content


def content_of_board(score: Score, board: Board) -> dict[str, Any]:
    """What a board shows of a score's content; nothing where the board is younger than the score."""
    content = shown_content(score)
    found: dict[str, Any] = content.get("boards", {}).get(board.slug, {}) if board.tag else content
    return found


def _without_small_sequences(content: dict[str, Any]) -> dict[str, Any]:
    rows = content.get("by_sequence", [])
    shown = [row if row["rows"] * row["coverage"] >= policy.FEWEST else {**row, "figures": {}} for row in rows]
    return {**content, "by_sequence": shown}


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


class DifferenceSerializer(serializers.Serializer[Any]):
    """A minus B, by a paired bootstrap."""

    a = serializers.UUIDField()
    b = serializers.UUIDField()
    board = serializers.CharField()
    metric = serializers.CharField()
    unit = serializers.CharField()
    revision = serializers.IntegerField()
    mean = serializers.FloatField(allow_null=True)
    low = serializers.FloatField(allow_null=True)
    high = serializers.FloatField(allow_null=True)
    p = serializers.FloatField(allow_null=True)
    units = serializers.IntegerField(help_text="Sequences or frames that were drawn from.")
    shared = serializers.IntegerField(help_text="Frames that both have.")
    verdict = serializers.CharField()
