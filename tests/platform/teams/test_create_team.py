URL = "/api/v1/teams/"


def test_it_works(api, outsider):
    response = api(outsider).post(URL, {"name": "New"})
    assert response.status_code == 201
    assert response.json()["role"] == "owner"


def test_a_name_is_required(api, outsider):
    response = api(outsider).post(URL, {"name": " "})
    assert response.status_code == 400
    assert "name" in response.json()["errors"]


def test_anonymous(api, db):
    assert api(None).post(URL, {"name": "New"}).status_code == 401


def test_wrong_method(api, outsider):
    assert api(outsider).put(URL, {}).status_code == 405


def test_list_shows_own_teams_only(api, team, member, outsider):
    assert [t["name"] for t in api(member).get(URL).json()["results"]] == ["Ours"]
    assert [t["name"] for t in api(outsider).get(URL).json()["results"]] == ["Theirs"]
