from datetime import timedelta

from django.utils import timezone

from palmares.teams.models import Token

URL = "/api/v1/tokens/"


def test_it_works(api, member):
    response = api(member).post(URL, {"name": "laptop"})
    assert response.status_code == 201
    client = api(None)
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {response.json()['token']}")
    assert client.get("/api/v1/me/").json()["email"] == member.email


def test_it_is_hashed_at_rest_and_shown_once(api, member):
    token = api(member).post(URL, {"name": "laptop"}).json()["token"]
    row = Token.objects.values().get(name="laptop")
    assert token not in str(row)
    assert token not in api(member).get(URL).content.decode()


def test_a_deleted_token_is_refused(api, member):
    made = api(member).post(URL, {"name": "laptop"}).json()
    assert api(member).delete(f"{URL}{made['id']}/").status_code == 204
    client = api(None)
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {made['token']}")
    assert client.get("/api/v1/me/").status_code == 401


def test_it_expires(api, member):
    client = api(member)
    Token.objects.update(expiry=timezone.now() - timedelta(seconds=1))
    assert client.get("/api/v1/me/").status_code == 401


def test_the_number_of_tokens_is_limited(api, member, settings):
    settings.REST_KNOX = {**settings.REST_KNOX, "TOKEN_LIMIT_PER_USER": 1}
    client = api(member)
    assert client.post(URL, {"name": "one more"}).status_code == 409


def test_tokens_of_other_people_are_not_found(api, member, outsider):
    made = api(member).post(URL, {"name": "laptop"}).json()
    assert api(outsider).get(f"{URL}{made['id']}/").status_code == 404
    assert api(outsider).delete(f"{URL}{made['id']}/").status_code == 404
    assert api(None).get(URL).status_code == 401
    assert api(member).put(URL, {}).status_code == 405


def test_malformed_authorization_headers_are_refused(db, api):
    for header in ("Bearer", "Bearer a b", "Bearer \u00ff", "Basic eDp5", "Bearer " + "x" * 5000):
        client = api(None)
        client.credentials(HTTP_AUTHORIZATION=header)
        assert client.get("/api/v1/me/").status_code == 401


def test_tokens_of_inactive_accounts_are_refused(api, member):
    client = api(member)
    member.is_active = False
    member.save()
    assert client.get("/api/v1/me/").status_code == 401
