"""Subjects and their hand shapes as the API shows them."""

from __future__ import annotations

from typing import Any, ClassVar

from rest_framework import serializers

from palmares.subjects.models import FIRST_OPEN_HAND, HandShape, Subject
from palmares.teams.models import Team


class TeamField(serializers.PrimaryKeyRelatedField):
    """A team by id; those the caller is not in do not exist."""

    def get_queryset(self) -> Any:
        return Team.objects.visible_to(self.context["request"].user)


class SubjectField(serializers.PrimaryKeyRelatedField):
    """A subject by id; those the caller may not see do not exist."""

    def get_queryset(self) -> Any:
        return Subject.objects.visible_to(self.context["request"].user).select_related("team")


class HandShapeField(serializers.PrimaryKeyRelatedField):
    """A hand shape by id; those the caller may not see do not exist."""

    def get_queryset(self) -> Any:
        return HandShape.objects.visible_to(self.context["request"].user)


class SubjectSerializer(serializers.ModelSerializer[Subject]):
    """One person whose hands are filmed."""

    team = TeamField(queryset=Team.objects.none())
    notes = serializers.CharField(max_length=4000, allow_blank=True, required=False)
    upload_count = serializers.IntegerField(read_only=True, default=0)

    class Meta:
        model = Subject
        fields: ClassVar = ["id", "team", "name", "notes", "upload_count", "created_at"]
        read_only_fields: ClassVar = ["id", "created_at"]
        validators: ClassVar[list[Any]] = []  # a name that is taken is a clash (409), told by the service


class SubjectUpdateSerializer(SubjectSerializer):
    """What may change of a subject: not its team."""

    team: Any = serializers.PrimaryKeyRelatedField(read_only=True)


class HandShapeSerializer(serializers.ModelSerializer[HandShape]):
    """β of a subject's hand, and how it came about."""

    betas = serializers.ListField(child=serializers.FloatField(min_value=-20, max_value=20), min_length=10, max_length=10)
    source = serializers.ChoiceField(  # type: ignore[assignment]  # REST framework's fields have a `source`, too
        choices=[("given", "given"), ("measured", "measured"), ("calibrated", "calibrated")], default="given"
    )
    side = serializers.ChoiceField(choices=HandShape.Side.choices, default="both")
    hand_model = serializers.ChoiceField(
        choices=[("open", "open"), ("mano", "mano"), (FIRST_OPEN_HAND, "the open hand of version 0.1")],
        default="open",
        help_text=f"`{FIRST_OPEN_HAND}`: of the open hand of version 0.1; it can be read, but not added or used for a run.",
    )
    length_mm = serializers.FloatField(min_value=50, max_value=400, allow_null=True, required=False)
    width_mm = serializers.FloatField(min_value=20, max_value=250, allow_null=True, required=False)
    details = serializers.DictField(read_only=True)

    class Meta:
        model = HandShape
        fields: ClassVar = [
            "id", "subject", "side", "hand_model", "betas", "source", "length_mm", "width_mm", "details", "created_at",
        ]  # fmt: skip
        read_only_fields: ClassVar = ["id", "subject", "created_at"]

    def validate_source(self, source: str) -> str:
        if source == HandShape.Source.CALIBRATED:
            raise serializers.ValidationError("A calibrated shape comes from a calibration; give “given” or “measured”.")
        return source

    def validate_hand_model(self, hand_model: str) -> str:
        if hand_model == FIRST_OPEN_HAND:
            raise serializers.ValidationError("The open hand of version 0.1 was replaced; give “open” or “mano”.")
        return hand_model
