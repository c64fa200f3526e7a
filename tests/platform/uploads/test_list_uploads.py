import pytest

from palmares.queue.models import Status
from tests.factories import SubjectFactory, UploadFactory

URL = "/api/v1/uploads/"
STATES = {
    "receiving": {"status": Status.QUEUED, "received_at": None},
    "queued": {"status": Status.QUEUED},
    "ingesting": {"status": Status.RUNNING},
    "ready": {"status": Status.SUCCEEDED},
    "failed": {"status": Status.FAILED},
    "cancelled": {"status": Status.CANCELLED},
}


@pytest.mark.parametrize("name", STATES)
def test_by_status(api, member, subject, name):
    for fields in STATES.values():
        UploadFactory(subject=subject, **fields)
    found = api(member).get(URL, {"status": name}).json()["results"]
    assert [u["status"] for u in found] == [name]


def test_by_subject_and_team(api, member, upload):
    UploadFactory(subject=SubjectFactory(team=upload.subject.team))
    assert len(api(member).get(URL, {"team": str(upload.subject.team_id)}).json()["results"]) == 2
    found = api(member).get(URL, {"subject": str(upload.subject_id)}).json()["results"]
    assert [u["id"] for u in found] == [str(upload.pk)]


@pytest.mark.parametrize("query", [{"status": "nonsense"}, {"subject": "x"}, {"cursor": "nonsense"}, {"subject": "\x00"}])
def test_invalid_filters_are_refused(api, member, query):
    assert api(member).get(URL, query).status_code in (400, 404)


def test_others_see_nothing(api, outsider, upload):
    assert api(outsider).get(URL).json()["results"] == []
    assert api(outsider).get(URL, {"subject": str(upload.subject_id)}).json()["results"] == []
    assert api(None).get(URL).status_code == 401


def test_detail(api, member, upload):
    body = api(member).get(f"{URL}{upload.pk}/").json()
    assert body["status"] == "ready"
    assert body["duration"] == 5.0
    assert body["place"] is None
    assert body["media"]["web_video"] == f"{URL}{upload.pk}/media/web.mp4"


def test_place_in_the_queue(api, member, subject):
    uploads = [UploadFactory(subject=subject, status=Status.QUEUED) for _ in range(3)]
    assert [api(member).get(f"{URL}{u.pk}/").json()["place"] for u in uploads] == [1, 2, 3]


def test_detail_is_not_for_others(refusals, upload):
    assert refusals("get", f"{URL}{upload.pk}/") == {"anonymous": 401, "outsider": 404, "viewer": 200}


def test_a_malformed_id_is_not_found(api, member):
    response = api(member).get(f"{URL}not-a-uuid/")
    assert response.status_code == 404
    assert response["Content-Type"] == "application/problem+json"


def test_queries_do_not_grow(api, member, subject, django_assert_num_queries):
    client = api(member)
    for count in (2, 20):
        UploadFactory.create_batch(count, subject=subject, status=Status.QUEUED)
        with django_assert_num_queries(3):  # token, its owner's other tokens, uploads
            client.get(URL)
