"""Teams, members, invitations and tokens as the API shows them."""

from __future__ import annotations

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from palmares.teams.models import Invitation, Membership, Role, Team, Token, User
from palmares.teams.storage_quota import StorageUse

ROLES = [(role.value, role.value) for role in Role]


class TeamSerializer(serializers.ModelSerializer[Team]):
    """A team, and the caller's role in it."""

    role = serializers.SerializerMethodField()

    class Meta:
        model = Team
        fields: ClassVar = ["id", "name", "role", "created_at"]
        read_only_fields: ClassVar = ["id", "created_at"]

    @extend_schema_field(serializers.ChoiceField(choices=ROLES))
    def get_role(self, team: Team) -> str:
        user = self.context["request"].user
        return next((m.role for m in team.memberships.all() if m.user_id == user.pk), Role.VIEWER)


class StorageUseSerializer(serializers.Serializer[StorageUse]):
    """What a team has stored."""

    used = serializers.IntegerField(help_text="Bytes of uploads, predictions, submissions and ground truths.")
    limit = serializers.IntegerField(allow_null=True, help_text="Bytes that it may store; null: there is no limit.")


class MeSerializer(serializers.ModelSerializer[User]):
    """The caller."""

    teams = serializers.SerializerMethodField()

    class Meta:
        model = User
        fields: ClassVar = ["email", "first_name", "last_name", "date_joined", "teams"]
        read_only_fields: ClassVar = ["email", "date_joined"]

    @extend_schema_field(TeamSerializer(many=True))
    def get_teams(self, user: User) -> Any:
        teams = Team.objects.visible_to(user).prefetch_related("memberships")
        return TeamSerializer(teams, many=True, context=self.context).data


class MemberSerializer(serializers.ModelSerializer[Membership]):
    """One person in a team."""

    email = serializers.EmailField(source="user.email", read_only=True)
    role = serializers.ChoiceField(choices=ROLES)

    class Meta:
        model = Membership
        fields: ClassVar = ["id", "email", "role", "created_at"]
        read_only_fields: ClassVar = ["id", "created_at"]


class InvitationSerializer(serializers.ModelSerializer[Invitation]):
    """An open invitation."""

    role = serializers.ChoiceField(choices=ROLES, default=Role.MEMBER.value)
    invited_by = serializers.EmailField(source="invited_by.email", read_only=True)

    class Meta:
        model = Invitation
        fields: ClassVar = ["id", "email", "role", "invited_by", "created_at", "expires_at"]
        read_only_fields: ClassVar = ["id", "created_at", "expires_at"]


class NewInvitationSerializer(InvitationSerializer):
    """An invitation with its token, shown this once."""

    token = serializers.CharField(read_only=True)
    link = serializers.CharField(read_only=True, help_text="The page that accepts it.")

    class Meta(InvitationSerializer.Meta):
        fields: ClassVar = [*InvitationSerializer.Meta.fields, "token", "link"]


class AcceptSerializer(serializers.Serializer[Any]):
    """The token of an invitation."""

    token = serializers.CharField(max_length=100)


class TokenSerializer(serializers.ModelSerializer[Token]):
    """A bearer token, by name; the token itself is shown once, when it is made."""

    class Meta:
        model = Token
        fields: ClassVar = ["id", "name", "created", "expiry"]
        read_only_fields: ClassVar = ["id", "created", "expiry"]


class NewTokenSerializer(TokenSerializer):
    """A bearer token with its secret, shown this once."""

    token = serializers.CharField(read_only=True)

    class Meta(TokenSerializer.Meta):
        fields: ClassVar = [*TokenSerializer.Meta.fields, "token"]
