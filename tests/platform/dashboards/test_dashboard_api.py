"""Making, saving, comparing and restoring dashboards by the API."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from palmares.api.problems import InvalidError
from palmares.dashboards.content import OPTIONS, clean_content, new_panel
from palmares.dashboards.models import Dashboard
from tests.route_samples import PNG

URL = "/api/v1/dashboards/"


def text_panel(text: str, **place: int) -> dict[str, Any]:
    return {"id": "a", "kind": "text", "title": "", "x": 0, "y": 0, "w": 12, "h": 2, **place, "options": {"markdown": text}}


@pytest.fixture
def made(api, member, team) -> dict[str, Any]:
    body = {"team": str(team.pk), "name": "Ours", "content": {"panels": [text_panel("one")]}}
    answer = api(member).post(URL, body)
    assert answer.status_code == 201, answer.json()
    return answer.json()


def test_it_is_made_by_members_and_seen_by_the_team(made, api, viewer, refusals, team):
    assert made["version"] == 1
    assert made["content"]["panels"][0]["options"] == {"markdown": "one"}
    assert made["content"]["filters"] == {"subjects": [], "uploads": [], "methods": [], "alignment": "", "slice": ""}
    assert [row["name"] for row in api(viewer).get(URL).json()["results"]] == ["Ours"]
    url = f"{URL}{made['id']}/"
    assert refusals("get", url) == {"anonymous": 401, "outsider": 404, "viewer": 200}
    assert refusals("patch", url, {"name": "x"}) == {"anonymous": 401, "outsider": 404, "viewer": 403}
    assert refusals("delete", url) == {"anonymous": 401, "outsider": 404, "viewer": 403}
    body = {"team": str(team.pk), "name": "x"}
    assert refusals("post", URL, body) == {"anonymous": 401, "outsider": 400, "viewer": 403}
    assert Dashboard.objects.get().name == "Ours"


def test_every_save_is_a_version_that_can_be_compared_and_restored(made, api, member):
    url, client = f"{URL}{made['id']}/", api(member)
    saved = client.patch(url, {"content": {"panels": [text_panel("two", w=6)]}, "version_name": "wide", "based_on": 1}).json()
    assert saved["version"] == 2
    same = client.patch(url, {"content": saved["content"]}).json()
    assert same["version"] == 2  # nothing changed
    assert [(v["number"], v["name"]) for v in client.get(f"{url}versions/").json()] == [(2, "wide"), (1, "")]
    changes = client.get(f"{url}versions/comparison/?a=1&b=2").json()
    assert [(c["change"], c["old"], c["new"]) for c in changes] == [
        ("moved or resized", "column 1, row 1, 12 × 2", "column 1, row 1, 6 × 2"),
        ("markdown", "one", "two"),
    ]
    assert client.post(f"{url}versions/1/restore/").json()["number"] == 3
    assert client.get(url).json()["content"] == made["content"]
    assert client.patch(f"{url}versions/1/", {"name": "first"}).json()["name"] == "first"
    assert client.get(f"{url}versions/9/").status_code == 404


def test_two_people_do_not_overwrite_each_other(made, api, member):
    url, client = f"{URL}{made['id']}/", api(member)
    assert client.patch(url, {"content": {"panels": []}, "based_on": 1}).status_code == 200
    clash = client.patch(url, {"content": {"panels": [text_panel("mine")]}, "based_on": 1})
    assert clash.status_code == 409
    assert "Version 2 of this dashboard was saved since you opened version 1" in clash.json()["detail"]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ([], "is an object with `filters` and `panels`"),
        ({"panels": [{}] * 41}, "at most 40 panels"),
        ({"panels": ["x"]}, "Panel 1 is no object"),
        ({"panels": [{"kind": "magic"}]}, "Panel 1: `kind` is one of"),
        ({"panels": [text_panel("a", x=9)]}, "Panel 1: `x` is a whole number from 0 to 0"),
        ({"panels": [text_panel("a", h=0)]}, "`h` is a whole number from 1 to 40"),
        ({"panels": [text_panel("a"), text_panel("b")]}, "Two panels have the same `id`"),
        ({"panels": [{**text_panel("a"), "options": {"html": "x"}}]}, "has no option 'html'"),
        ({"panels": [text_panel("x" * 20_001)]}, "at most 20000 characters"),
        ({"panels": [new_panel("scatter", {"x": "speed", "y": "jitter"})]}, "there is no metric 'speed'"),
        ({"panels": [new_panel("viewer", {"upload": "../x"})]}, "`upload` is an id"),
        ({"panels": [text_panel("a\x00b")]}, "`markdown` is a text"),
        ({"filters": {"methods": ["a\x00b"]}}, "`methods` is a list of at most 100 texts"),
        ({"filters": {"alignment": "best"}}, "`alignment` is one of none, root"),
        ({"filters": {"uploads": ["x"]}}, "`uploads` is a list of ids"),
    ],
)
def test_invalid_content_is_refused_with_a_reason(made, api, member, content, sentence):
    answer = api(member).patch(f"{URL}{made['id']}/", {"content": content})
    assert answer.status_code == 400
    assert sentence in answer.json()["detail"]
    assert Dashboard.objects.get().version == 1


def test_a_lone_surrogate_is_refused():
    with pytest.raises(InvalidError, match="is a text"):
        clean_content({"panels": [text_panel("\ud800")]})


@pytest.mark.parametrize("kind", list(OPTIONS))
def test_a_new_panel_of_every_kind_can_be_saved(kind):
    panel = new_panel(kind, OPTIONS[kind])
    assert clean_content({"panels": [panel]})["panels"] == [panel]


def test_images_are_kept_and_served_to_the_team(made, api, member, outsider):
    url = f"{URL}{made['id']}/images/"
    answer = api(member).post(url, {"file": SimpleUploadedFile("x.png", PNG)}, format="multipart")
    assert answer.status_code == 201, answer.json()
    served = api(member).get(f"{url}{answer.json()['id']}/")
    assert served.getvalue() == PNG
    assert served["Content-Type"] == "image/png"
    assert api(outsider).get(f"{url}{answer.json()['id']}/").status_code == 404
    for content, status in ((b"<svg onload=alert(1)>", 415), (PNG + bytes(4 << 20), 413)):
        refused = api(member).post(url, {"file": SimpleUploadedFile("x.png", content)}, format="multipart")
        assert refused.status_code == status, refused.json()


def test_the_page_of_versions_keeps_the_compared_versions_selected(client, api, made, member):
    def ticked(query: str) -> list[str]:
        page = client.get(f"/dashboards/{made['id']}/versions/{query}").content.decode()
        return re.findall(r'name="([ab])" value="(\d+)"[^>]* checked', page)

    client.force_login(member)
    assert ticked("") == [("a", "1"), ("b", "1")]
    for text in ("two", "three"):
        body = {"content": {"panels": [text_panel(text)]}}
        assert api(member).patch(f"{URL}{made['id']}/", body).status_code == 200
    assert sorted(ticked("")) == sorted(ticked("?a=9&b=junk")) == [("a", "2"), ("b", "3")]
    assert sorted(ticked("?a=1&b=2")) == [("a", "1"), ("b", "2")]


@pytest.mark.parametrize("name", ["panels/new/?kind=text", "change/"])
def test_forms_of_panels_lead_back_to_editing(client, made, member, name):
    client.force_login(member)
    sent = {"markdown": "x", "x": "0", "y": "9", "w": "6", "h": "3", "action": "remove", "panel": "a"}
    assert client.post(f"/dashboards/{made['id']}/{name}", sent)["Location"] == f"/dashboards/{made['id']}/?edit=1"
