"""Signing in by password: allauth, with its limits on."""

import pytest
from django.core.cache import cache

from palmares.teams.models import User

URL = "/accounts/login/"
PASSWORD = "correct horse battery"


@pytest.fixture
def person(db):
    cache.clear()
    yield User.objects.create_user("ada@example.org", PASSWORD)
    cache.clear()


def sign_in(client, email, password):
    return client.post(URL, {"login": email, "password": password})


def test_it_works(client, person):
    assert sign_in(client, "Ada@Example.org", PASSWORD).status_code == 302
    assert client.session["_auth_user_id"] == str(person.pk)


def test_guessing_is_slowed_down(client, person):
    for _ in range(5):
        sign_in(client, person.email, "wrong")
    sign_in(client, person.email, PASSWORD)
    assert "_auth_user_id" not in client.session


def test_a_wrong_password_and_an_unknown_address_give_the_same_message(client, person):
    texts = [sign_in(client, email, "wrong").context["form"].errors.as_text() for email in (person.email, "nobody@example.org")]
    assert texts[0] == texts[1]
