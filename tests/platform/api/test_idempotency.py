import threading
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.utils import timezone

from palmares.api.models import IdempotencyKey
from palmares.runs.models import Run
from palmares.teams.services import remove_member
from palmares.uploads.models import Upload

URL = "/api/v1/runs/"


@pytest.fixture
def data(upload):
    return {"upload": str(upload.pk), "method": "2d-fit"}


def post(client, data, key="k1", **kwargs):
    return client.post(kwargs.pop("url", URL), data, headers={"Idempotency-Key": key}, **kwargs)


def test_a_repeated_request_with_the_same_key_makes_one_run(api, member, data):
    first, second = (post(api(member), data) for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    assert second["Idempotency-Replayed"] == "true"
    assert Run.objects.count() == 1


def test_a_different_request_with_the_same_key_is_refused(api, member, data):
    post(api(member), data)
    response = post(api(member), {**data, "method": "mediapipe-ik"})
    assert response.status_code == 422
    assert "new key" in response.json()["detail"]


def test_another_key_or_another_person(api, member, owner, data):
    post(api(member), data)
    post(api(member), data, "k2")
    post(api(owner), data)
    assert Run.objects.count() == 3


def test_a_key_can_be_used_again_after_a_refused_request(api, member, data):
    assert post(api(member), {**data, "method": "magic"}).status_code == 400
    assert post(api(member), data).status_code == 201


@pytest.mark.parametrize("key", ["", "x" * 256, "caf\u00e9"])
def test_invalid_keys_are_refused(api, member, data, key):
    assert post(api(member), data, key).status_code == 400


def test_the_same_key_makes_one_upload(api, member, mp4):
    for content, status in ((mp4, 201), (mp4, 201), (mp4 + b"x", 422)):
        files = {"file": SimpleUploadedFile("a.mp4", content)}
        assert post(api(member), files, url="/api/v1/uploads/", format="multipart").status_code == status
    assert Upload.objects.count() == 1


def test_keys_are_forgotten_after_a_day(api, member, data):
    post(api(member), data)
    IdempotencyKey.objects.update(created_at=timezone.now() - timedelta(days=2))
    post(api(member), data)
    assert Run.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_sent_at_the_same_time(api, member, data):
    clients, answers = [api(member) for _ in range(5)], []

    def send(client):
        try:
            answers.append(post(client, data))
        finally:
            connection.close()

    threads = [threading.Thread(target=send, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {a.status_code for a in answers} == {201}
    assert len({a.json()["id"] for a in answers}) == 1
    assert Run.objects.count() == 1


def test_the_stored_answer_is_removed_with_the_object_that_it_describes(api, member, data):
    made = post(api(member), data).json()
    Run.objects.get(pk=made["id"]).delete()
    answer = post(api(member), data)
    assert (answer.status_code, Run.objects.count()) == (410, 0)
    assert made["id"] not in str(IdempotencyKey.objects.values().get())


def test_the_stored_answer_is_not_given_to_a_person_who_has_lost_access(api, member, team, data):
    post(api(member), data)
    remove_member(membership=team.memberships.get(user=member), by=member)
    answer = post(api(member), data)
    assert (answer.status_code, "upload" in answer.json()) == (410, False)
