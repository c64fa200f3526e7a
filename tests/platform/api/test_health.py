from datetime import timedelta

import pytest
from django.utils import timezone

from palmares.queue.models import Status
from tests.factories import UploadFactory


@pytest.mark.django_db(transaction=True)
def test_all_is_well(client):
    response = client.get("/health/")
    assert response.status_code == 200
    assert response.json() == dict.fromkeys(("database", "storage", "redis", "disk", "pages", "queue"), "working")


@pytest.mark.django_db(transaction=True)
def test_a_queue_that_does_not_move_is_reported_as_503(client, subject):
    UploadFactory(subject=subject, status=Status.QUEUED, queued_at=timezone.now() - timedelta(hours=2))
    response = client.get("/health/")
    assert response.status_code == 503
    assert "start (more) workers" in response.json()["queue"]


@pytest.mark.django_db(transaction=True)
def test_an_unreachable_redis_is_reported_as_503(client, settings):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    assert client.get("/health/").status_code == 503


@pytest.mark.django_db(transaction=True)
def test_a_disk_that_is_nearly_full(client, settings):
    settings.MIN_FREE_BYTES = 1 << 62
    response = client.get("/health/")
    assert response.status_code == 503
    assert "MIN_FREE_BYTES" in response.json()["disk"]
    assert response.json()["storage"] == "working"


@pytest.mark.django_db(transaction=True)
def test_a_web_whose_static_files_were_not_collected(client, settings, tmp_path):
    settings.STATIC_ROOT = tmp_path / "static"
    settings.STATIC_ROOT.mkdir()
    settings.STORAGES = settings.STORAGES | {
        "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"}
    }
    response = client.get("/health/")
    assert response.status_code == 503
    assert "collectstatic" in response.json()["pages"]


def test_wrong_method(client, db):
    assert client.post("/health/").status_code == 405
