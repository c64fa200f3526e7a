from datetime import timedelta

import pytest
from django.utils import timezone

from palmares.teams.access import create_sign_in_link
from palmares.teams.models import SignInLink


@pytest.fixture
def url(member):
    return f"/welcome/{create_sign_in_link(user=member)}/"


def signed_in(client):
    return "_auth_user_id" in client.session


def test_it_signs_in(client, url, member):
    assert client.get(url).status_code == 302
    assert client.session["_auth_user_id"] == str(member.pk)


def test_it_works_once(client, url, django_user_model):
    client.get(url)
    client.logout()
    response = client.get(url)
    assert response.url == "/accounts/login/"
    assert not signed_in(client)


def test_it_expires(client, url):
    SignInLink.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    client.get(url)
    assert not signed_in(client)


def test_inactive_people_stay_out(client, url, member):
    member.is_active = False
    member.save()
    client.get(url)
    assert not signed_in(client)


def test_only_a_hash_is_kept(url):
    assert url.split("/")[2] not in str(SignInLink.objects.values().get())


def test_a_wrong_link(client, db):
    assert client.get("/welcome/nonsense/").status_code == 302
    assert not signed_in(client)


def test_wrong_method(client, url):
    assert client.post(url).status_code == 405
