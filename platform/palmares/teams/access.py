"""Bearer tokens, and links that sign a user in once."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from palmares.api.problems import ConflictError, GoneError
from palmares.teams.models import SignInLink, Token, User
from palmares.teams.secret import digest, new_secret

LINK_LIFETIME = timedelta(hours=12)


def revoke_access(*, user: User) -> int:
    """Delete API tokens and sign-in links, so that after a change of password nothing older works; the number of tokens."""
    SignInLink.objects.filter(user=user).delete()
    return int(Token.objects.filter(user=user).delete()[0])


@transaction.atomic
def create_token(*, user: User, name: str) -> tuple[Token, str]:
    """A bearer token: the row, and the token itself, which is kept nowhere.

    Raises:
        ConflictError: `user` has too many.
    """
    User.objects.select_for_update().get(pk=user.pk)
    limit = settings.REST_KNOX["TOKEN_LIMIT_PER_USER"]
    if Token.objects.filter(user=user, expiry__gt=timezone.now()).count() >= limit:
        raise ConflictError(f"You have {limit} tokens, the maximum; delete one first.")
    row, token = Token.objects.create(user, name=name)
    return row, token


def create_sign_in_link(*, user: User, lifetime: timedelta = LINK_LIFETIME) -> str:
    """The token of a link that signs `user` in once; it is kept nowhere."""
    SignInLink.objects.filter(expires_at__lt=timezone.now()).delete()
    token = new_secret()
    SignInLink.objects.create(user=user, token_hash=digest(token), expires_at=timezone.now() + lifetime)
    return token


def find_sign_in_link(*, token: str) -> SignInLink:
    """The link of a token, if it can still be used.

    Raises:
        GoneError: it was used, has expired, or never existed: one answer for all three.
    """
    link = SignInLink.objects.select_related("user").filter(token_hash=digest(token)).first()
    if link is None or link.used_at or link.expires_at < timezone.now() or not link.user.is_active:
        raise GoneError("This sign-in link has been used or has expired.")
    return link


@transaction.atomic
def redeem_sign_in_link(*, token: str) -> User:
    """Use a link up; the user it signs in.

    Raises:
        GoneError: as `find_sign_in_link`.
    """
    SignInLink.objects.select_for_update().filter(token_hash=digest(token)).first()
    link = find_sign_in_link(token=token)
    link.used_at = timezone.now()
    link.save(update_fields=["used_at"])
    return link.user
