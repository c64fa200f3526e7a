import pytest


@pytest.mark.parametrize("url", ["/api/v1/nothing/", "/api/nothing", "/api/v1/uploads/x/"])
def test_no_such_address(client, db, url):
    response = client.get(url)
    assert response.status_code == 404
    assert response["Content-Type"] == "application/problem+json"
    assert response.json()["title"] == "Not Found"


def test_bodies_that_cannot_be_read(api, member):
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


def test_an_error_of_ours_shows_nothing_of_its_inside(api, member, monkeypatch):
    def broken(**_):
        raise RuntimeError("secret inside")

    monkeypatch.setattr("palmares.teams.services.create_team", broken)
    client = api(member)
    client.raise_request_exception = False
    response = client.post("/api/v1/teams/", {"name": "x"})
    assert response.status_code == 500
    assert response["Content-Type"] == "application/problem+json"
    assert "secret" not in response.content.decode()
