"""Benchmarks, submissions and scores as the API shows them."""

from __future__ import annotations

from typing import Any, ClassVar

from rest_framework import serializers

from ml.catalog import PROTOCOLS
from palmares.benchmarks.models import Benchmark, Board, Revision, Truth
from palmares.queue.serializers import WorkSerializer
from palmares.subjects.serializers import TeamField
from palmares.teams.models import Team


class BoardSerializer(serializers.ModelSerializer[Board]):
    """One ranking of a benchmark."""

    class Meta:
        model = Board
        fields: ClassVar = ["slug", "name", "tag"]


class BenchmarkSerializer(serializers.ModelSerializer[Benchmark]):
    """What is measured, and by which rules. Its truth has no address."""

    slug = serializers.SlugField(max_length=60, help_text="Gets a suffix where it clashes with one that you may not see.")
    protocol = serializers.ChoiceField(choices=[(name, name) for name in PROTOCOLS])
    team = TeamField(queryset=Team.objects.none())
    boards = BoardSerializer(many=True, read_only=True)

    class Meta:
        model = Benchmark
        fields: ClassVar = [
            "id", "slug", "name", "summary", "description", "team", "protocol", "licence", "citation", "rules", "visibility",
            "daily_limit", "yearly_limit", "yearly_person_limit", "allows_unverified", "deadline", "missing", "penalty_mm",
            "shows_frames", "primary_metric", "boards", "created_at",
        ]  # fmt: skip
        read_only_fields: ClassVar = ["id", "boards", "created_at"]


class BenchmarkUpdateSerializer(BenchmarkSerializer):
    """What may change: not the team, the address or the protocol."""

    class Meta(BenchmarkSerializer.Meta):
        read_only_fields: ClassVar = ["id", "slug", "team", "protocol", "boards", "created_at"]

    slug = serializers.SlugField(read_only=True)
    protocol = serializers.CharField(read_only=True)  # type: ignore[assignment]
    team = serializers.PrimaryKeyRelatedField(read_only=True)  # type: ignore[assignment, var-annotated]


WORK_FIELDS = ["status", "stage", "progress", "place", "seconds_left", "error", "created_at", "started_at", "finished_at"]


class TruthSerializer(WorkSerializer):
    """One version of a truth: how far its import is. Its content is not served."""

    class Meta:
        model = Truth
        fields: ClassVar = ["id", "version", "sha256", "rows", *WORK_FIELDS]
        read_only_fields: ClassVar = fields


class NewTruthSerializer(serializers.Serializer[Any]):
    """A truth as the protocol's authors lay it out."""

    file = serializers.FileField(allow_empty_file=True, max_length=1000, help_text=".zip of the folder, .npz, .json or .txt.")


class RevisionSerializer(WorkSerializer):
    """One scoring of everything."""

    truth_version = serializers.IntegerField(source="truth.version", read_only=True)
    recipe_version = serializers.CharField(read_only=True, help_text="The oldest recipe that may score under it.")
    scorer_version = serializers.CharField(read_only=True, help_text="The oldest scorer that may score under it.")

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
