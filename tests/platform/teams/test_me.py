URL = "/api/v1/me/"


def test_it_works(api, member):
    me = api(member).get(URL).json()
    assert me["email"] == member.email
    assert [(t["name"], t["role"]) for t in me["teams"]] == [("Ours", "member")]


def test_the_name_can_be_changed_the_address_cannot(api, member):
    me = api(member).patch(URL, {"first_name": "Ada", "email": "x@example.org"}).json()
    assert (me["first_name"], me["email"]) == ("Ada", member.email)


def test_anonymous(api, db):
    response = api(None).get(URL)
    assert response.status_code == 401
    assert response["Content-Type"] == "application/problem+json"
    assert response["WWW-Authenticate"] == "Bearer"


def test_wrong_method(api, member):
    assert api(member).post(URL, {}).status_code == 405
