"""Addresses without their slash at the end: a redirect that keeps method and body, with DEBUG and without."""

from __future__ import annotations

import base64

import httpx
import pytest

from palmares.teams.access import create_token
from palmares.uploads.models import Upload


@pytest.mark.parametrize("debug", [False, True])
@pytest.mark.parametrize("method", ["get", "post", "patch", "delete"])
def test_the_redirect_keeps_the_method(client, db, settings, debug, method):
    settings.DEBUG = debug
    found = getattr(client, method)("/api/v1/teams?page_size=3")
    assert (found.status_code, found["Location"]) == (308, "/api/v1/teams/?page_size=3")


def test_it_leads_to_no_other_host(client, db):
    found = client.post("//evil.example.org/api/v1/teams")
    assert not found.get("Location", "").startswith("//")


def test_an_address_that_does_not_exist_is_still_not_found(client, db):
    assert client.post("/api/v1/nothing").status_code == 404


@pytest.mark.django_db(transaction=True)
def test_a_redirected_post_stays_a_post(live_server, owner, subject, media_root):
    headers = {"Authorization": f"Bearer {create_token(user=owner, name='slash')[1]}"}
    with httpx.Client(base_url=live_server.url, headers=headers, follow_redirects=True) as client:
        made = client.post("/api/v1/teams", json={"name": "Made without a slash"})
        assert (made.status_code, made.json()["name"]) == (201, "Made without a slash")
        filename = f"filename {base64.b64encode(b'clip.mp4').decode()}"
        tus = {"Tus-Resumable": "1.0.0", "Upload-Length": "9", "Upload-Metadata": filename}
        announced = client.post("/api/v1/uploads/tus", headers=tus)
        assert announced.status_code == 201
        assert announced.headers["Location"].endswith(f"/{Upload.objects.get().pk}/")
