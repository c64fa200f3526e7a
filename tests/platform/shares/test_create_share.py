"""Making, listing and revoking share links."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from palmares.shares.models import ShareLink
from palmares.teams.secret import digest

URL = "/api/v1/shares/"


@pytest.fixture
def share(api, member, finished_run):
    def make(**fields: Any) -> Any:
        body = {"kind": "viewer", "id": str(finished_run.upload_id), "state": f"runs={finished_run.pk}", **fields}
        return api(member).post(URL, body)

    return make


def test_it_gives_an_address_once_and_keeps_a_hash(share, api, member):
    answer = share()
    assert answer.status_code == 201, answer.json()
    token = answer.json()["url"].rstrip("/").rpartition("/")[2]
    assert len(token) >= 43  # 256 bits
    link = ShareLink.objects.get(pk=answer.json()["id"])
    assert link.token_hash == digest(token)
    (listed,) = api(member).get(URL).json()["results"]
    assert listed["id"] == str(link.pk)
    assert listed["status"] == "active"
    assert listed["last_used_at"] is None
    assert token not in str(listed)
    assert not listed["media"]
    assert not listed["names"]


def test_only_members_create_links(refusals, finished_run):
    body = {"kind": "viewer", "id": str(finished_run.upload_id)}
    assert refusals("post", URL, body) == {"anonymous": 401, "outsider": 404, "viewer": 403}
    assert not ShareLink.objects.exists()


def test_others_neither_see_nor_revoke_it(share, refusals):
    url = f"{URL}{share().json()['id']}/"
    assert refusals("get", url) == {"anonymous": 401, "outsider": 404, "viewer": 200}
    assert refusals("delete", url) == {"anonymous": 401, "outsider": 404, "viewer": 403}
    assert ShareLink.objects.get().status == "active"


def test_it_can_be_revoked_and_stays_in_the_list(share, api, member):
    made = share().json()
    assert api(member).delete(f"{URL}{made['id']}/").status_code == 204
    assert api(member).get(f"{URL}{made['id']}/").json()["status"] == "revoked"


@pytest.mark.parametrize(
    ("fields", "status", "sentence"),
    [
        ({"expires_in_days": 0}, 400, "expires_in_days"),
        ({"expires_in_days": 366}, 400, "expires_in_days"),
        ({"kind": "folder"}, 400, "kind"),
        ({"id": "7"}, 400, "`id` is the id of the upload, not '7'"),
        ({"id": "0" * 32}, 404, "no such upload"),
        ({"state": "x" * 4001}, 400, "state"),
        ({"state": "runs=" + "0" * 32}, 400, "nothing to share"),
        ({"allowed_sites": ["*"]}, 400, "'*' is not the origin of a site"),
        ({"allowed_sites": ["https://a.example/path"]}, 400, "is not the origin of a site"),
        ({"allowed_sites": ["https://a.example; script-src *"]}, 400, "is not the origin of a site"),
        ({"allowed_sites": ["javascript:alert(1)"]}, 400, "is not the origin of a site"),
        ({"allowed_sites": [f"https://{n}.example" for n in range(11)]}, 400, "allowed_sites"),
    ],
)
def test_it_says_what_is_wrong(share, fields, status, sentence):
    answer = share(**fields)
    assert answer.status_code == status, answer.json()
    assert sentence in answer.json()["detail"]
    assert not ShareLink.objects.exists()


def test_sites_are_kept_as_origins(share):
    answer = share(allowed_sites=["https://Lab.Example.org/", "http://localhost:8123", "https://lab.example.org"])
    assert answer.json()["allowed_sites"] == ["https://lab.example.org", "http://localhost:8123"]


def test_a_viewer_without_named_runs_shares_those_that_are_finished_now(share, finished_run, upload):
    answer = share(state="")
    assert ShareLink.objects.get(pk=answer.json()["id"]).runs == [finished_run.pk]


def test_a_board_is_shared_by_its_own_team_only(api, member, outsider, contest, scored):
    contest.visibility = "public"
    contest.save()
    body = {"kind": "board", "id": contest.slug}
    assert api(member).post(URL, body).status_code == 201
    assert api(member).post(URL, {**body, "id": str(contest.pk)}).status_code == 201
    assert api(outsider).post(URL, body).status_code == 404


def test_the_page_makes_a_link_and_revokes_it(client, member, finished_run):
    client.force_login(member)
    asked = {"kind": "viewer", "id": str(finished_run.upload_id), "state": f"runs={finished_run.pk}"}
    assert "Show videos" in client.get("/shares/new/", asked).content.decode()
    page = client.post("/shares/new/", {**asked, "expires_in_days": "7", "media": "on"}, follow=True).content.decode()
    assert "/shared/" in page
    link = ShareLink.objects.get()
    assert link.media
    assert not link.names
    assert timedelta(days=6) < link.expires_at - timezone.now() < timedelta(days=8)
    assert "/shared/" not in client.get("/shares/").content.decode()
    client.post(f"/shares/{link.pk}/revoke/")
    assert ShareLink.objects.get().status == "revoked"


@pytest.mark.parametrize("days", ["", "x", "-1", "²", "9" * 5000])
def test_the_page_says_what_is_wrong(client, member, finished_run, days):
    client.force_login(member)
    asked = {"kind": "viewer", "id": str(finished_run.upload_id), "expires_in_days": days}
    assert "A link lasts 1 to 365 days" in client.post("/shares/new/", asked, follow=True).content.decode()
    assert not ShareLink.objects.exists()
