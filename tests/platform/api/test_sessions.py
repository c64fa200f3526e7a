"""The API by session, as the pages use it: forged requests from other sites are refused."""

import pytest
from django.middleware.csrf import _get_new_csrf_string
from django.test import Client

from palmares.teams.access import create_sign_in_link


@pytest.fixture
def browser(member):
    client = Client(enforce_csrf_checks=True)
    client.force_login(member)
    return client


def test_reading_needs_no_csrf_token(browser, member):
    assert browser.get("/api/v1/me/").json()["email"] == member.email


@pytest.mark.parametrize("address", ["teams/", "uploads/tus/", "uploads/", "predictions/tus/", "tokens/"])
def test_writing_without_a_csrf_token_is_refused(browser, address):
    assert browser.post(f"/api/v1/{address}", {"name": "x"}, content_type="application/json").status_code == 403


def test_writing_with_a_csrf_token_is_accepted(browser):
    browser.cookies["csrftoken"] = secret = _get_new_csrf_string()
    response = browser.post("/api/v1/teams/", {"name": "x"}, content_type="application/json", headers={"X-CSRFToken": secret})
    assert response.status_code == 201


def test_cookies_are_out_of_reach_of_scripts_and_other_sites(client, member):
    client.post(f"/welcome/{create_sign_in_link(user=member)}/")
    cookie = client.cookies["sessionid"]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
