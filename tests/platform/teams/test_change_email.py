import re

import pytest
from allauth.account.models import EmailAddress
from django.core import mail

URL = "/accounts/email/"


@pytest.fixture
def page(client, member):
    client.force_login(member)
    return client


def confirm(page):
    path = re.search(r"/accounts/confirm-email/[^/]+/", mail.outbox[-1].body).group()
    assert "Is <strong>" in page.get(path).content.decode()
    page.post(path)


def test_a_new_address_is_used_only_after_it_is_confirmed(page, member):
    page.post(URL, {"action_add": "", "email": "New@example.org"})
    member.refresh_from_db()
    assert member.email != "new@example.org"
    assert "new@example.org" in page.get(URL).content.decode()
    confirm(page)
    member.refresh_from_db()
    assert member.email == "new@example.org"
    assert [a.email for a in EmailAddress.objects.filter(user=member)] == ["new@example.org"]


def test_an_address_that_another_user_has_is_refused(page, member, owner):
    answer = page.post(URL, {"action_add": "", "email": owner.email.upper()})
    assert "This address cannot be used" in answer.content.decode()
    assert not mail.outbox


def test_an_address_that_somebody_took_meanwhile_is_not_confirmed(page, member, owner):
    before = member.email
    page.post(URL, {"action_add": "", "email": "wanted@example.org"})
    link = re.search(r"/accounts/confirm-email/[^/]+/", mail.outbox[-1].body).group()
    owner.email = "Wanted@example.org"
    owner.save()
    assert "has been used, has expired or is not valid" in page.get(link).content.decode()
    assert page.post(link).status_code == 404
    member.refresh_from_db()
    assert member.email == before


def test_an_unconfirmed_address_never_becomes_the_present_one(page, member, owner):
    before = member.email
    for email in ("victim@example.org", owner.email):
        EmailAddress.objects.create(user=member, email=email, verified=False)
        assert page.post(URL, {"action_primary": "", "email": email}).status_code == 405
    member.refresh_from_db()
    assert member.email == before


def test_nobody_signs_in_with_an_unconfirmed_address(client, page, member):
    member.set_password("a long password")
    member.save()
    page.force_login(member)
    page.post(URL, {"action_add": "", "email": "victim@example.org"})
    page.logout()
    page.post("/accounts/login/", {"login": "victim@example.org", "password": "a long password"})
    assert "_auth_user_id" not in page.session


def test_it_asks_to_sign_in(client, db):
    assert client.get(URL).url.startswith("/accounts/login/")
