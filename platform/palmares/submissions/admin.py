"""Submissions and their scorings, for the people who run the platform."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from palmares.read_only_admin import ReadOnlyAdmin
from palmares.submissions.models import Scoring, Submission


@admin.register(Submission)
class SubmissionAdmin(ReadOnlyAdmin):
    """What was submitted by whom, and what became of it; no file."""

    list_display = ("method", "benchmark", "team", "status", "stage", "is_public", "quota_day", "created_at", "deleted_at")
    list_filter = ("is_public", "is_baseline")
    list_select_related = ("benchmark", "team")
    search_fields = ("id", "method", "benchmark__name", "benchmark__slug", "team__name", "created_by__email")
    date_hierarchy = "created_at"
    exclude = ("source", "runs", "links")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Submission]:
        return Submission.objects.with_scoring().order_by("-created_at")


@admin.register(Scoring)
class ScoringAdmin(ReadOnlyAdmin):
    """The work of scoring: what waits, what runs, and why something failed."""

    list_display = ("id", "submission", "revision", "status", "stage", "progress", "attempts", "created_at", "finished_at")
    list_filter = ("status",)
    list_select_related = ("submission__benchmark", "revision__benchmark")
    search_fields = ("id", "submission__id", "submission__method", "submission__benchmark__slug")
    exclude = ("lease",)
