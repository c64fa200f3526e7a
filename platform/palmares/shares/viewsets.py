"""`/api/v1/shares/`: make, list and revoke links that open something to people without an account."""

from __future__ import annotations

from typing import ClassVar

import django_filters
from django.db.models import QuerySet
from django.urls import reverse
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, status, viewsets
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from palmares.shares import services
from palmares.shares.models import ShareLink
from palmares.shares.serializers import MadeShareSerializer, NewShareSerializer, ShareSerializer
from palmares.teams.viewsets import caller


class ShareFilter(django_filters.FilterSet):
    """By team, kind and target."""

    team = django_filters.UUIDFilter(field_name="team_id")
    kind = django_filters.ChoiceFilter(choices=ShareLink.Kind.choices)
    target = django_filters.UUIDFilter()


class ShareViewSet(
    mixins.ListModelMixin, mixins.RetrieveModelMixin, mixins.DestroyModelMixin, viewsets.GenericViewSet[ShareLink]
):
    """Share links of the caller's teams, with their last use. Deleting one revokes it; it stays in the list."""

    queryset = ShareLink.objects.none()
    serializer_class = ShareSerializer
    permission_classes = (IsAuthenticated,)
    lookup_value_converter = "uuid"
    filterset_class = ShareFilter
    problem_statuses: ClassVar = {"create": (404, 409)}

    def get_queryset(self) -> QuerySet[ShareLink]:
        return ShareLink.objects.visible_to(self.request.user).select_related("team")

    @extend_schema(request=NewShareSerializer, responses={201: MadeShareSerializer})
    def create(self, request: Request) -> Response:
        """Make a link that opens a dashboard, a viewer or a board to everybody who has it, read-only."""
        form = NewShareSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        link, token = services.create_share(by=caller(self), **form.validated_data)
        url = request.build_absolute_uri(reverse("shared", args=[token]))
        return Response({**ShareSerializer(link).data, "url": url}, status=status.HTTP_201_CREATED)

    def perform_destroy(self, instance: ShareLink) -> None:
        services.revoke_share(link=instance, by=caller(self))
