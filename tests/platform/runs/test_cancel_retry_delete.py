import pytest
from django.core.files.storage import default_storage

from palmares.queue.models import Status
from palmares.runs.models import Prediction, Run


@pytest.fixture
def url(run):
    return f"/api/v1/runs/{run.pk}/"


@pytest.mark.parametrize("action", ["cancel", "retry"])
class TestBoth:
    def test_outsiders_and_viewers_are_refused(self, refusals, url, action):
        assert refusals("post", f"{url}{action}/") == {"anonymous": 401, "outsider": 404, "viewer": 403}

    def test_wrong_method(self, api, member, url, action):
        assert api(member).get(f"{url}{action}/").status_code == 405

    def test_a_finished_run_is_refused(self, api, member, url, action):
        Run.objects.update(status=Status.SUCCEEDED)
        assert api(member).post(f"{url}{action}/").status_code == 409


def test_cancel(api, member, url):
    assert api(member).post(f"{url}cancel/").json()["status"] == "cancelled"


def test_retry(api, member, url):
    Run.objects.update(status=Status.FAILED, error="why")
    body = api(member).post(f"{url}retry/").json()
    assert (body["status"], body["error"]) == ("queued", "")


def test_deleting_a_run_deletes_its_files(api, member, url, finished_run, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        assert api(member).delete(url).status_code == 204
    assert not Prediction.objects.exists()
    assert not default_storage.exists(f"runs/{finished_run.pk}")


def test_outsiders_and_viewers_cannot_delete(refusals, url):
    assert refusals("delete", url) == {"anonymous": 401, "outsider": 404, "viewer": 403}
