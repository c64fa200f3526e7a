import pytest
from django.core.files.storage import default_storage

from palmares.runs.models import Run
from palmares.subjects.models import Subject
from palmares.teams.models import Team
from palmares.uploads.models import Upload


@pytest.fixture
def url(team):
    return f"/api/v1/teams/{team.pk}/"


def test_an_owner_renames(api, url, owner):
    assert api(owner).patch(url, {"name": "Renamed"}).json()["name"] == "Renamed"


def test_an_owner_deletes_with_all_files(api, url, owner, finished_run, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        assert api(owner).delete(url).status_code == 204
    assert not any(model.objects.exists() for model in (Subject, Upload, Run))
    assert not Team.objects.filter(name="Ours").exists()
    assert default_storage.listdir("uploads")[0] == []
    assert default_storage.listdir("runs")[0] == []


@pytest.mark.parametrize("method", ["patch", "delete"])
def test_others_may_not(api, refusals, url, member, method):
    assert refusals(method, url, {"name": "x"}) == {"anonymous": 401, "outsider": 404, "viewer": 403}
    assert getattr(api(member), method)(url, {"name": "x"}).status_code == 403


def test_wrong_method(api, url, owner):
    assert api(owner).put(url, {"name": "x"}).status_code == 405
