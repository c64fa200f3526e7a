"""Requests every address without credentials and as another team's owner. New routes are included automatically."""

from __future__ import annotations

from typing import Any

import pytest
from rest_framework.views import APIView

from palmares.api.permissions import DenyByDefault
from tests.route_samples import ROUTES, address, world  # noqa: F401 - a fixture

METHODS = ("get", "head", "post", "put", "patch", "delete", "options")
OPEN_TO_ALL = {"schema", "docs", "health", "welcome", "help", "prediction-template", "home", "robots"}
"""Routes for everybody; each says nothing about anybody, and has tests of its own."""
GUARDED = [(r, p) for r, p in ROUTES if p.name not in OPEN_TO_ALL]
NAMES = [p.name for _, p in GUARDED]
PARTS = 4
"""The routes are walked in so many tests, each of which makes the rows once."""


def body_of(response: Any) -> str:
    return response.getvalue().decode("utf-8", "replace")


def test_every_route_has_a_name_of_its_own():
    assert all(NAMES)


@pytest.mark.parametrize("part", range(PARTS))
def test_every_route_refuses_requests_without_credentials(client, world, part):  # noqa: F811
    client.raise_request_exception = False
    let_in = []
    for route, pattern in GUARDED[part::PARTS]:
        url = address(pattern, route, world)
        for method in METHODS:
            response = getattr(client, method)(url, HTTP_TUS_RESUMABLE="1.0.0")
            refused = response.status_code in (401, 403, 404, 405)
            sent_to_sign_in = response.status_code == 302 and response["Location"].startswith("/accounts/")
            if not (refused or sent_to_sign_in):
                let_in.append(f"{method} {url}: {response.status_code}")
    assert let_in == []


@pytest.mark.parametrize("part", range(PARTS))
def test_another_team_gets_no_data(api, client, world, outsider, part):  # noqa: F811
    client.force_login(outsider)
    client.raise_request_exception = False
    by_token = api(outsider)
    faults: list[str] = []
    for route, pattern in GUARDED[part::PARTS]:
        url = address(pattern, route, world)
        for method in METHODS:
            for caller in (by_token, client):
                response = getattr(caller, method)(url, HTTP_TUS_RESUMABLE="1.0.0")
                faults += faults_of(response, method, url, world, has_token=caller is by_token)
    assert faults == []


def faults_of(response: Any, method: str, url: str, world: dict[str, Any], *, has_token: bool) -> list[str]:  # noqa: F811
    """What an answer reveals that another team must not see."""
    if response.status_code >= 500:
        return [f"{method} {url}: {response.status_code}"]
    told = body_of(response).replace(url, "")
    if any(str(value) in told for value in world.values()):
        return [f"{method} {url} tells {told[:300]}"]
    if any(str(value) in url for value in world.values()) and method != "options":
        refused = response.status_code in (403, 404, 405)
        # pages accept no tokens: a request with one is redirected to sign in, as any other
        sent_to_sign_in = has_token and response.status_code == 302 and "/accounts/" in response["Location"]
        if not (refused or sent_to_sign_in):
            return [f"{method} {url}: {response.status_code}"]
    return []


@pytest.mark.parametrize(("route", "pattern"), ROUTES, ids=[p.name for _, p in ROUTES])
def test_every_view_of_the_api_states_its_permissions(route, pattern):
    view = getattr(pattern.callback, "cls", None) or getattr(pattern.callback, "view_class", None)
    if view is not None and issubclass(view, APIView):
        given = pattern.callback.initkwargs.get("permission_classes", view.permission_classes)
        assert given, route
        assert DenyByDefault not in given, f"{route} states no permission"
