"""Comments, for the people who run the place."""

from __future__ import annotations

from django.contrib import admin

from palmares.comments.models import Comment
from palmares.read_only_admin import ReadOnlyAdmin


@admin.register(Comment)
class CommentAdmin(ReadOnlyAdmin):
    """Comments by upload."""

    list_display = ("upload", "frame", "method", "created_by", "created_at", "resolved_at")
    list_select_related = ("upload", "created_by")
    raw_id_fields = ("upload", "run", "created_by", "resolved_by")
