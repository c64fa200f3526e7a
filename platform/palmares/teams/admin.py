"""Users, teams and what belongs to them, for the people who run the place."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.http import HttpRequest

from palmares.teams.models import Invitation, Membership, SignInLink, Team, Token, User


@admin.register(User)
class UserAdmin(DjangoUserAdmin):
    """By email; there are no user names."""

    ordering = ("email",)
    list_display = (
        "email",
        "is_active",
        "is_staff",
        "date_joined",
        "last_login",
    )
    search_fields = (
        "email",
        "first_name",
        "last_name",
    )
    fieldsets = (
        (None, {"fields": ["email", "password"]}),
        ("Person", {"fields": ["first_name", "last_name"]}),
        ("Rights", {"fields": ["is_active", "is_staff", "is_superuser", "groups", "user_permissions"]}),
        ("Dates", {"fields": ["last_login", "date_joined"]}),
    )
    add_fieldsets = ((None, {"fields": ["email", "usable_password", "password1", "password2"]}),)


class MembershipInline(admin.TabularInline):
    """Who is in a team."""

    model = Membership
    extra = 0
    autocomplete_fields = ("user",)


@admin.register(Team)
class TeamAdmin(admin.ModelAdmin):
    """Teams with their members."""

    list_display = (
        "name",
        "id",
        "created_at",
    )
    search_fields = (
        "name",
        "members__email",
    )
    inlines = (MembershipInline,)


class _Secret(admin.ModelAdmin):
    """Rows about secrets: to be seen and removed, never made or changed here."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


@admin.register(Invitation)
class InvitationAdmin(_Secret):
    """Invitations, without their tokens."""

    list_display = (
        "email",
        "team",
        "role",
        "invited_by",
        "created_at",
        "expires_at",
        "accepted_at",
    )
    list_select_related = (
        "team",
        "invited_by",
    )
    search_fields = (
        "email",
        "team__name",
    )
    exclude = ("token_hash",)


@admin.register(Token)
class TokenAdmin(_Secret):
    """Bearer tokens, by name."""

    list_display = (
        "name",
        "user",
        "created",
        "expiry",
    )
    list_select_related = ("user",)
    search_fields = (
        "name",
        "user__email",
    )
    exclude = (
        "digest",
        "token_key",
    )


@admin.register(SignInLink)
class SignInLinkAdmin(_Secret):
    """Sign-in links, without their tokens."""

    list_display = (
        "user",
        "created_at",
        "expires_at",
        "used_at",
    )
    list_select_related = ("user",)
    exclude = ("token_hash",)
