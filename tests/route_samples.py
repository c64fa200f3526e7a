"""Every route of the web, and values for its placeholders: what tests that walk all addresses have in common."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from palmares.calibrations.models import Calibration
from palmares.comments.services import add_comment
from palmares.dashboards.content import OPTIONS, new_panel
from palmares.dashboards.services import add_image, create_dashboard, save_dashboard
from palmares.queue.models import Status
from palmares.shares.services import create_share
from palmares.submissions.models import PendingFile
from palmares.teams.access import create_token
from palmares.teams.models import Membership, Role, Team
from palmares.teams.services import invite
from palmares.uploads.models import GroundTruth, HandBox
from tests.factories import HandShapeFactory

OTHERS_CODE = ("admin/", "accounts/")
"""Django's and allauth's; `test_admin.py` walks the admin."""
TRUTH_OF_UPLOAD = b"the true hands of our upload"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(32)
SAMPLES: dict[str, Any] = {
    "frame": 0,
    "extension": "glb",
    "file": "web.mp4",
    "drawing": "hand.glb",
    "token": "nonsense",
    "protocol": "palmares",
    "number": 1,
    "name": "0123456789abcdef",
}


def patterns(resolver: URLResolver, prefix: str = "") -> Iterator[tuple[str, URLPattern]]:
    """Route and pattern of every address below a resolver."""
    for entry in resolver.url_patterns:
        route = f"{prefix}{entry.pattern}"
        if isinstance(entry, URLResolver):
            yield from patterns(entry, route)
        else:
            yield route, entry


ROUTES = [(r, p) for r, p in patterns(get_resolver()) if not r.startswith(OTHERS_CODE)]


@pytest.fixture
def world(team: Team, owner, finished_run, upload, subject, contest, scored) -> dict[str, Any]:
    """Values for every kind of placeholder, all of them the team's."""
    panels = [new_panel(kind, options, y=number) for number, (kind, options) in enumerate(OPTIONS.items())]
    dashboard = create_dashboard(team=team, name="Our dashboard", by=owner, content={"panels": panels})
    image = add_image(dashboard=dashboard, file=SimpleUploadedFile("a.png", PNG), by=owner)
    for panel in panels:
        named = {"benchmark": contest.slug, "upload": str(upload.pk), "image": str(image.pk)}
        panel["options"] |= {name: value for name, value in named.items() if name in panel["options"]}
    save_dashboard(dashboard=dashboard, by=owner, content={"panels": panels})
    truth = GroundTruth.objects.create(upload=upload, name="our truth.npz", status=Status.SUCCEEDED)
    truth.folder = f"truths/{truth.pk}/1"
    truth.save()
    for name in ("truth.npz", "track.json", f"track/{SAMPLES['name']}.bin"):
        default_storage.save(f"{truth.folder}/{name}", ContentFile(TRUTH_OF_UPLOAD))
    invitation, _ = invite(team=team, email="guest@example.org", role=Role.MEMBER, by=owner)
    return {
        "team": team.pk,
        "member": Membership.objects.get(user=owner).pk,
        "invitation": invitation.pk,
        "token": create_token(user=owner, name="owner's")[0].id,
        "subject": subject.pk,
        "hand-shape": HandShapeFactory(subject=subject).pk,
        "upload": upload.pk,
        "viewer": upload.pk,
        "run": finished_run.pk,
        "shared-run": finished_run.pk,
        "shared-media": upload.pk,
        "shared-truth": upload.pk,
        "hand-box": HandBox.objects.create(upload=upload, frame=0, x=0, y=0, width=20, height=20, side="left").pk,
        "comment": add_comment(upload=upload, by=owner, frame=0, text="our comment", run=finished_run).pk,
        "dashboard": dashboard.pk,
        "panel": panels[0]["id"],
        "image": image.pk,
        "shared-image": image.pk,
        "share": create_share(by=owner, kind="viewer", id=str(upload.pk))[0].pk,
        "slug": contest.slug,
        "benchmark": contest.slug,
        "submission": scored().pk,
        "benchmark-revision": contest.revisions.get().pk,
        "calibration": Calibration.objects.create(subject=subject).pk,
        "revision": contest.revisions.get().pk,
        "prediction": PendingFile.objects.create(created_by=owner, name="pred.zip", size_bytes=9).pk,
    }


def address(pattern: URLPattern, route: str, world: dict[str, Any]) -> str:
    """The address of a route with the values of `world`; `share-token`, where it is there, opens shared pages."""
    kwargs: dict[str, Any] = {}
    for name in pattern.pattern.converters:
        noun = next((n for n in sorted(world, key=len, reverse=True) if (pattern.name or "").startswith(n)), None)
        if name == "token" and (pattern.name or "").startswith("shared"):
            kwargs[name] = world.get("share-token", SAMPLES[name])
        elif name.removesuffix("_id") in world and name != "token":
            kwargs[name] = world[name.removesuffix("_id")]
        elif name in ("pk", "id") and noun:
            kwargs[name] = world[noun]
        elif name == "name":
            kwargs[name] = SAMPLES[name]
        else:
            assert name in SAMPLES, f"{route}: give a value for <{name}> in SAMPLES, or name the route after its noun"
            kwargs[name] = SAMPLES[name]
    return reverse(pattern.name, kwargs=kwargs)
