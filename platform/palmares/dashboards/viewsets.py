"""`/api/v1/dashboards/`: make, save, compare and restore dashboards, and read what their panels show."""

from __future__ import annotations

from dataclasses import asdict
from typing import ClassVar
from uuid import UUID

import django_filters
from django.db.models import QuerySet
from django.http import HttpResponseBase
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.parsers import MultiPartParser
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from palmares.api.problems import InvalidError, NotFoundError
from palmares.api.ranges import stored_file
from palmares.api.schema import RANGE, file_responses
from palmares.dashboards import services
from palmares.dashboards.content import ALIGNMENTS
from palmares.dashboards.models import Dashboard, DashboardImage
from palmares.dashboards.panels.data import panel_data
from palmares.dashboards.serializers import (
    DashboardSerializer,
    DashboardSummarySerializer,
    DashboardUpdateSerializer,
    ImageSerializer,
    NewDashboardSerializer,
    NewImageSerializer,
    PanelSerializer,
    VersionChangeSerializer,
    VersionContentSerializer,
    VersionNameSerializer,
    VersionSerializer,
)
from palmares.dashboards.version_comparison import compare_versions
from palmares.dashboards.visibility import Access, Filters
from palmares.teams.viewsets import METHODS, caller

FILTERS = [
    OpenApiParameter("subjects", str, description="Ids with commas between them; empty: all."),
    OpenApiParameter("uploads", str, description="Ids with commas between them; empty: all."),
    OpenApiParameter("methods", str, description="Names with commas between them; empty: all."),
    OpenApiParameter("slice", str, description="Slug of the board that panels of benchmarks show."),
    OpenApiParameter("alignment", str, enum=list(ALIGNMENTS)),
]


class DashboardFilter(django_filters.FilterSet):
    """By team."""

    team = django_filters.UUIDFilter(field_name="team_id")


@extend_schema_view(list=extend_schema(responses=DashboardSummarySerializer(many=True)))
class DashboardViewSet(
    mixins.ListModelMixin, mixins.RetrieveModelMixin, mixins.DestroyModelMixin, viewsets.GenericViewSet[Dashboard]
):
    """Dashboards of the caller's teams. Every save of their content is kept as a version."""

    queryset = Dashboard.objects.none()
    serializer_class = DashboardSerializer
    permission_classes = (IsAuthenticated,)
    lookup_value_converter = "uuid"
    filterset_class = DashboardFilter
    http_method_names = METHODS
    problem_statuses: ClassVar = {"create": (404, 409), "partial_update": (409,)}

    def get_queryset(self) -> QuerySet[Dashboard]:
        return Dashboard.objects.visible_to(self.request.user).select_related("team")

    def get_serializer_class(self) -> type[serializers.BaseSerializer[Dashboard]]:
        return DashboardSummarySerializer if self.action == "list" else DashboardSerializer

    @extend_schema(request=NewDashboardSerializer, responses={201: DashboardSerializer})
    def create(self, request: Request) -> Response:
        """Make a dashboard."""
        form = NewDashboardSerializer(data=request.data, context={"request": request})
        form.is_valid(raise_exception=True)
        made = services.create_dashboard(by=caller(self), **form.validated_data)
        return Response(DashboardSerializer(made).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=DashboardUpdateSerializer, responses=DashboardSerializer)
    def partial_update(self, request: Request, pk: UUID) -> Response:
        """Rename a dashboard, or save new content as a new version."""
        dashboard = self.get_object()
        form = DashboardUpdateSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        given = form.validated_data
        if "content" in given:
            services.save_dashboard(
                dashboard=dashboard,
                by=caller(self),
                content=given["content"],
                version_name=given["version_name"],
                based_on=given.get("based_on"),
            )
        if "name" in given:
            services.rename_dashboard(dashboard=dashboard, name=given["name"], by=caller(self))
        return Response(DashboardSerializer(dashboard).data)

    def perform_destroy(self, instance: Dashboard) -> None:
        services.delete_dashboard(dashboard=instance, by=caller(self))


class _OfDashboard(APIView):
    permission_classes = (IsAuthenticated,)

    def dashboard(self, pk: UUID) -> Dashboard:
        """The dashboard of the address, which the caller may see."""
        return get_object_or_404(Dashboard.objects.visible_to(self.request.user).select_related("team"), pk=pk)


