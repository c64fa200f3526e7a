"""Users and the teams that own everything else."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any, ClassVar
from uuid import UUID

from django.contrib.auth.base_user import BaseUserManager
from django.contrib.auth.models import AbstractUser, AnonymousUser
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone
from knox.models import AbstractAuthToken, AuthTokenManager


class UserManager(BaseUserManager["User"]):
    """Creates users by email."""

    use_in_migrations = True

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def get_by_natural_key(self, email: str | None) -> User:
        return self.get(email__iexact=email)

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> User:
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)


class User(AbstractUser):  # type: ignore[django-manager-missing]
    """A person, known by email address."""

    username = None  # type: ignore[assignment]
    email = models.EmailField("email address", unique=True)

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    objects: ClassVar[UserManager] = UserManager()  # type: ignore[assignment]

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(Lower("email"), name="user_email_case_insensitive")]

    def __str__(self) -> str:
        return self.email


class Visitor(AnonymousUser):
    """Someone without an account who may look at one benchmark's board: it is on the web, or a share link opens it.

    Whatever asks `visible_to` shows a visitor nothing, but submissions of that benchmark (see `SubmissionQuerySet`).

    Attributes:
        benchmark: id of the benchmark.
        team: id of the team that made the share link; None of a board on the web.
    """

    def __init__(self, *, benchmark: UUID, team: UUID | None = None) -> None:
        super().__init__()
        self.benchmark = benchmark
        self.team = team


class TeamQuerySet(models.QuerySet["Team"]):
    """Teams, as one person sees them."""

    def visible_to(self, user: User | AnonymousUser) -> TeamQuerySet:
        """Those `user` belongs to."""
        return self.filter(memberships__user=user) if user.is_authenticated else self.none()


class Team(models.Model):
    """A group of people who see the same subjects, uploads, runs and submissions; nobody else does."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=80)
    created_at = models.DateTimeField(auto_now_add=True)
    storage_limit_bytes = models.BigIntegerField(
        null=True, blank=True, help_text="What its files may take together; empty: TEAM_STORAGE_BYTES of the settings."
    )
    members = models.ManyToManyField(User, through="Membership", related_name="teams")

    objects = TeamQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["name", "id"]

    def __str__(self) -> str:
        return self.name


class Role(models.TextChoices):
    """What a member may do; each includes the ones after it."""

    OWNER = "owner", "Owner: everything, members included"
    MEMBER = "member", "Member: upload, run, submit, delete"
    VIEWER = "viewer", "Viewer: look and download"

    def includes(self, other: Role) -> bool:
        """Whether whoever has this role may do what `other` may."""
        order = list(Role)
        return order.index(self) <= order.index(other)


class Membership(models.Model):
    """One person's role in one team."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=6, choices=Role, default=Role.MEMBER)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["created_at", "id"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["team", "user"], name="one_membership_a_person_and_team")]

    def __str__(self) -> str:
        return f"{self.user} in {self.team} ({self.role})"


def _in_two_weeks() -> Any:
    return timezone.now() + timedelta(days=14)


class Invitation(models.Model):
    """An open invitation by link. Only the token's hash is kept."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="invitations")
    email = models.EmailField()
    role = models.CharField(max_length=6, choices=Role, default=Role.MEMBER)
    token_hash = models.CharField(max_length=64, unique=True, editable=False)
    invited_by = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(default=_in_two_weeks)
    accepted_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering: ClassVar = ["-created_at", "-id"]

    def __str__(self) -> str:
        return f"{self.email} to {self.team}"


class Token(AbstractAuthToken):
    """A bearer token of the API, named by its owner. Only its hash (`digest`) is kept."""

    id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=80, help_text="Name of the token, such as the machine that uses it.")

    objects: ClassVar[AuthTokenManager] = AuthTokenManager()  # type: ignore[assignment]

    class Meta:
        ordering: ClassVar = ["-created", "-id"]

    def __str__(self) -> str:
        return f"{self.name} of {self.user}"


class SignInLink(models.Model):
    """A link that signs one person in once, as printed by `make run`. Only the token's hash is kept."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    token_hash = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, editable=False)

    def __str__(self) -> str:
        return f"link for {self.user}"
