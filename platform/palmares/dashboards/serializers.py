"""Dashboards as the API shows them."""

from __future__ import annotations

from typing import Any, ClassVar

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from palmares.dashboards.models import Dashboard, DashboardImage, DashboardVersion
from palmares.dashboards.services import version_of
from palmares.subjects.serializers import TeamField
from palmares.teams.models import Team


@extend_schema_field(OpenApiTypes.OBJECT)
class ContentField(serializers.JSONField):
    """`filters` and `panels`: see docs/dashboards.md."""


class DashboardSummarySerializer(serializers.ModelSerializer[Dashboard]):
    """One dashboard in a list."""

    class Meta:
        model = Dashboard
        fields: ClassVar = ["id", "team", "name", "version", "created_at", "changed_at"]
        read_only_fields: ClassVar = fields


class DashboardSerializer(DashboardSummarySerializer):
    """One dashboard with the content of the version that is shown."""

    content = serializers.SerializerMethodField()

    class Meta(DashboardSummarySerializer.Meta):
        fields: ClassVar = [*DashboardSummarySerializer.Meta.fields, "content"]
        read_only_fields: ClassVar = fields

    @extend_schema_field(OpenApiTypes.OBJECT)
    def get_content(self, dashboard: Dashboard) -> Any:
        return version_of(dashboard).content


class NewDashboardSerializer(serializers.Serializer[Any]):
    """A name, and what it consists of."""

    team = TeamField(queryset=Team.objects.none())
    name = serializers.CharField(max_length=120)
    content = ContentField(required=False)


class DashboardUpdateSerializer(serializers.Serializer[Any]):
    """What can be changed of a dashboard. New content makes a new version."""

    name = serializers.CharField(max_length=120, required=False)
    content = ContentField(required=False)
    version_name = serializers.CharField(max_length=120, required=False, allow_blank=True, default="")
    based_on = serializers.IntegerField(
        required=False,
        min_value=1,
        help_text="The version that was edited; 409 where a newer one has been saved since.",
    )


class VersionSerializer(serializers.ModelSerializer[DashboardVersion]):
    """One version in a list."""

    class Meta:
        model = DashboardVersion
        fields: ClassVar = ["number", "name", "created_at"]
        read_only_fields: ClassVar = fields


class VersionContentSerializer(serializers.ModelSerializer[DashboardVersion]):
    """One version with its content."""

    content = ContentField(read_only=True)

    class Meta:
        model = DashboardVersion
        fields: ClassVar = ["number", "name", "created_at", "content"]
        read_only_fields: ClassVar = fields


class VersionNameSerializer(serializers.Serializer[Any]):
    """The name of a version."""

    name = serializers.CharField(max_length=120, allow_blank=True)


class VersionChangeSerializer(serializers.Serializer[Any]):
    """One difference between two versions."""

    panel = serializers.CharField()
    change = serializers.CharField()
    old = serializers.CharField()
    new = serializers.CharField()


class PanelSerializer(serializers.Serializer[Any]):
    """What a panel shows."""

    kind = serializers.CharField()
    title = serializers.CharField()
    problem = serializers.CharField(help_text="Why it shows nothing, in a sentence; else empty.")
    is_empty = serializers.BooleanField(help_text="`problem` says only what is still to come or to choose.")
    data = serializers.DictField(child=serializers.JSONField(), help_text="By kind: see docs/dashboards.md.")  # type: ignore[assignment]


class NewImageSerializer(serializers.Serializer[Any]):
    """An image for a panel."""

    file = serializers.FileField(max_length=1000, help_text="PNG, JPEG or WebP, at most 4 MiB.")


class ImageSerializer(serializers.ModelSerializer[DashboardImage]):
    """An image of a dashboard."""

    class Meta:
        model = DashboardImage
        fields: ClassVar = ["id", "content_type", "size_bytes", "created_at"]
        read_only_fields: ClassVar = fields
