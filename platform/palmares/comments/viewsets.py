"""`/api/v1/uploads/{id}/comments/`: write, list, resolve and delete comments on frames of an upload."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

import django_filters
from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, status, viewsets
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from palmares.comments import services
from palmares.comments.models import Comment
from palmares.comments.serializers import CommentSerializer, CommentUpdateSerializer, NewCommentSerializer
from palmares.teams.viewsets import METHODS, caller
from palmares.uploads.models import Upload


class CommentFilter(django_filters.FilterSet):
    """By run, by frame, and whether they are resolved."""

    run = django_filters.UUIDFilter(field_name="run_id")
    frame = django_filters.NumberFilter(min_value=0, max_value=2**31 - 1)
    resolved = django_filters.BooleanFilter(field_name="resolved_at", lookup_expr="isnull", exclude=True)


class CommentViewSet(
    mixins.ListModelMixin, mixins.RetrieveModelMixin, mixins.DestroyModelMixin, viewsets.GenericViewSet[Comment]
):
    """Comments on frames of an upload, in the order of the frames. Its team reads them; members write and resolve them."""

    queryset = Comment.objects.none()
    serializer_class = CommentSerializer
    permission_classes = (IsAuthenticated,)
    lookup_value_converter = "uuid"
    filterset_class = CommentFilter
    http_method_names = METHODS
    problem_statuses: ClassVar = {"create": (409,)}

    def upload(self) -> Upload:
        """The upload of the address, which the caller may see."""
        visible = Upload.objects.visible_to(self.request.user).select_related("subject__team")
        return get_object_or_404(visible, pk=self.kwargs["upload_id"])

    def get_queryset(self) -> QuerySet[Comment]:
        found = self.upload().comments.select_related("upload__subject__team", "created_by", "resolved_by")
        return found.order_by("frame", "created_at", "id")

    @extend_schema(request=NewCommentSerializer, responses={201: CommentSerializer})
    def create(self, request: Request, upload_id: UUID) -> Response:
        """Write a comment on a frame; if wanted about the method of a run, and a joint."""
        upload = self.upload()
        form = NewCommentSerializer(data=request.data, context={"request": request})
        form.is_valid(raise_exception=True)
        made = services.add_comment(upload=upload, by=caller(self), **form.validated_data)
        return Response(CommentSerializer(made).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=CommentUpdateSerializer, responses=CommentSerializer)
    def partial_update(self, request: Request, **kwargs: Any) -> Response:
        """Resolve a comment, open it again, or change its text."""
        comment = self.get_object()
        form = CommentUpdateSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        changed = services.change_comment(comment=comment, by=caller(self), **form.validated_data)
        return Response(CommentSerializer(changed).data)

    def perform_destroy(self, instance: Comment) -> None:
        services.delete_comment(comment=instance, by=caller(self))
