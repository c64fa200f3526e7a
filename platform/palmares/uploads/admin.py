"""Uploads, for the people who run the place: what became of them, not what is on them."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest

from palmares.uploads.models import Upload


@admin.register(Upload)
class UploadAdmin(admin.ModelAdmin):
    """State and facts; only the queue and the API change them. Files have no address here."""

    list_display = (
        "name",
        "team",
        "subject",
        "kind",
        "status",
        "stage",
        "progress",
        "attempts",
        "size_bytes",
        "created_at",
    )
    list_filter = (
        "status",
        "kind",
    )
    list_select_related = ("subject__team",)
    search_fields = (
        "id",
        "name",
        "subject__name",
        "subject__team__name",
    )
    date_hierarchy = "created_at"

    @admin.display(ordering="subject__team__name")
    def team(self, upload: Upload) -> str:
        return upload.subject.team.name

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False
