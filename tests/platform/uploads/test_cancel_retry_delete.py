import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from palmares.queue.models import Status
from palmares.uploads.models import Upload


@pytest.fixture
def url(upload):
    return f"/api/v1/uploads/{upload.pk}/"


def in_state(upload, status, **fields):
    Upload.objects.filter(pk=upload.pk).update(status=status, **fields)


class TestCancel:
    def test_it_works(self, api, member, url, upload):
        in_state(upload, Status.QUEUED)
        assert api(member).post(f"{url}cancel/").json()["status"] == "cancelled"

    def test_a_running_one_is_asked_to_stop(self, api, member, url, upload):
        in_state(upload, Status.RUNNING)
        assert api(member).post(f"{url}cancel/").status_code == 200
        assert Upload.objects.get().cancel_requested

    def test_cancelling_a_finished_upload_is_refused(self, api, member, url):
        response = api(member).post(f"{url}cancel/")
        assert response.status_code == 409
        assert response["Content-Type"] == "application/problem+json"

    def test_outsiders_and_viewers_are_refused(self, refusals, url):
        assert refusals("post", f"{url}cancel/") == {"anonymous": 401, "outsider": 404, "viewer": 403}

    def test_wrong_method(self, api, member, url):
        assert api(member).get(f"{url}cancel/").status_code == 405


class TestRetry:
    def test_it_works(self, api, member, url, upload):
        in_state(upload, Status.FAILED, error="No frames.")
        body = api(member).post(f"{url}retry/").json()
        assert (body["status"], body["error"]) == ("queued", "")

    def test_nothing_to_retry(self, api, member, url):
        assert api(member).post(f"{url}retry/").status_code == 409

    def test_an_upload_whose_file_was_refused_cannot_be_retried(self, api, member, url, upload):
        in_state(upload, Status.FAILED, source="")
        response = api(member).post(f"{url}retry/")
        assert response.status_code == 409
        assert "upload it again" in response.json()["detail"]

    def test_outsiders_and_viewers_are_refused(self, refusals, url):
        assert refusals("post", f"{url}retry/") == {"anonymous": 401, "outsider": 404, "viewer": 403}

    def test_wrong_method(self, api, member, url):
        assert api(member).get(f"{url}retry/").status_code == 405


class TestDelete:
    def test_deleting_an_upload_deletes_its_files_and_runs(
        self, api, member, url, upload, finished_run, django_capture_on_commit_callbacks
    ):
        with django_capture_on_commit_callbacks(execute=True):
            assert api(member).delete(url).status_code == 204
        assert not default_storage.exists(f"uploads/{upload.pk}")
        assert not default_storage.exists(finished_run.prediction.folder)
        assert api(member).get(url).status_code == 404

    def test_files_of_others_stay(self, api, member, url, finished_run, django_capture_on_commit_callbacks):
        default_storage.save("uploads/another/source.mp4", ContentFile(b"x"))
        with django_capture_on_commit_callbacks(execute=True):
            api(member).delete(url)
        assert default_storage.listdir("uploads")[0] == ["another"]

    def test_outsiders_and_viewers_are_refused(self, refusals, url):
        assert refusals("delete", url) == {"anonymous": 401, "outsider": 404, "viewer": 403}
