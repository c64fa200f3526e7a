"""What people do with dashboards: make, save, restore, name, delete. Whoever acts is `by`."""

from __future__ import annotations

from typing import Any, Final

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.db.models import Max

from palmares.api.problems import ConflictError, InvalidError, NotFoundError, TooLargeError, UnsupportedContentError
from palmares.dashboards.content import clean_content
from palmares.dashboards.models import Dashboard, DashboardImage, DashboardVersion
from palmares.teams.models import Role, Team, User
from palmares.teams.services import require_role

MOST_DASHBOARDS: Final = 200
"""Of a team."""
MOST_VERSIONS: Final = 500
"""Kept of a dashboard; then the oldest without a name goes."""
LARGEST_IMAGE: Final = 4 << 20
MOST_IMAGES: Final = 100
"""Of a dashboard."""


@transaction.atomic
def create_dashboard(*, team: Team, name: str, by: User, content: Any = None) -> Dashboard:
    """A dashboard of a team with its first version; members only.

    Raises:
        InvalidError: the name is empty, or as `clean_content`.
        ConflictError: the team has too many.
    """
    require_role(user=by, team=team, role=Role.MEMBER)
    cleaned = clean_content(content or {})
    Team.objects.select_for_update(no_key=True).get(pk=team.pk)
    if Dashboard.objects.filter(team=team).count() >= MOST_DASHBOARDS:
        raise ConflictError(f"The team “{team}” has {MOST_DASHBOARDS} dashboards, the maximum; delete one first.")
    made = Dashboard.objects.create(team=team, name=_name(name), created_by=by)
    DashboardVersion.objects.create(dashboard=made, number=1, content=cleaned, created_by=by)
    return made


@transaction.atomic
def save_dashboard(
    *, dashboard: Dashboard, by: User, content: Any, version_name: str = "", based_on: int | None = None
) -> DashboardVersion:
    """Keep a new version and show it; members only. Content that is the current one makes no new version.

    Args:
        dashboard: which.
        by: a member.
        content: see `palmares.dashboards.content`.
        version_name: of this version.
        based_on: number of the version that was edited; where a newer one has been saved since, nothing is.

    Raises:
        InvalidError: as `clean_content`.
        ConflictError: somebody else has saved since.
    """
    require_role(user=by, team=dashboard.team, role=Role.MEMBER)
    cleaned = clean_content(content)
    locked = Dashboard.objects.select_for_update().get(pk=dashboard.pk)
    if based_on is not None and based_on != locked.version:
        raise ConflictError(
            f"Version {locked.version} of this dashboard was saved since you opened version {based_on}. "
            "Load it again, then make your change."
        )
    current = locked.versions.get(number=locked.version)
    if current.content == cleaned:
        return _named(current, version_name) if version_name else current
    number = (locked.versions.aggregate(last=Max("number"))["last"] or 0) + 1
    made = DashboardVersion.objects.create(
        dashboard=locked, number=number, name=version_name[:120], content=cleaned, created_by=by
    )
    locked.version = number
    locked.save(update_fields=["version", "changed_at"])
    dashboard.version, dashboard.changed_at = number, locked.changed_at
    unnamed = locked.versions.filter(name="").exclude(number=number).order_by("number")
    if locked.versions.count() > MOST_VERSIONS and (oldest := unnamed.first()):
        oldest.delete()
    return made


def restore_version(*, dashboard: Dashboard, number: int, by: User) -> DashboardVersion:
    """Save an older version again, as the newest.

    Raises:
        NotFoundError: there is no such version.
    """
    return save_dashboard(dashboard=dashboard, by=by, content=version_of(dashboard, number).content)


def name_version(*, dashboard: Dashboard, number: int, name: str, by: User) -> DashboardVersion:
    """Give a version a name, or take it away; members only."""
    require_role(user=by, team=dashboard.team, role=Role.MEMBER)
    return _named(version_of(dashboard, number), name)


def rename_dashboard(*, dashboard: Dashboard, name: str, by: User) -> Dashboard:
    """Give a dashboard another name; members only."""
    require_role(user=by, team=dashboard.team, role=Role.MEMBER)
    dashboard.name = _name(name)
    dashboard.save(update_fields=["name", "changed_at"])
    return dashboard


def delete_dashboard(*, dashboard: Dashboard, by: User) -> None:
    """Remove a dashboard with its versions and images; members only."""
    require_role(user=by, team=dashboard.team, role=Role.MEMBER)
    dashboard.delete()


def version_of(dashboard: Dashboard, number: int | None = None) -> DashboardVersion:
    """A version by its number; the one that is shown where None.

    Raises:
        NotFoundError: there is no such version.
    """
    wanted = dashboard.version if number is None else number
    found = dashboard.versions.filter(number=wanted).select_related("created_by").first()
    if found is None:
        raise NotFoundError(f"This dashboard has no version {wanted}.")
    return found


@transaction.atomic
def add_image(*, dashboard: Dashboard, file: UploadedFile, by: User) -> DashboardImage:
    """Keep an image for a panel; members only.

    Raises:
        TooLargeError, UnsupportedContentError: it is larger than 4 MiB, or no PNG, JPEG or WebP image.
        ConflictError: the dashboard has too many.
    """
    require_role(user=by, team=dashboard.team, role=Role.MEMBER)
    if (file.size or 0) > LARGEST_IMAGE:
        raise TooLargeError(f"The image has {(file.size or 0) / 2**20:.1f} MiB, at most {LARGEST_IMAGE >> 20} are accepted.")
    Dashboard.objects.select_for_update().get(pk=dashboard.pk)
    if dashboard.images.count() >= MOST_IMAGES:
        raise ConflictError(f"This dashboard has {MOST_IMAGES} images, the maximum.")
    content = file.read(LARGEST_IMAGE + 1)
    made = DashboardImage(dashboard=dashboard, content_type=_image_type(content), size_bytes=len(content))
    made.key = default_storage.save(f"{made.storage_prefix}/image", ContentFile(content))
    made.save()
    return made


def _image_type(content: bytes) -> str:
    """The type of an image by its first bytes."""
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if content.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    raise UnsupportedContentError("This is no PNG, JPEG or WebP image.", field="file")


def _named(version: DashboardVersion, name: str) -> DashboardVersion:
    version.name = name[:120]
    version.save(update_fields=["name"])
    return version


def _name(name: str) -> str:
    cleaned = name.replace("\x00", "").strip()[:120]
    if not cleaned:
        raise InvalidError("A dashboard needs a name.", field="name")
    return cleaned
