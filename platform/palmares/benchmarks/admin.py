"""Benchmarks, their truths and revisions, for the people who run the platform."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from palmares.benchmarks.models import Benchmark, Revision, Truth
from palmares.read_only_admin import ReadOnlyAdmin


@admin.register(Benchmark)
class BenchmarkAdmin(ReadOnlyAdmin):
    """What is measured, whose it is, and who sees it."""

    list_display = ("name", "slug", "team", "protocol", "visibility", "daily_limit", "deadline", "shows_frames", "created_at")
    list_filter = ("visibility", "protocol", "shows_frames")
    list_select_related = ("team",)
    search_fields = ("id", "name", "slug", "team__name")
    date_hierarchy = "created_at"


@admin.register(Truth)
class TruthAdmin(ReadOnlyAdmin):
    """Imports of ground truth: how far they are and why they failed; no content and no file."""

    list_display = ("id", "benchmark", "version", "status", "stage", "rows", "attempts", "created_at", "finished_at")
    list_filter = ("status",)
    list_select_related = ("benchmark",)
    search_fields = ("id", "benchmark__name", "benchmark__slug")
    exclude = ("source", "folder", "recipe", "sequences", "subsets", "clusters")


@admin.register(Revision)
class RevisionAdmin(ReadOnlyAdmin):
    """How far the scoring under each revision is."""

    list_display = ("benchmark", "number", "status", "stage", "scorer_version", "created_at", "published_at", "cancelled_at")
    list_select_related = ("benchmark", "truth")
    search_fields = ("id", "benchmark__name", "benchmark__slug")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Revision]:
        return super().get_queryset(request).defer("truth__subsets", "truth__sequences")
