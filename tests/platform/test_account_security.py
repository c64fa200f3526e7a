"""Attacks on accounts, sessions, tokens and links, and the settings of production against them."""

from __future__ import annotations

import importlib
from collections.abc import Iterator

import pytest
from django.core import mail
from django.core.cache import cache
from django.test import Client
from rest_framework.throttling import AnonRateThrottle
from rest_framework.views import APIView

from palmares.teams.access import create_sign_in_link, create_token
from palmares.teams.models import User
from tests.platform.api.test_every_route_is_guarded import GUARDED, address, world  # noqa: F401 - a fixture

API = "/api/v1"
NOBODYS = "00000000-0000-4000-8000-000000000000"
PASSWORD = "correct horse battery"


@pytest.fixture
def root(db) -> Iterator[User]:
    cache.clear()
    yield User.objects.create_superuser("root@example.org", PASSWORD)
    cache.clear()


def test_the_admin_login_shares_the_limit_on_failed_attempts(client, root):
    for _ in range(12):
        client.post("/admin/login/", {"username": root.email, "password": "wrong"})
    client.post("/admin/login/", {"username": root.email, "password": PASSWORD})
    assert "_auth_user_id" not in client.session
    assert client.get("/admin/login/")["Location"].startswith("/accounts/login/")


def test_no_redirect_after_signing_in_leaves_the_site(client, root):
    for after in ("https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", "\thttps://x.y"):
        answer = client.post("/accounts/login/", {"login": root.email, "password": PASSWORD, "next": after})
        assert answer["Location"] == "/"
        assert client.post("/teams/choice/", {"next": after})["Location"] == "/"
        assert client.post("/accounts/logout/", {"next": after})["Location"] == "/accounts/login/"


def test_signing_in_starts_a_new_session(client, root, member):
    link, form = f"/welcome/{create_sign_in_link(user=member)}/", {"login": root.email, "password": PASSWORD}
    for sign_in in (lambda: client.post(link), lambda: client.post("/accounts/login/", form)):
        thief, session = Client(), Client().session
        session["x"] = 1
        session.save()
        for browser in (client, thief):
            browser.cookies["sessionid"] = session.session_key
        assert sign_in()["Location"] == "/"
        assert client.session.session_key != session.session_key
        assert thief.get("/account/").status_code == 302


def test_forms_do_not_tell_which_emails_have_accounts(root, settings):
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"
    passwords = {"password1": "a long one 17", "password2": "a long one 17"}
    for path, form in (("/accounts/password/reset/", {}), ("/accounts/signup/", passwords)):
        answers = [Client().post(path, {"email": email, **form}) for email in (root.email, "nobody@example.org")]
        assert len({(a.status_code, a.get("Location")) for a in answers}) == 1, path


def test_requests_from_other_sites_are_refused(world, owner):  # noqa: F811
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(owner)
    for route, pattern in GUARDED:
        url = address(pattern, route, world)
        for method in ("post", "put", "patch", "delete"):
            answer = getattr(browser, method)(url, HTTP_TUS_RESUMABLE="1.0.0", HTTP_ORIGIN="https://evil.example")
            assert answer.status_code in (403, 405), f"{method} {url}: {answer.status_code}"


def test_tokens_are_accepted_only_in_their_header_and_never_logged(api, member, caplog):
    token, stray = create_token(user=member, name="x")[1], Client()
    stray.cookies["Authorization"] = stray.cookies["token"] = f"Bearer {token}"
    for name in ("token", "access_token", "auth_token", "authorization", "bearer"):
        assert stray.get(f"{API}/me/", {name: token}).status_code == 401
    caplog.clear()
    with caplog.at_level(0):
        for path in ("me/", "nothing/", f"uploads/{NOBODYS}/"):
            for end in ("", "x"):
                Client().get(f"{API}/{path}", headers={"Authorization": f"Bearer {token}{end}"})
    assert token not in caplog.text


def test_links_never_use_a_forged_host(api, client, team, owner, root, django_capture_on_commit_callbacks):
    url = f"{API}/teams/{team.pk}/invitations/"
    assert api(owner).post(url, {"email": "x@example.org"}, HTTP_HOST="evil.example").status_code == 400
    client.post("/accounts/password/reset/", {"email": root.email}, HTTP_HOST="evil.example")
    forged = {"HTTP_X_FORWARDED_HOST": "evil.example", "HTTP_FORWARDED": "host=evil.example", "HTTP_X_HOST": "evil.example"}
    with django_capture_on_commit_callbacks(execute=True):
        assert "evil" not in api(owner).post(url, {"email": "x@example.org"}, **forged).content.decode()
        client.post("/accounts/password/reset/", {"email": root.email}, **forged)
    assert ["evil" in sent.body for sent in mail.outbox] == [False, False]


def test_forged_client_addresses_do_not_evade_the_throttle(client, db, monkeypatch):
    cache.clear()
    monkeypatch.setattr(APIView, "throttle_classes", [AnonRateThrottle])
    monkeypatch.setattr(AnonRateThrottle, "rate", "3/min", raising=False)
    codes = [client.get("/api/docs/", HTTP_X_FORWARDED_FOR=f"10.0.0.{n}").status_code for n in range(5)]
    cache.clear()
    assert codes == [200, 200, 200, 429, 429]


def test_production_requires_https_and_protects_cookies(client, db, settings, monkeypatch, member):
    for name in ("SECRET_KEY", "ALLOWED_HOSTS", "DATABASE_URL", "REDIS_URL"):
        monkeypatch.setenv(name, "x")
    production = importlib.import_module("palmares.settings.production")
    for name in dir(production):
        if name.startswith(("SECURE_", "SESSION_COOKIE", "CSRF_COOKIE", "X_FRAME")):
            setattr(settings, name, getattr(production, name))
    assert client.get("/accounts/login/")["Location"].startswith("https://")
    answer = client.post(f"/welcome/{create_sign_in_link(user=member)}/", secure=True)
    assert int(answer["Strict-Transport-Security"].split("=")[1].split(";")[0]) >= 31_536_000
    assert (answer["Referrer-Policy"], answer["X-Content-Type-Options"]) == ("same-origin", "nosniff")
    assert (answer["X-Frame-Options"], "frame-ancestors 'self'" in answer["Content-Security-Policy"]) == ("SAMEORIGIN", True)
    client.get("/accounts/password/change/", secure=True)
    assert all(cookie["secure"] and cookie["samesite"] == "Lax" for cookie in client.cookies.values())
    assert client.cookies["sessionid"]["httponly"]
