"""Attacks on accounts, sessions, tokens and links, and the settings of production against them."""

from __future__ import annotations

import importlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator

import pytest
from django.contrib.auth.hashers import MD5PasswordHasher
from django.core import mail
from django.core.cache import cache
from django.test import Client
from rest_framework.throttling import AnonRateThrottle
from rest_framework.views import APIView

from palmares.teams.access import create_sign_in_link, create_token
from palmares.teams.models import User
from tests.platform.api.test_every_route_is_guarded import GUARDED, address, world  # noqa: F401 - a fixture

API = "/api/v1"
SIGNED_UP = ("/accounts/confirm-email/", "/accounts/login/", "/accounts/signup/", "/accounts/password/reset/")
NOBODYS = "00000000-0000-4000-8000-000000000000"
PASSWORD = "correct horse battery"


class CountingHasher(MD5PasswordHasher):
    """How often a password is hashed, which is most of the time that signing up takes."""

    algorithm = "counting"
    hashed = 0

    def encode(self, password: str, salt: str) -> str:
        CountingHasher.hashed += 1
        return super().encode(password, salt)


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


def without_what_varies(page: str, email: str) -> str:
    page = re.sub('(csrfmiddlewaretoken" value|nonce)="[^"]+"', "", page)
    return re.sub(re.escape(email), "the address", page, flags=re.IGNORECASE)


@pytest.mark.parametrize("taken", ["root@example.org", "Root@Example.org"])
def test_signing_up_is_the_same_for_an_address_that_has_an_account(root, settings, taken):
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"
    settings.PASSWORD_HASHERS = [f"{CountingHasher.__module__}.CountingHasher"]
    password, seen = "a long one 17", []
    for email in (taken, "nobody@example.org"):
        mail.outbox.clear()
        CountingHasher.hashed = 0
        browser = Client()
        answer = browser.post("/accounts/signup/", {"email": email, "password1": password, "password2": password})
        pages = [without_what_varies(browser.get(path).content.decode(), email) for path in SIGNED_UP]
        headers = {key: value for key, value in answer.headers.items() if key not in ("X-Request-ID", "Expires")}
        seen.append((answer.status_code, headers, sorted(browser.cookies), pages, CountingHasher.hashed))
        assert [sent.to for sent in mail.outbox] == [[email.lower()]]
    assert seen[0] == seen[1]
    assert seen[0][-1] == 1
    assert User.objects.filter(email__iexact=taken).count() == 1


def test_without_verification_a_taken_address_is_refused_with_a_sentence(root, settings):
    settings.ACCOUNT_EMAIL_VERIFICATION = "none"
    passwords = {"password1": "a long one 17", "password2": "a long one 17"}
    answer = Client().post("/accounts/signup/", {"email": "Root@example.org", **passwords})
    assert (answer.status_code, "already registered" in answer.content.decode()) == (200, True)
    assert User.objects.count() == 1


@pytest.mark.parametrize(
    ("mail_server", "chosen", "expected"),
    [("smtp://mail", "", "mandatory"), ("smtp://mail", "none", "none"), ("", "", "none"), ("", "optional", "optional")],
)
def test_production_verifies_addresses_where_mail_can_be_sent(mail_server, chosen, expected):
    variables = {
        "EMAIL_URL": mail_server,
        "ACCOUNT_EMAIL_VERIFICATION": chosen,
        "DJANGO_SETTINGS_MODULE": "palmares.settings.production",
    }
    variables |= dict.fromkeys(("SECRET_KEY", "ALLOWED_HOSTS"), "x")
    variables |= {"DATABASE_URL": "postgres://x/x", "REDIS_URL": "redis://x"}
    program = "from django.conf import settings; print(settings.ACCOUNT_EMAIL_VERIFICATION)"
    environment = {**os.environ, **variables}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == expected


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
