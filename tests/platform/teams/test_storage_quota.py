"""What a team's files may take together: refused beforehand, shown to its members, and never exceeded by two at once."""

from __future__ import annotations

import threading

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection

from palmares.benchmarks.models import Truth
from palmares.queue.models import Status
from palmares.submissions.models import Submission
from palmares.teams.models import Team
from palmares.teams.storage_quota import StorageQuotaError, storage_use
from palmares.uploads import resumable
from palmares.uploads.models import Upload
from tests.factories import SubjectFactory, UploadFactory
from tests.predictions import zipped
from tests.scored_benchmarks import SEQUENCES

ANNOUNCE = {"HTTP_TUS_RESUMABLE": "1.0.0", "HTTP_UPLOAD_METADATA": "filename aGFuZHMubXA0"}
BENCHMARK = "/api/v1/benchmarks/contest-of-ours/"


@pytest.fixture
def full(team):
    """The team may store what it has stored, and 500 bytes more."""
    team.storage_limit_bytes = storage_use(team).used + 500
    team.save()
    return team


def test_files_beyond_the_quota_are_refused_by_every_endpoint_with_the_used_and_allowed_size(api, contest, owner, full):
    truths = Truth.objects.count()
    big = SimpleUploadedFile("hands.mp4", b"\0\0\0\x18ftypisom" + b"x" * 1000)
    prediction = zipped(**SEQUENCES)
    for url, fields in (
        ("/api/v1/uploads/", {"file": big, "team": str(full.pk)}),
        (f"{BENCHMARK}submissions/", {"file": SimpleUploadedFile("pred.zip", prediction), "method": "m"}),
        (f"{BENCHMARK}truths/", {"file": SimpleUploadedFile("truth.zip", prediction)}),
    ):
        answer = api(owner).post(url, fields, format="multipart")
        assert answer.status_code == 413, url
        assert "that it may store" in answer.json()["detail"]
        assert "Ours" in answer.json()["detail"]
    answer = api(owner).post("/api/v1/uploads/tus/", HTTP_UPLOAD_LENGTH="501", **ANNOUNCE)
    assert answer.status_code == 413
    assert "has 501 bytes" in answer.json()["detail"]
    assert (Upload.objects.count(), Submission.objects.count(), Truth.objects.count()) == (0, 0, truths)
    assert api(owner).post("/api/v1/uploads/tus/", HTTP_UPLOAD_LENGTH="500", **ANNOUNCE).status_code == 201


def test_announced_uploads_count_and_deleted_ones_do_not(api, member, team, settings, media_root):
    settings.TEAM_STORAGE_BYTES = 1000
    client = api(member)
    first = client.post("/api/v1/uploads/tus/", HTTP_UPLOAD_LENGTH="600", **ANNOUNCE)
    assert client.post("/api/v1/uploads/tus/", HTTP_UPLOAD_LENGTH="600", **ANNOUNCE).status_code == 413
    assert client.delete(first["Location"], HTTP_TUS_RESUMABLE="1.0.0").status_code == 204
    assert client.post("/api/v1/uploads/tus/", HTTP_UPLOAD_LENGTH="600", **ANNOUNCE).status_code == 201
    assert client.get(f"/api/v1/teams/{team.pk}/storage/").json() == {"used": 600, "limit": 1000}


def test_refused_files_use_no_storage(team):
    UploadFactory(subject__team=team, status=Status.FAILED, source="", size_bytes=700)
    UploadFactory(subject__team=team, status=Status.FAILED, source="uploads/x/source.mp4", size_bytes=30)
    UploadFactory(size_bytes=5)
    assert storage_use(team).used == 30


def test_a_team_has_the_limit_of_the_settings_or_its_own(team, settings):
    settings.TEAM_STORAGE_BYTES = 50
    assert storage_use(team).limit == 50
    settings.TEAM_STORAGE_BYTES = 0
    assert storage_use(team).limit is None
    team.storage_limit_bytes = 0
    assert storage_use(team).limit == 0


def test_members_see_it_and_nobody_else(api, client, team, viewer, outsider):
    team.storage_limit_bytes = 2000
    team.save()
    UploadFactory(subject__team=team, source="x", size_bytes=500)
    url = f"/api/v1/teams/{team.pk}/storage/"
    assert (api(viewer).get(url).status_code, api(outsider).get(url).status_code, api().get(url).status_code) == (200, 404, 401)
    client.force_login(viewer)
    page = client.get(f"/teams/{team.pk}/").content.decode().replace("\xa0", " ")
    assert "500 bytes used of 2.0 KB (25%)" in page
    assert '<progress max="100" value="25.0"' in page
    client.force_login(outsider)
    assert client.get(f"/teams/{team.pk}/").status_code == 404


def test_the_limit_cannot_be_changed_through_the_api(api, owner, team):
    api(owner).patch(f"/api/v1/teams/{team.pk}/", {"name": "Ours", "storage_limit_bytes": 10**15})
    assert Team.objects.get(pk=team.pk).storage_limit_bytes is None


@pytest.mark.django_db(transaction=True)
def test_simultaneous_uploads_cannot_exceed_the_quota(member, team, media_root, settings):
    settings.TEAM_STORAGE_BYTES = 1000
    subject = SubjectFactory(team=team)
    people, start = [member, *(m.user for m in team.memberships.exclude(user=member))], threading.Barrier(6)
    answers: list[str] = []

    def announce() -> None:
        start.wait()
        try:
            resumable.begin(by=people[0], name="hands.mp4", size=400, subject=subject)
            answers.append("taken")
        except StorageQuotaError:
            answers.append("refused")
        finally:
            connection.close()

    threads = [threading.Thread(target=announce) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == ["refused"] * 4 + ["taken"] * 2
    assert storage_use(team).used == 800
