"""How many runs and calibrations of a team may be queued or running at the same time."""

from __future__ import annotations

import threading

import pytest
from django.db import connection

from ml.catalog import METHODS
from palmares.queue.models import Status
from palmares.runs import services
from palmares.runs.models import Run
from palmares.teams.open_work import TooMuchOpenWorkError
from palmares.uploads.models import Upload
from tests.factories import RunFactory, SubjectFactory, UploadFactory


@pytest.fixture
def upload(team) -> Upload:
    return UploadFactory(subject__team=team)


@pytest.fixture(autouse=True)
def _two(settings):
    settings.TEAM_OPEN_RUNS = 2


def test_a_run_beyond_the_limit_is_refused_until_another_has_ended(api, member, upload):
    data, client = {"upload": str(upload.pk), "method": "2d-fit"}, api(member)
    assert [client.post("/api/v1/runs/", data).status_code for _ in range(2)] == [201, 201]
    answer = client.post("/api/v1/runs/", data)
    assert (answer.status_code, answer["Retry-After"]) == (429, "60")
    assert "“Ours” has 2 queued and running runs; at most 2" in answer.json()["detail"]
    first = Run.objects.order_by("created_at")[0]
    assert client.post(f"/api/v1/runs/{first.pk}/cancel/").status_code == 200
    assert client.post("/api/v1/runs/", data).status_code == 201
    assert client.post(f"/api/v1/runs/{first.pk}/retry/").status_code == 429


def test_other_teams_and_finished_runs_do_not_count(api, member, outsider, upload):
    RunFactory.create_batch(3, upload__subject__team=outsider.teams.get())
    RunFactory.create_batch(3, upload=upload, status=Status.SUCCEEDED)
    assert api(member).post("/api/v1/runs/", {"upload": str(upload.pk), "method": "2d-fit"}).status_code == 201


def test_people_who_may_not_start_runs_learn_nothing_about_the_limit(api, refusals, upload):
    RunFactory.create_batch(2, upload=upload)
    data = {"upload": str(upload.pk), "method": "2d-fit"}
    assert refusals("post", "/api/v1/runs/", data) == {"anonymous": 401, "outsider": 400, "viewer": 403}


def test_running_all_methods_queues_only_as_many_as_the_limit_allows(client, member, upload):
    client.force_login(member)
    answer = client.post("/uploads/runs/", {"uploads": [str(upload.pk)], "methods": "all"}, follow=True)
    assert f"2 runs queued; {len(METHODS) - 2} left out" in answer.content.decode()
    answer = client.post("/uploads/runs/", {"uploads": [str(upload.pk)], "methods": "all"}, follow=True)
    assert "at most 2 are allowed at the same time" in answer.content.decode()


def test_a_calibration_beyond_the_limit_is_refused(api, member, upload):
    url, data = f"/api/v1/subjects/{upload.subject_id}/calibrations/", {"uploads": [str(upload.pk)]}
    assert [api(member).post(url, data).status_code for _ in range(3)] == [201, 201, 429]


def test_a_sample_clip_beyond_the_limit_is_not_added(client, member, team):
    SubjectFactory(team=team)
    client.force_login(member)
    for _ in range(3):
        client.post("/uploads/sample/", {"team": str(team.pk)})
    assert Upload.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_of_six_simultaneous_requests_two_are_queued(member, upload):
    answers: list[str] = []
    start = threading.Barrier(6)

    def run() -> None:
        start.wait()
        try:
            services.start_run(upload=upload, method="2d-fit", by=member)
            answers.append("queued")
        except TooMuchOpenWorkError:
            answers.append("refused")
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == ["queued"] * 2 + ["refused"] * 4
