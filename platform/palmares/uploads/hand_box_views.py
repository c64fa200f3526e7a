"""`/api/v1/uploads/{id}/boxes/`: draw, list and delete boxes around hands that the detector missed."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from palmares.teams.viewsets import caller
from palmares.uploads.attached_files import SIDE_CHOICES
from palmares.uploads.hand_boxes import add_box, delete_box
from palmares.uploads.models import HandBox, Upload


class NewHandBoxSerializer(serializers.Serializer[Any]):
    """A box to draw: pixels of `web.mp4`, inside the image."""

    frame = serializers.IntegerField(min_value=0, max_value=2**31 - 1)
    x = serializers.FloatField(help_text="Of its left side.")
    y = serializers.FloatField(help_text="Of its upper side.")
    width = serializers.FloatField()
    height = serializers.FloatField()
    side = serializers.ChoiceField(choices=SIDE_CHOICES, help_text="Of the hand.")


class HandBoxSerializer(serializers.ModelSerializer[HandBox]):
    """A box around a hand in a frame."""

    side = serializers.ChoiceField(choices=SIDE_CHOICES, read_only=True)

    class Meta:
        model = HandBox
        fields: ClassVar = ["id", "upload", "frame", "x", "y", "width", "height", "side", "created_at"]
        read_only_fields: ClassVar = fields


class HandBoxViewSet(mixins.ListModelMixin, mixins.DestroyModelMixin, viewsets.GenericViewSet[HandBox]):
    """Boxes around hands that the detector missed. Methods that are run afterwards look inside them."""

    queryset = HandBox.objects.none()
    serializer_class = HandBoxSerializer
    permission_classes = (IsAuthenticated,)
    lookup_value_converter = "uuid"
    problem_statuses: ClassVar = {"create": (409,)}

    def upload(self) -> Upload:
        """The upload of the address, which the caller may see."""
        visible = Upload.objects.visible_to(self.request.user).select_related("subject__team")
        return get_object_or_404(visible, pk=self.kwargs["upload_id"])

    def get_queryset(self) -> QuerySet[HandBox]:
        return self.upload().boxes.select_related("upload__subject__team")

    @extend_schema(request=NewHandBoxSerializer, responses={201: HandBoxSerializer})
    def create(self, request: Request, upload_id: UUID) -> Response:
        """Draw a box around a hand in a frame."""
        upload = self.upload()
        form = NewHandBoxSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        made = add_box(upload=upload, by=caller(self), **form.validated_data)
        return Response(HandBoxSerializer(made).data, status=status.HTTP_201_CREATED)

    def perform_destroy(self, instance: HandBox) -> None:
        delete_box(box=instance, by=caller(self))
