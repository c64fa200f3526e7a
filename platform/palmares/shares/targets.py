"""What a share link leads to: found among what a person may share, and found again when the link is opened."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.db.models import Model, Q
from django.http import QueryDict

from palmares.api.problems import GoneError, InvalidError, NotFoundError
from palmares.benchmarks.models import Benchmark
from palmares.dashboards.models import Dashboard
from palmares.queue.models import Status
from palmares.runs.models import Run
from palmares.runs.viewer_runs import IN_VIEWER, runs_to_offer
from palmares.shares.models import ShareLink
from palmares.teams.models import Team, User
from palmares.uploads.models import Upload

NOUNS: Final = {ShareLink.Kind.DASHBOARD: "dashboard", ShareLink.Kind.VIEWER: "upload", ShareLink.Kind.BOARD: "benchmark"}


@dataclass(frozen=True)
class Target:
    """Something that a person may share.

    Attributes:
        pk: id of the row.
        team: whose it is.
        title: as the list of links names it.
        runs: of a viewer, the runs that are opened.
    """

    pk: UUID
    team: Team
    title: str
    runs: tuple[UUID, ...] = ()


def find_target(*, kind: str, id: str, state: str, user: User) -> Target:
    """What `user` wants to share.

    Args:
        kind: `dashboard`, `viewer` or `board`.
        id: of a dashboard, of an upload (viewer), or of a benchmark, or its slug (board).
        state: query string of the page; a viewer's names the runs that the link opens.
        user: who shares.

    Raises:
        NotFoundError: there is no such thing, or `user` may not see it.
        InvalidError: no such kind, or nothing in it could be shown.
    """
    if kind == ShareLink.Kind.VIEWER:
        return _viewer(_uuid(id, kind), state, user)
    if kind == ShareLink.Kind.BOARD:
        named = Q(slug=id) | Q(pk=parsed) if (parsed := _uuid_or_none(id)) else Q(slug=id)
        benchmark = Benchmark.objects.visible_to(user).select_related("team").filter(named).first()
        if benchmark is None:
            raise NotFoundError("There is no such benchmark, or you may not see it.")
        return Target(benchmark.pk, benchmark.team, benchmark.name)
    if kind == ShareLink.Kind.DASHBOARD:
        found = Dashboard.objects.visible_to(user).select_related("team").filter(pk=_uuid(id, kind)).first()
        if found is None:
            raise NotFoundError("There is no such dashboard, or you may not see it.")
        return Target(found.pk, found.team, found.name)
    raise InvalidError(f"{kind!r} cannot be shared; {', '.join(ShareLink.Kind.values)} can.", field="kind")


def current_target(link: ShareLink) -> Any:
    """The row that a link opens: an upload, a dashboard or a benchmark.

    Raises:
        GoneError: it was deleted, or moved to another team.
    """
    found: Model | None
    if link.kind == ShareLink.Kind.VIEWER:
        found = Upload.objects.filter(pk=link.target, subject__team=link.team_id).select_related("subject").first()
    elif link.kind == ShareLink.Kind.DASHBOARD:
        found = Dashboard.objects.filter(pk=link.target, team=link.team_id).select_related("team").first()
    else:
        found = Benchmark.objects.filter(pk=link.target, team=link.team_id).select_related("team").first()
    if found is None:
        raise GoneError(f"The {NOUNS[ShareLink.Kind(link.kind)]} that this link opened has been deleted by its team.")
    return found


def runs_of(link: ShareLink, upload: Upload) -> list[Run]:
    """The runs that the link of a viewer opens, in its order; those that were deleted or did not succeed are left out."""
    found = upload.runs.filter(pk__in=link.runs, status=Status.SUCCEEDED).select_related("prediction", "upload")
    return sorted(found, key=lambda run: link.runs.index(run.pk))


def _viewer(pk: UUID, state: str, user: User) -> Target:
    upload = Upload.objects.visible_to(user).select_related("subject__team").filter(pk=pk).first()
    if upload is None:
        raise NotFoundError("There is no such upload, or you may not see it.")
    done = upload.runs.filter(status=Status.SUCCEEDED)
    named = QueryDict(state.removeprefix("?")).get("runs")
    if named:
        known = set(done.values_list("pk", flat=True))
        chosen = [pk for pk in map(_uuid_or_none, named.split(",")) if pk in known]
    else:
        chosen = [*runs_to_offer(done)]
    if not chosen:
        raise InvalidError("No finished run of this upload is shown, so there is nothing to share.", field="state")
    return Target(upload.pk, upload.subject.team, upload.name, tuple(pk for pk in chosen[:IN_VIEWER] if pk))


def _uuid(text: str, kind: str) -> UUID:
    found = _uuid_or_none(text)
    if found is None:
        raise InvalidError(f"`id` is the id of the {NOUNS[ShareLink.Kind(kind)]}, not {text[:40]!r}.", field="id")
    return found


def _uuid_or_none(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
