import socket

import psycopg
import pytest
from django.db import connection
from rest_framework.throttling import UserRateThrottle

from palmares.teams.viewsets import MeView


@pytest.mark.parametrize("url", ["/api/v1/nothing/", "/api/nothing", "/api/v1/uploads/x/"])
def test_no_such_address(client, db, url):
    response = client.get(url)
    assert response.status_code == 404
    assert response["Content-Type"] == "application/problem+json"
    assert response.json()["title"] == "Not Found"


def test_malformed_bodies_are_answered_400(api, member):
    for body in ("{", "[" * 50_000, '{"team": "\\ud800"}', "\x00", b"\xff\xfe"):
        response = api(member).post("/api/v1/subjects/", body, content_type="application/json")
        assert response.status_code == 400
        assert response["Content-Type"] == "application/problem+json"


def test_null_characters(api, member, team):
    assert api(member).post("/api/v1/subjects/", {"team": str(team.pk), "name": "a\x00b"}).status_code == 400


def test_a_field_that_is_wrong_is_named(api, member):
    body = api(member).post("/api/v1/subjects/", {"name": "x"}).json()
    assert body["errors"] == {"team": ["This field is required."]}
    assert body["detail"] == "team: This field is required."
    assert body["status"] == 400


def test_an_internal_error_shows_no_details(api, member, monkeypatch):
    def broken(**_):
        raise RuntimeError("secret inside")

    monkeypatch.setattr("palmares.teams.services.create_team", broken)
    client = api(member)
    client.raise_request_exception = False
    response = client.post("/api/v1/teams/", {"name": "x"})
    assert response.status_code == 500
    assert response["Content-Type"] == "application/problem+json"
    assert "secret" not in response.content.decode()


def test_while_redis_is_away_callers_are_asked_to_try_again(api, member, settings, monkeypatch):
    client = api(member)
    monkeypatch.setattr(MeView, "throttle_classes", [UserRateThrottle])  # which tests do without, and which asks Redis
    with socket.socket() as probe:  # a port at which nobody listens
        probe.bind(("127.0.0.1", 0))
        address = f"redis://127.0.0.1:{probe.getsockname()[1]}/0"
        settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": address}}
        response = client.get("/api/v1/me/")
    assert (response.status_code, response["Retry-After"]) == (503, "5")
    assert "127.0.0.1" not in response.content.decode()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("url", ["/api/v1/me/", "/"])
def test_while_the_database_is_unreachable_callers_are_asked_to_try_again(api, client, member, url):
    client.force_login(member)
    asking = api(member) if url.startswith("/api/") else client
    asking.raise_request_exception = False
    own = connection.connection.info.backend_pid
    with psycopg.connect(
        host=connection.settings_dict["HOST"], user="postgres", dbname=connection.settings_dict["NAME"], autocommit=True
    ) as other:
        other.execute("SELECT pg_terminate_backend(%s)", [own])
    response = asking.get(url)
    connection.close()
    assert (response.status_code, response["Retry-After"]) == (503, "5")
    assert "terminat" not in response.content.decode()
