from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone

from palmares.teams.models import Invitation, Membership, Role
from palmares.teams.services import invite

ACCEPT = "/api/v1/invitations/accept/"


@pytest.fixture
def url(team):
    return f"/api/v1/teams/{team.pk}/invitations/"


@pytest.fixture
def token(team, owner):
    return invite(team=team, email="new@example.org", role=Role.MEMBER, by=owner)[1]


def test_it_works(api, url, owner, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        response = api(owner).post(url, {"email": "New@Example.org", "role": "viewer"})
    assert response.status_code == 201
    token = response.json()["token"]
    assert token in response.json()["link"]
    assert token in mail.outbox[0].body
    assert [i["email"] for i in api(owner).get(url).json()["results"]] == ["new@example.org"]


def test_the_token_is_shown_once_and_kept_as_a_hash(api, url, owner, token):
    assert token not in api(owner).get(url).content.decode()
    assert token not in str(Invitation.objects.values().get())


def test_the_answer_does_not_tell_who_has_an_account(api, url, owner, outsider):
    known, unknown = (api(owner).post(url, {"email": email}).json() for email in (outsider.email, "nobody@example.org"))
    assert known.keys() == unknown.keys()


def test_a_second_invitation_replaces_the_first(api, url, owner, token):
    api(owner).post(url, {"email": "new@example.org"})
    assert len(api(owner).get(url).json()["results"]) == 1
    assert api(owner).post(ACCEPT, {"token": token}).status_code == 410


def test_an_owner_withdraws(api, url, owner, token):
    assert api(owner).delete(f"{url}{Invitation.objects.get().pk}/").status_code == 204
    assert api(owner).get(url).json()["results"] == []
    assert api(owner).post(ACCEPT, {"token": token}).status_code == 410


def test_one_address_receives_a_few_an_hour(api, url, owner, outsider, django_capture_on_commit_callbacks):
    theirs = outsider.memberships.get().team
    with django_capture_on_commit_callbacks(execute=True):
        sent = [api(owner).post(url, {"email": "victim@example.org"}).status_code for _ in range(5)]
        other = api(outsider).post(f"/api/v1/teams/{theirs.pk}/invitations/", {"email": "Victim@example.org"})
    assert (sent, other.status_code) == ([201, 201, 201, 429, 429], 429)
    assert len(mail.outbox) == 3
    Invitation.objects.update(created_at=timezone.now() - timedelta(hours=1, seconds=1))
    assert api(owner).post(url, {"email": "victim@example.org"}).status_code == 201


def test_one_user_sends_a_bounded_number_an_hour(api, url, owner):
    answers = [api(owner).post(url, {"email": f"p{n}@example.org"}).status_code for n in range(31)]
    assert answers == [201] * 30 + [429]


@pytest.mark.parametrize("method", ["get", "post"])
def test_others_may_not(api, refusals, url, member, method):
    data = {"email": "x@example.org"}
    assert refusals(method, url, data) == {"anonymous": 401, "outsider": 404, "viewer": 403}
    assert getattr(api(member), method)(url, data).status_code == 403


def test_anyone_with_the_link_joins_the_team(api, token, outsider, team):
    response = api(outsider).post(ACCEPT, {"token": token})
    assert response.status_code == 200
    assert response.json()["name"] == "Ours"
    assert Membership.objects.get(team=team, user=outsider).role == Role.MEMBER


def test_it_works_once(api, token, outsider, viewer):
    api(outsider).post(ACCEPT, {"token": token})
    assert api(viewer).post(ACCEPT, {"token": token}).status_code == 410


def test_it_expires(api, token, outsider):
    Invitation.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert api(outsider).post(ACCEPT, {"token": token}).status_code == 410


def test_it_never_lowers_a_role(api, token, owner, team):
    api(owner).post(ACCEPT, {"token": token})
    assert Membership.objects.get(team=team, user=owner).role == Role.OWNER


def test_a_wrong_token(api, outsider):
    assert api(outsider).post(ACCEPT, {"token": "x"}).status_code == 404
    assert api(None).post(ACCEPT, {"token": "x"}).status_code == 401
    assert api(outsider).get(ACCEPT).status_code == 405
