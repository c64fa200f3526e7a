import pytest
from django.core.files.storage import default_storage

from palmares.queue.models import Status
from palmares.runs.models import Prediction, Run


@pytest.fixture
def url(run):
    return f"/api/v1/runs/{run.pk}/"


@pytest.mark.parametrize("action", ["cancel", "retry"])
class TestBoth:
    def test_who_may_not(self, refusals, url, action):
        assert refusals("post", f"{url}{action}/") == {"anonymous": 401, "outsider": 404, "viewer": 403}

    def test_wrong_method(self, api, member, url, action):
        assert api(member).get(f"{url}{action}/").status_code == 405

    def test_it_is_over(self, api, member, url, action):
        Run.objects.update(status=Status.SUCCEEDED)
        assert api(member).post(f"{url}{action}/").status_code == 409


def test_cancel(api, member, url):
    assert api(member).post(f"{url}cancel/").json()["status"] == "cancelled"


def test_retry(api, member, url):
    Run.objects.update(status=Status.FAILED, error="why")
    body = api(member).post(f"{url}retry/").json()
    assert (body["status"], body["error"]) == ("queued", "")


def test_delete_takes_the_files_along(api, member, url, finished_run, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        assert api(member).delete(url).status_code == 204
    assert not Prediction.objects.exists()
    assert not default_storage.exists(f"runs/{finished_run.pk}")


def test_who_may_not_delete(refusals, url):
    assert refusals("delete", url) == {"anonymous": 401, "outsider": 404, "viewer": 403}
