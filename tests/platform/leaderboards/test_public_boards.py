"""Boards on the web, and what people who are not signed in see."""

from __future__ import annotations

import pytest

from palmares.teams.models import Role
from tests.factories import MembershipFactory


@pytest.fixture
def published(contest, scored, outsider):
    contest.visibility, contest.shows_frames = "web", True
    contest.save()
    scored(method="a public one", is_public=True, figures={"pa_mpjpe": 10.0})
    scored(method="our private one", figures={"pa_mpjpe": 9.0})
    scored(method="their private one", by_team=outsider.teams.get(), figures={"pa_mpjpe": 8.0})
    return contest


def test_everybody_sees_the_board_and_its_public_submissions(client, published):
    answer = client.get(f"/benchmarks/{published.slug}/")
    page = answer.content.decode()
    assert answer.status_code == 200
    assert "a public one" in page
    assert "private one" not in page
    assert answer["X-Robots-Tag"] == "noindex, nofollow"


@pytest.mark.parametrize("visibility", ["team", "public"])
def test_other_benchmarks_ask_to_sign_in(client, published, visibility):
    published.visibility = visibility
    published.save()
    answer = client.get(f"/benchmarks/{published.slug}/")
    assert answer.status_code == 302
    assert answer["Location"].startswith("/accounts/login/")
    assert published.name not in client.get("/").content.decode()


def test_a_private_truth_is_rounded_or_withheld(client, contest, scored):
    contest.visibility = "web"
    contest.save()
    scored(method="a public one", is_public=True, figures={"pa_mpjpe": 10.123})
    page = client.get(f"/benchmarks/{contest.slug}/").content.decode()
    assert "10.12" not in page
    assert "The ground truth is private" in page


def test_the_landing_page_says_what_it_is_and_lists_public_boards(client, published):
    answer = client.get("/")
    page = answer.content.decode()
    assert "Palmarès is a platform on which teams evaluate and look at 3D hand meshes" in page
    assert f"/benchmarks/{published.slug}/" in page
    assert answer["X-Robots-Tag"] == "noindex, nofollow"


def test_only_owners_publish(api, client, contest, owner, team):
    url = f"/api/v1/benchmarks/{contest.slug}/"
    member = MembershipFactory(team=team, role=Role.MEMBER).user
    assert api(member).patch(url, {"visibility": "web"}).status_code == 403
    assert client.get(f"/benchmarks/{contest.slug}/").status_code == 302
    assert api(owner).patch(url, {"visibility": "web"}).json()["visibility"] == "web"
    assert client.get(f"/benchmarks/{contest.slug}/").status_code == 200
    client.force_login(owner)
    client.post(f"/benchmarks/{contest.slug}/change/", {"action": "visibility", "visibility": "team"})
    client.logout()
    assert client.get(f"/benchmarks/{contest.slug}/").status_code == 302


def test_an_unknown_board_is_not_found(client, published):
    assert client.get(f"/benchmarks/{published.slug}/?board=gone").status_code == 404


def test_robots_are_disallowed_unless_the_setting_allows_them(client, published, settings):
    assert "Disallow: /\n" in client.get("/robots.txt").content.decode()
    settings.ALLOW_ROBOTS = True
    assert client.get("/robots.txt").content.decode().splitlines() == ["User-agent: *", "Disallow: /shared/"]
    assert "X-Robots-Tag" not in client.get("/")
