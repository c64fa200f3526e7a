"""Runs and predictions, for the people who run the place."""

from __future__ import annotations

from django.contrib import admin

from palmares.read_only_admin import ReadOnlyAdmin
from palmares.runs.models import Prediction, Run


@admin.register(Run)
class RunAdmin(ReadOnlyAdmin):
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
class PredictionAdmin(ReadOnlyAdmin):
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
