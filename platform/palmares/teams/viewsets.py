"""`/api/v1/me/`, `teams/`, `invitations/accept/`, `tokens/`."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import generics, mixins, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from palmares.api.pagination import TokenPages
from palmares.teams import access, services
from palmares.teams.models import Invitation, Membership, Role, Team, Token, User
from palmares.teams.serializers import (
    AcceptSerializer,
    InvitationSerializer,
    MemberSerializer,
    MeSerializer,
    NewInvitationSerializer,
    NewTokenSerializer,
    StorageUseSerializer,
    TeamSerializer,
    TokenSerializer,
)
from palmares.teams.storage_quota import storage_use

METHODS: list[str] = ["get", "post", "patch", "delete", "head", "options"]
CHANGE_METHODS: list[str] = ["get", "patch", "delete", "head", "options"]
"""What views of things that can be changed, but not made, answer."""


@extend_schema_view(
    get=extend_schema(summary="Get the caller's account and teams"), patch=extend_schema(summary="Change the caller's account")
)
class MeView(generics.RetrieveUpdateAPIView[User]):
    """Who the caller is, and the teams they are in."""

    serializer_class = MeSerializer
    permission_classes = (IsAuthenticated,)
    http_method_names = CHANGE_METHODS

    def get_object(self) -> User:
        assert isinstance(self.request.user, User)
        return self.request.user


class TeamViewSet(viewsets.ModelViewSet[Team]):
    """Teams of the caller. Owners rename and delete; deleting removes everything the team has."""

    queryset = Team.objects.none()
    serializer_class = TeamSerializer
    permission_classes = (IsAuthenticated,)
    lookup_value_converter = "uuid"
    http_method_names = METHODS
    problem_statuses: ClassVar = {"destroy": (409,)}

    def get_queryset(self) -> QuerySet[Team]:
        return Team.objects.visible_to(self.request.user).prefetch_related("memberships")

    def perform_create(self, serializer: serializers.BaseSerializer[Team]) -> None:
        serializer.instance = services.create_team(name=serializer.validated_data["name"], by=caller(self))

    def perform_update(self, serializer: serializers.BaseSerializer[Team]) -> None:
        assert serializer.instance is not None
        name = serializer.validated_data.get("name", serializer.instance.name)
        services.rename_team(team=serializer.instance, name=name, by=caller(self))

    def perform_destroy(self, instance: Team) -> None:
        services.delete_team(team=instance, by=caller(self))

    @extend_schema(responses=StorageUseSerializer)
    @action(detail=True)
    def storage(self, request: Request, pk: UUID) -> Response:
        """Get how much a team has stored, and how much it may."""
        return Response(StorageUseSerializer(storage_use(self.get_object())).data)


class _OfTeam(viewsets.GenericViewSet[Any]):
    """Rows of the team named in the address."""

    permission_classes = (IsAuthenticated,)
    lookup_value_converter = "uuid"

    def team(self) -> Team:
        return get_object_or_404(Team.objects.visible_to(self.request.user), pk=self.kwargs["team_id"])


class MemberViewSet(
    mixins.ListModelMixin, mixins.RetrieveModelMixin, mixins.UpdateModelMixin, mixins.DestroyModelMixin, _OfTeam
):
    """Who is in a team. Owners change roles and remove; everyone may remove themselves. The last owner stays."""

    queryset = Membership.objects.none()
    serializer_class = MemberSerializer
    http_method_names = CHANGE_METHODS
    problem_statuses: ClassVar = {"partial_update": (409,), "destroy": (409,)}

    def get_queryset(self) -> QuerySet[Membership]:
        return self.team().memberships.select_related("user", "team")

    def perform_update(self, serializer: serializers.BaseSerializer[Membership]) -> None:
        assert serializer.instance is not None
        role = Role(serializer.validated_data.get("role", serializer.instance.role))
        services.set_role(membership=serializer.instance, role=role, by=caller(self))

    def perform_destroy(self, instance: Membership) -> None:
        services.remove_member(membership=instance, by=caller(self))


class InvitationViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, mixins.DestroyModelMixin, _OfTeam):
    """Open invitations of a team; owners only."""

    queryset = Invitation.objects.none()
    serializer_class = InvitationSerializer
    problem_statuses: ClassVar = {"list": (403,), "retrieve": (403,)}

    def get_queryset(self) -> QuerySet[Invitation]:
        team = self.team()
        services.require_role(user=caller(self), team=team, role=Role.OWNER)
        return team.invitations.filter(accepted_at=None, expires_at__gt=timezone.now()).select_related("invited_by", "team")

    @extend_schema(request=InvitationSerializer, responses={201: NewInvitationSerializer})
    def create(self, request: Request, team_id: UUID) -> Response:
        """Invite someone by email. Token and link are shown this once; the link is mailed, too."""
        team = self.team()
        services.require_role(user=caller(self), team=team, role=Role.OWNER)
        form = InvitationSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        page = request.build_absolute_uri("/invitations/")
        invitation, token = services.invite(
            team=team,
            email=form.validated_data["email"],
            role=Role(form.validated_data["role"]),
            by=caller(self),
            link=page + "{token}/",
        )
        shown = InvitationSerializer(invitation).data
        return Response({**shown, "token": token, "link": f"{page}{token}/"}, status=status.HTTP_201_CREATED)

    def perform_destroy(self, instance: Invitation) -> None:
        services.revoke_invitation(invitation=instance, by=caller(self))


class AcceptInvitationView(APIView):
    """Accepting invitations."""

    permission_classes = (IsAuthenticated,)
    problem_statuses: ClassVar = {"post": (404, 410)}

    @extend_schema(request=AcceptSerializer, responses={200: TeamSerializer})
    def post(self, request: Request) -> Response:
        """Join the team that an invitation is for."""
        form = AcceptSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        membership = services.accept_invitation(token=form.validated_data["token"], by=caller(self))
        return Response(TeamSerializer(membership.team, context={"request": request}).data)


class TokenViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, mixins.DestroyModelMixin, viewsets.GenericViewSet[Token]):
    """The caller's bearer tokens."""

    queryset = Token.objects.none()
    serializer_class = TokenSerializer
    pagination_class = TokenPages
    permission_classes = (IsAuthenticated,)
    lookup_value_converter = "uuid"
    lookup_field = "id"
    problem_statuses: ClassVar = {"create": (409,)}

    def get_queryset(self) -> QuerySet[Token]:
        tokens: QuerySet[Token] = Token.objects.filter(user=caller(self))
        return tokens

    @extend_schema(request=TokenSerializer, responses={201: NewTokenSerializer})
    def create(self, request: Request) -> Response:
        """Create a token. It is shown this once, and kept only as a hash."""
        form = TokenSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        row, token = access.create_token(user=caller(self), name=form.validated_data["name"])
        return Response({**TokenSerializer(row).data, "token": token}, status=status.HTTP_201_CREATED)


def caller(view: APIView) -> User:
    """Who asks; views whose permission is `IsAuthenticated` have one."""
    assert isinstance(view.request.user, User)
    return view.request.user
