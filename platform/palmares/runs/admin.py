"""Runs and predictions, for the people who run the place."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest

from palmares.runs.models import Prediction, Run


class _ReadOnly(admin.ModelAdmin):
    """Only the queue and the API change these."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


@admin.register(Run)
class RunAdmin(_ReadOnly):
    """What became of runs."""

    list_display = (
        "id",
        "method",
        "upload",
        "team",
        "status",
        "stage",
        "progress",
        "attempts",
        "created_at",
        "finished_at",
    )
    list_filter = (
        "status",
        "method",
        "hand_model",
    )
    list_select_related = ("upload__subject__team",)
    search_fields = (
        "id",
        "upload__name",
        "upload__subject__team__name",
    )
    date_hierarchy = "created_at"

    @admin.display(ordering="upload__subject__team__name")
    def team(self, run: Run) -> str:
        return run.upload.subject.team.name


@admin.register(Prediction)
class PredictionAdmin(_ReadOnly):
    """What came out, in short. Files have no address here."""

    list_display = (
        "id",
        "hand_model",
        "rows",
        "size_bytes",
        "sha256",
        "created_at",
    )
    search_fields = (
        "id",
        "sha256",
    )
