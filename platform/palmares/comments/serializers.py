"""Comments as the API shows them."""

from __future__ import annotations

from typing import Any, ClassVar

from rest_framework import serializers

from palmares.comments.models import Comment
from palmares.comments.services import LONGEST
from palmares.runs.models import Run
from palmares.runs.scores import JOINTS
from palmares.uploads.attached_files import SIDE_CHOICES


class UploadRunField(serializers.PrimaryKeyRelatedField):
    """A run by id; those the caller may not see do not exist."""

    def get_queryset(self) -> Any:
        return Run.objects.visible_to(self.context["request"].user)


class CommentSerializer(serializers.ModelSerializer[Comment]):
    """A comment on a frame of an upload."""

    author = serializers.EmailField(source="created_by.email", allow_null=True, read_only=True, default=None)
    side = serializers.ChoiceField(choices=SIDE_CHOICES, allow_blank=True, read_only=True)
    is_resolved = serializers.SerializerMethodField()
    resolved_by = serializers.EmailField(source="resolved_by.email", allow_null=True, read_only=True, default=None)  # type: ignore[assignment]
    address = serializers.CharField(read_only=True, help_text="Of the viewer at its frame.")

    class Meta:
        model = Comment
        fields: ClassVar = [
            "id", "upload", "frame", "run", "method", "side", "joint", "text", "author", "created_at", "is_resolved",
            "resolved_by", "resolved_at", "address",
        ]  # fmt: skip
        read_only_fields: ClassVar = fields

    def get_is_resolved(self, comment: Comment) -> bool:
        return comment.resolved_at is not None


class NewCommentSerializer(serializers.Serializer[Any]):
    """What to write, and where it is pinned."""

    frame = serializers.IntegerField(min_value=0, max_value=2**31 - 1)
    text = serializers.CharField(max_length=LONGEST)
    run = UploadRunField(
        queryset=Run.objects.none(), required=False, allow_null=True, default=None, help_text="Whose method it is about."
    )
    joint = serializers.IntegerField(
        min_value=0, max_value=len(JOINTS) - 1, required=False, allow_null=True, default=None, help_text="0 (wrist) to 20."
    )
    side = serializers.ChoiceField(
        choices=SIDE_CHOICES, required=False, allow_blank=True, default="", help_text="Of the hand; with `joint`."
    )


class CommentUpdateSerializer(serializers.Serializer[Any]):
    """What may change of a comment."""

    text = serializers.CharField(max_length=LONGEST, required=False, help_text="Who wrote it may change it.")
    is_resolved = serializers.BooleanField(required=False)
