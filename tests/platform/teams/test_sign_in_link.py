from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from palmares.teams.access import create_sign_in_link
from palmares.teams.models import SignInLink


@pytest.fixture
def url(member):
    return f"/welcome/{create_sign_in_link(user=member)}/"


def signed_in(client):
    return "_auth_user_id" in client.session


def test_it_signs_in(client, url, member):
    assert client.post(url).status_code == 302
    assert client.session["_auth_user_id"] == str(member.pk)


def test_it_works_once(client, url, django_user_model):
    client.post(url)
    client.logout()
    response = client.post(url)
    assert response.url == "/accounts/login/"
    assert not signed_in(client)


def test_it_expires(client, url):
    SignInLink.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    client.post(url)
    assert not signed_in(client)


def test_inactive_people_cannot_sign_in(client, url, member):
    member.is_active = False
    member.save()
    client.post(url)
    assert not signed_in(client)


def test_only_a_hash_is_kept(url):
    assert url.split("/")[2] not in str(SignInLink.objects.values().get())


def test_a_wrong_link(client, db):
    assert client.get("/welcome/nonsense/").status_code == 302
    assert not signed_in(client)


def test_a_preview_does_not_use_it_up(client, url, member):
    for _ in range(2):
        page = client.get(url)
        assert (page.status_code, signed_in(client)) == (200, False)
        assert member.email in page.content.decode()
    client.head(url)
    client.post(url)
    assert signed_in(client)


def test_wrong_method(client, url):
    assert client.put(url).status_code == 405


def test_a_command_prints_a_new_link(client, member, capsys):
    call_command("sign_in_link", member.email, "--server", "http://testserver/")
    client.post(capsys.readouterr().out.strip().removeprefix("http://testserver"))
    assert signed_in(client)


def test_the_command_refuses_an_unknown_user(db):
    with pytest.raises(CommandError, match=r"no active user nobody@example\.org"):
        call_command("sign_in_link", "nobody@example.org")
