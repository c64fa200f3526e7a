import pytest

BETAS = [0.5, -1.0, 0, 0, 0, 0, 0, 0, 0, 2.0]


@pytest.fixture
def url(subject):
    return f"/api/v1/subjects/{subject.pk}/hand-shapes/"


def test_it_works(api, member, url):
    response = api(member).post(url, {"betas": BETAS, "source": "measured", "side": "left", "length_mm": 187.5})
    assert response.status_code == 201
    shape = api(member).get(f"{url}{response.json()['id']}/").json()
    assert (shape["betas"], shape["length_mm"], shape["source"]) == (BETAS, 187.5, "measured")
    assert len(api(member).get(url).json()["results"]) == 1


@pytest.mark.parametrize(
    "data",
    [
        {"betas": BETAS[:9]},
        {"betas": [*BETAS, 1.0]},
        {"betas": ["x"] * 10},
        {"betas": [1e9] * 10},
        {"betas": BETAS, "source": "calibrated"},
        {"betas": BETAS, "length_mm": 0.187},
        {"betas": BETAS, "side": "up"},
        {"betas": BETAS, "hand_model": "open-1"},
        {},
    ],
)
def test_it_refuses(api, member, url, data):
    response = api(member).post(url, data)
    assert response.status_code == 400
    assert response.json()["errors"]


def test_not_a_number(api, member, url):
    body = '{"betas": [NaN,0,0,0,0,0,0,0,0,0]}'
    assert api(member).post(url, body, content_type="application/json").status_code == 400


def test_outsiders_are_refused_and_viewers_may_only_read(refusals, url):
    assert refusals("post", url, {"betas": BETAS}) == {"anonymous": 401, "outsider": 404, "viewer": 403}
    assert refusals("get", url) == {"anonymous": 401, "outsider": 404, "viewer": 200}


def test_wrong_method(api, member, url):
    assert api(member).put(url, {}).status_code == 405
