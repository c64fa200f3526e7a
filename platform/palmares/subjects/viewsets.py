"""`/api/v1/subjects/` and their `hand-shapes/`."""

from __future__ import annotations

from typing import Any, ClassVar

import django_filters
from django.db.models import Count, QuerySet
from django.shortcuts import get_object_or_404
from rest_framework import mixins, serializers, viewsets
from rest_framework.permissions import IsAuthenticated

from palmares.subjects import services
from palmares.subjects.models import HandShape, Subject
from palmares.subjects.serializers import HandShapeSerializer, SubjectSerializer, SubjectUpdateSerializer
from palmares.teams.viewsets import METHODS, caller


class SubjectFilter(django_filters.FilterSet):
    """By team; of one that the caller is not in there are none, as of one that does not exist."""

    team = django_filters.UUIDFilter(field_name="team_id")


class SubjectViewSet(viewsets.ModelViewSet[Subject]):
    """Subjects of the caller's teams. Deleting one removes its uploads, runs and files."""

    queryset = Subject.objects.none()
    serializer_class = SubjectSerializer
    permission_classes = (IsAuthenticated,)
    lookup_value_converter = "uuid"
    filterset_class = SubjectFilter
    http_method_names = METHODS
    problem_statuses: ClassVar = {"create": (409,), "partial_update": (409,)}

    def get_queryset(self) -> QuerySet[Subject]:
        return Subject.objects.visible_to(self.request.user).select_related("team").annotate(upload_count=Count("uploads"))

    def get_serializer_class(self) -> type[serializers.BaseSerializer[Subject]]:
        return SubjectUpdateSerializer if self.action == "partial_update" else SubjectSerializer

    def perform_create(self, serializer: serializers.BaseSerializer[Subject]) -> None:
        serializer.instance = services.create_subject(by=caller(self), **serializer.validated_data)

    def perform_update(self, serializer: serializers.BaseSerializer[Subject]) -> None:
        assert serializer.instance is not None
        services.update_subject(subject=serializer.instance, by=caller(self), **serializer.validated_data)

    def perform_destroy(self, instance: Subject) -> None:
        services.delete_subject(subject=instance, by=caller(self))


class HandShapeViewSet(
    mixins.CreateModelMixin, mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[HandShape]
):
    """What is known of a subject's hands: given or measured here, calibrated by a calibration."""

    queryset = HandShape.objects.none()
    serializer_class = HandShapeSerializer
    permission_classes = (IsAuthenticated,)
    lookup_value_converter = "uuid"

    def subject(self) -> Subject:
        visible = Subject.objects.visible_to(self.request.user).select_related("team")
        return get_object_or_404(visible, pk=self.kwargs["subject_id"])

    def get_queryset(self) -> QuerySet[HandShape]:
        return self.subject().hand_shapes.all()

    def create(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        self.subject()
        return super().create(request, *args, **kwargs)

    def perform_create(self, serializer: serializers.BaseSerializer[HandShape]) -> None:
        serializer.instance = services.add_hand_shape(subject=self.subject(), by=caller(self), **serializer.validated_data)
