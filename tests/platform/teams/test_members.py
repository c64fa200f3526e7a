import pytest

from palmares.teams.models import Membership, Role


@pytest.fixture
def url(team):
    return f"/api/v1/teams/{team.pk}/members/"


def membership_of(user):
    return Membership.objects.get(user=user)


def test_all_members_see_the_members(api, url, viewer, owner):
    assert {m["role"] for m in api(viewer).get(url).json()["results"]} == {"viewer", "owner"}


def test_other_people_do_not_see_the_members(api, url, outsider):
    assert api(outsider).get(url).status_code == 404
    assert api(None).get(url).status_code == 401


def test_an_owner_changes_roles(api, url, owner, viewer):
    response = api(owner).patch(f"{url}{membership_of(viewer).pk}/", {"role": "member"})
    assert response.json()["role"] == "member"


@pytest.mark.parametrize("method", ["patch", "delete"])
def test_a_member_may_not_change_roles_or_remove_others(api, url, member, viewer, method):
    assert getattr(api(member), method)(f"{url}{membership_of(viewer).pk}/", {"role": "owner"}).status_code == 403
    assert membership_of(viewer).role == Role.VIEWER


def test_a_viewer_cannot_change_their_own_role(api, url, viewer):
    assert api(viewer).patch(f"{url}{membership_of(viewer).pk}/", {"role": "owner"}).status_code == 403


@pytest.mark.parametrize(("method", "data"), [("patch", {"role": "member"}), ("delete", None)])
def test_the_last_owner_cannot_leave_or_lose_the_role(api, url, owner, method, data):
    response = getattr(api(owner), method)(f"{url}{membership_of(owner).pk}/", data)
    assert response.status_code == 409
    assert "owner" in response.json()["detail"]
    assert membership_of(owner).role == Role.OWNER


def test_an_owner_removes_a_member(api, url, owner, viewer):
    assert api(owner).delete(f"{url}{membership_of(viewer).pk}/").status_code == 204
    assert api(viewer).get(url).status_code == 404


def test_everyone_may_leave(api, url, viewer):
    assert api(viewer).delete(f"{url}{membership_of(viewer).pk}/").status_code == 204


def test_wrong_method(api, url, owner):
    assert api(owner).post(url, {}).status_code == 405
