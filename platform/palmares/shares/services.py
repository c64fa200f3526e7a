"""What people do with share links: make, open, revoke. Whoever acts is `by`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from palmares.api.problems import ConflictError, GoneError, InvalidError, NotFoundError
from palmares.shares.models import LinkStatus, ShareLink
from palmares.shares.targets import find_target
from palmares.teams.models import Role, Team, User
from palmares.teams.secret import digest, new_secret
from palmares.teams.services import require_role

LONGEST_DAYS: Final = 365
MOST_SITES: Final = 10
MOST_LINKS: Final = 500
"""Links of a team that are active at the same time."""
USE_PRECISION: Final = timedelta(minutes=1)
"""How exactly the time of the last use is kept, so that a page with many files is one write."""
_ORIGIN: Final = re.compile(r"https?://(?:[a-z0-9](?:[a-z0-9-]{0,62})\.)*[a-z0-9][a-z0-9-]{0,62}(?::\d{1,5})?")


@transaction.atomic
def create_share(
    *,
    by: User,
    kind: str,
    id: str,
    state: str = "",
    expires_in_days: int = 30,
    media: bool = False,
    truth: bool = False,
    names: bool = False,
    allowed_sites: Sequence[str] = (),
) -> tuple[ShareLink, str]:
    """A link that opens one thing to everybody who has it; members only.

    Args:
        by: a member of the team whose it is.
        kind: what is shared: see `ShareLink.Kind`.
        id: of the upload, the benchmark (or its slug), the dashboard.
        state: query string of the page, which says what of it is shown.
        expires_in_days: 1 to `LONGEST_DAYS`.
        media: show videos, too.
        truth: show the ground truth of uploads in viewers, and errors by it.
        names: show names of subjects and uploads, too.
        allowed_sites: origins such as `https://lab.example.org` that may embed it.

    Returns:
        The link, and its token, which is kept nowhere.

    Raises:
        NotFoundError, InvalidError: as `find_target`; a state that is too long, a site that is no origin.
        ForbiddenError: `by` is no member of the team.
        ConflictError: the team has too many links.
    """
    if not 1 <= expires_in_days <= LONGEST_DAYS:
        raise InvalidError(f"A link lasts 1 to {LONGEST_DAYS} days, not {expires_in_days}.", field="expires_in_days")
    if len(state) > 4000:
        raise InvalidError(f"The state has {len(state)} characters, at most 4000 are kept.", field="state")
    target = find_target(kind=kind, id=id, state=state, user=by)
    require_role(user=by, team=target.team, role=Role.MEMBER)
    Team.objects.select_for_update(no_key=True).get(pk=target.team.pk)
    active = ShareLink.objects.filter(team=target.team, revoked_at=None, expires_at__gt=timezone.now())
    if active.count() >= MOST_LINKS:
        raise ConflictError(f"The team “{target.team}” has {MOST_LINKS} active links, the maximum; revoke one first.")
    token = new_secret()
    link = ShareLink.objects.create(
        team=target.team, token_hash=digest(token), kind=kind, target=target.pk, title=target.title[:255],
        state=state.removeprefix("?"), runs=list(target.runs), media=media, truth=truth, names=names,
        allowed_sites=clean_sites(allowed_sites), created_by=by, expires_at=timezone.now() + timedelta(expires_in_days),
    )  # fmt: skip
    return link, token


def clean_sites(sites: Sequence[str]) -> list[str]:
    """Origins in lower case, each once.

    Raises:
        InvalidError: one is no origin, or there are too many.
    """
    found = list(dict.fromkeys(site.strip().lower().rstrip("/") for site in sites if site.strip()))
    if len(found) > MOST_SITES:
        raise InvalidError(f"At most {MOST_SITES} sites may embed a link; {len(found)} came.", field="allowed_sites")
    for site in found:
        if not _ORIGIN.fullmatch(site):
            raise InvalidError(
                f"{site[:60]!r} is not the origin of a site, such as https://lab.example.org.", field="allowed_sites"
            )
    return found


def revoke_share(*, link: ShareLink, by: User) -> ShareLink:
    """Close a link for good; members only. One that is closed already stays as it is."""
    require_role(user=by, team=link.team, role=Role.MEMBER)
    if link.revoked_at is None:
        link.revoked_at = timezone.now()
        link.save(update_fields=["revoked_at"])
    return link


def open_link(*, token: str) -> ShareLink:
    """The link of a token, while it is open; its use is noted.

    Raises:
        NotFoundError: there is no such link.
        GoneError: it was revoked, or has expired.
    """
    link = ShareLink.objects.select_related("team").filter(token_hash=digest(token)).first()
    if link is None:
        raise NotFoundError("There is no such link. Perhaps part of its address is missing, or its team has been deleted.")
    if link.status == LinkStatus.REVOKED:
        raise GoneError("This link was revoked by the team that made it.")
    if link.status == LinkStatus.EXPIRED:
        raise GoneError(f"This link expired on {link.expires_at:%-d %b %Y}. Ask the team that made it for a new one.")
    now = timezone.now()
    if link.last_used_at is None or link.last_used_at < now - USE_PRECISION:
        stale = Q(last_used_at=None) | Q(last_used_at__lt=now - USE_PRECISION)
        ShareLink.objects.filter(stale, pk=link.pk).update(last_used_at=now)
    return link


def count_opening(link: ShareLink) -> None:
    """Note that the page of a link was opened."""
    ShareLink.objects.filter(pk=link.pk).update(opened=F("opened") + 1)
