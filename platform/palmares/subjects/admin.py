"""Subjects and hand shapes, for the people who run the place."""

from __future__ import annotations

from django.contrib import admin

from palmares.subjects.models import HandShape, Subject


@admin.register(Subject)
class SubjectAdmin(admin.ModelAdmin):
    """Subjects by team."""

    list_display = (
        "name",
        "team",
        "created_by",
        "created_at",
    )
    list_select_related = (
        "team",
        "created_by",
    )
    search_fields = (
        "name",
        "team__name",
    )
    raw_id_fields = (
        "team",
        "created_by",
    )


@admin.register(HandShape)
class HandShapeAdmin(admin.ModelAdmin):
    """Hand shapes by subject."""

    list_display = (
        "subject",
        "side",
        "hand_model",
        "source",
        "length_mm",
        "width_mm",
        "created_at",
    )
    list_filter = (
        "side",
        "source",
        "hand_model",
    )
    list_select_related = ("subject",)
    raw_id_fields = ("subject",)
