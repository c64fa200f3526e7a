"""Idempotency keys, for the people who run the place."""

from __future__ import annotations

from django.contrib import admin

from palmares.api.models import IdempotencyKey


@admin.register(IdempotencyKey)
class IdempotencyKeyAdmin(admin.ModelAdmin):
    """Who asked for what once; the answers are not shown."""

    list_display = (
        "key",
        "user",
        "response_status",
        "created_at",
    )
    list_select_related = ("user",)
    exclude = (
        "response_body",
        "fingerprint",
    )

    def has_add_permission(self, request: object) -> bool:
        return False

    def has_change_permission(self, request: object, obj: object = None) -> bool:
        return False
