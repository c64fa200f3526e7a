"""Walks every address there is, as nobody and as another team's owner. A new route is covered the moment it exists."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from rest_framework.views import APIView

from palmares.api.permissions import DenyByDefault
from palmares.calibrations.models import Calibration
from palmares.submissions.models import PendingFile
from palmares.teams.access import create_token
from palmares.teams.models import Membership, Role, Team
from palmares.teams.services import invite
from tests.factories import HandShapeFactory

METHODS = ("get", "head", "post", "put", "patch", "delete", "options")
OPEN_TO_ALL = {"schema", "docs", "health", "welcome", "help", "prediction-template"}
"""Routes for everybody; each says nothing about anybody, and has tests of its own."""
OTHERS_CODE = ("admin/", "accounts/")
"""Django's and allauth's; `test_admin.py` walks the admin."""
SAMPLES: dict[str, Any] = {"frame": 0, "extension": "glb", "file": "web.mp4", "drawing": "hand.glb", "token": "nonsense"}


def patterns(resolver: URLResolver, prefix: str = "") -> Iterator[tuple[str, URLPattern]]:
    for entry in resolver.url_patterns:
        route = f"{prefix}{entry.pattern}"
        if isinstance(entry, URLResolver):
            yield from patterns(entry, route)
        else:
            yield route, entry


ROUTES = [(r, p) for r, p in patterns(get_resolver()) if not r.startswith(OTHERS_CODE)]
GUARDED = [(r, p) for r, p in ROUTES if p.name not in OPEN_TO_ALL]
NAMES = [p.name for _, p in GUARDED]


@pytest.fixture
def world(team: Team, owner, finished_run, upload, subject, contest, scored) -> dict[str, Any]:
    """Values for every kind of placeholder, all of them the team's."""
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
        "slug": contest.slug,
        "benchmark": contest.slug,
        "submission": scored().pk,
        "calibration": Calibration.objects.create(subject=subject).pk,
        "revision": contest.revisions.get().pk,
        "prediction": PendingFile.objects.create(created_by=owner, name="pred.zip", size_bytes=9).pk,
    }


def address(pattern: URLPattern, route: str, world: dict[str, Any]) -> str:
    kwargs: dict[str, Any] = {}
    for name in pattern.pattern.converters:
        noun = next((n for n in sorted(world, key=len, reverse=True) if (pattern.name or "").startswith(n)), None)
        if name.removesuffix("_id") in world and name != "token":
            kwargs[name] = world[name.removesuffix("_id")]
        elif name in ("pk", "id") and noun:
            kwargs[name] = world[noun]
        elif name == "name":
            kwargs[name] = "0123456789abcdef"
        else:
            assert name in SAMPLES, f"{route}: give a value for <{name}> in SAMPLES, or name the route after its noun"
            kwargs[name] = SAMPLES[name]
    return reverse(pattern.name, kwargs=kwargs)


def body_of(response: Any) -> str:
    return response.getvalue().decode("utf-8", "replace")


def test_every_route_has_a_name_of_its_own():
    assert all(NAMES)


@pytest.mark.parametrize(("route", "pattern"), GUARDED, ids=NAMES)
def test_nobody_is_let_in(client, world, route, pattern):
    url = address(pattern, route, world)
    client.raise_request_exception = False
    for method in METHODS:
        response = getattr(client, method)(url, HTTP_TUS_RESUMABLE="1.0.0")
        refused = response.status_code in (401, 403, 404, 405)
        sent_to_sign_in = response.status_code == 302 and response["Location"].startswith("/accounts/")
        assert refused or sent_to_sign_in, f"{method} {url}: {response.status_code}"


@pytest.mark.parametrize(("route", "pattern"), GUARDED, ids=NAMES)
def test_another_team_learns_nothing(api, client, world, stranger, route, pattern):
    url = address(pattern, route, world)
    client.force_login(stranger)
    client.raise_request_exception = False
    by_token = api(stranger)
    secrets = {str(value) for value in world.values()}
    for method in METHODS:
        for caller in (by_token, client):
            response = getattr(caller, method)(url, HTTP_TUS_RESUMABLE="1.0.0")
            assert response.status_code < 500, f"{method} {url}: {response.status_code}"
            told = body_of(response).replace(url, "")
            assert not [s for s in secrets if s in told], f"{method} {url} tells {told[:300]}"
            if any(str(v) in url for v in world.values()) and method != "options":
                refused = response.status_code in (403, 404, 405)
                # pages know no tokens: whoever brings one is sent to sign in, like anybody
                sent_to_sign_in = caller is by_token and response.status_code == 302 and "/accounts/" in response["Location"]
                assert refused or sent_to_sign_in, f"{method} {url}: {response.status_code}"


@pytest.mark.parametrize(("route", "pattern"), ROUTES, ids=[p.name for _, p in ROUTES])
def test_every_view_of_the_api_says_who_may(route, pattern):
    view = getattr(pattern.callback, "cls", None) or getattr(pattern.callback, "view_class", None)
    if view is not None and issubclass(view, APIView):
        given = pattern.callback.initkwargs.get("permission_classes", view.permission_classes)
        assert given, route
        assert DenyByDefault not in given, f"{route} states no permission"