class PanelView(_OfDashboard):
    """What one panel shows."""

    @extend_schema(responses=PanelSerializer, parameters=FILTERS, operation_id="dashboards_panel")
    def get(self, request: Request, pk: UUID, panel: str) -> Response:
        """Get the data of one panel; filters that are not given are those of the dashboard."""
        dashboard = self.dashboard(pk)
        content = services.version_of(dashboard).content
        filters = Filters.of_query(request.GET, content["filters"])
        access = Access(dashboard.team, caller(self), filters=filters)
        return Response(PanelSerializer(asdict(panel_data(access, panel_of(content, panel)))).data)


def panel_of(content: dict, name: str) -> dict:  # type: ignore[type-arg]
    """A panel of a version's content by its id.

    Raises:
        NotFoundError: it has none of that id.
    """
    found = next((panel for panel in content["panels"] if panel["id"] == name), None)
    if found is None:
        raise NotFoundError("This dashboard has no such panel any more. Load the page again.")
    return dict(found)


class VersionsView(_OfDashboard):
    """All versions of a dashboard."""

    @extend_schema(responses=VersionSerializer(many=True), operation_id="dashboards_versions")
    def get(self, request: Request, pk: UUID) -> Response:
        """List the versions of a dashboard, newest first."""
        return Response(VersionSerializer(self.dashboard(pk).versions.defer("content"), many=True).data)


class VersionView(_OfDashboard):
    """One version of a dashboard."""

    @extend_schema(responses=VersionContentSerializer, operation_id="dashboards_version")
    def get(self, request: Request, pk: UUID, number: int) -> Response:
        """Get one version with its content."""
        return Response(VersionContentSerializer(services.version_of(self.dashboard(pk), number)).data)

    @extend_schema(request=VersionNameSerializer, responses=VersionSerializer, operation_id="dashboards_version_name")
    def patch(self, request: Request, pk: UUID, number: int) -> Response:
        """Name a version."""
        dashboard = self.dashboard(pk)
        form = VersionNameSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        named = services.name_version(dashboard=dashboard, number=number, name=form.validated_data["name"], by=caller(self))
        return Response(VersionSerializer(named).data)


class RestoreVersionView(_OfDashboard):
    """An older version as the newest."""

    @extend_schema(request=None, responses=VersionSerializer, operation_id="dashboards_version_restore")
    def post(self, request: Request, pk: UUID, number: int) -> Response:
        """Save an older version again, as the newest."""
        made = services.restore_version(dashboard=self.dashboard(pk), number=number, by=caller(self))
        return Response(VersionSerializer(made).data)


class VersionComparisonView(_OfDashboard):
    """Two versions of a dashboard."""

    @extend_schema(
        responses=VersionChangeSerializer(many=True),
        parameters=[OpenApiParameter("a", int, required=True), OpenApiParameter("b", int, required=True)],
        operation_id="dashboards_version_comparison",
    )
    def get(self, request: Request, pk: UUID) -> Response:
        """List what changed from version `a` to version `b`."""
        dashboard = self.dashboard(pk)
        old, new = (services.version_of(dashboard, _number(request, name)).content for name in ("a", "b"))
        return Response(VersionChangeSerializer(compare_versions(old, new), many=True).data)


def _number(request: Request, name: str) -> int:
    text = request.GET.get(name, "")
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise InvalidError(f"`{name}` is the number of a version.", field=name)
    return int(text)


class ImagesView(_OfDashboard):
    """Images of a dashboard."""

    parser_classes = (MultiPartParser,)
    problem_statuses: ClassVar = {"post": (409,)}

    @extend_schema(responses=ImageSerializer(many=True), operation_id="dashboards_images")
    def get(self, request: Request, pk: UUID) -> Response:
        """List the images of a dashboard."""
        return Response(ImageSerializer(self.dashboard(pk).images.all(), many=True).data)

    @extend_schema(
        request={"multipart/form-data": NewImageSerializer},
        responses={201: ImageSerializer},
        operation_id="dashboards_images_create",
    )
    def post(self, request: Request, pk: UUID) -> Response:
        """Add an image, for a panel to show."""
        dashboard = self.dashboard(pk)
        form = NewImageSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        made = services.add_image(dashboard=dashboard, file=form.validated_data["file"], by=caller(self))
        return Response(ImageSerializer(made).data, status=status.HTTP_201_CREATED)


class ImageView(_OfDashboard):
    """One image."""

    @extend_schema(
        responses=file_responses("image/png", "image/jpeg", "image/webp"), parameters=[RANGE], operation_id="dashboards_image"
    )
    def get(self, request: Request, pk: UUID, image: UUID) -> HttpResponseBase:
        """Get an image of a dashboard."""
        found = get_object_or_404(DashboardImage, dashboard=self.dashboard(pk), pk=image)
        return stored_file(request, found.key, content_type=found.content_type)
