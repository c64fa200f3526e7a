import pytest

from palmares.queue.models import Status
from tests.factories import RunFactory, UploadFactory

URL = "/api/v1/runs/"


def ids(response):
    return {run["id"] for run in response.json()["results"]}


def test_filters(api, member, run, finished_run, subject):
    other = RunFactory(upload=UploadFactory(subject=subject), method="mediapipe-ik", status=Status.FAILED)
    client = api(member)
    assert ids(client.get(URL)) == {str(run.pk), str(other.pk)}
    assert ids(client.get(URL, {"upload": str(run.upload_id)})) == {str(run.pk)}
    assert ids(client.get(URL, {"method": "mediapipe-ik"})) == {str(other.pk)}
    assert ids(client.get(URL, {"status": "succeeded"})) == {str(run.pk)}
    assert ids(client.get(URL, {"subject": str(subject.pk), "team": str(subject.team_id)})) == {str(run.pk), str(other.pk)}


@pytest.mark.parametrize("query", [{"status": "nonsense"}, {"upload": "x"}])
def test_invalid_filters_are_refused(api, member, query):
    assert api(member).get(URL, query).status_code == 400


def test_a_method_that_nobody_ran_here_has_no_runs(api, member, run):
    assert ids(api(member).get(URL, {"method": "magic"})) == set()


def test_others_see_nothing(api, outsider, run):
    assert ids(api(outsider).get(URL)) == set()
    assert api(None).get(URL).status_code == 401


def test_detail(api, viewer, finished_run):
    body = api(viewer).get(f"{URL}{finished_run.pk}/").json()
    assert body["prediction"]["rows"] == 5
    assert body["links"]["track"] == f"{URL}{finished_run.pk}/track/"
    assert body["place"] is None


def test_detail_is_not_for_others(refusals, run):
    assert refusals("get", f"{URL}{run.pk}/") == {"anonymous": 401, "outsider": 404, "viewer": 200}


def test_queries_do_not_grow(api, member, upload, django_assert_num_queries):
    client = api(member)
    for count in (2, 20):
        RunFactory.create_batch(count, upload=upload)
        with django_assert_num_queries(3):  # token, its owner's other tokens, runs
            client.get(URL)


def test_methods(api, viewer):
    methods = api(viewer).get("/api/v1/methods/").json()
    assert {"mediapipe-ik", "2d-fit"} <= {m["name"] for m in methods}
    assert all(m["citation"] and m["colour"] for m in methods)
    assert api(None).get("/api/v1/methods/").status_code == 401
    assert api(viewer).post("/api/v1/methods/").status_code == 405
