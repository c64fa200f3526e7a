"""A disk that is full, or nearly: files are refused with a reason, and nothing is stored."""

import errno
import os
import shutil
from types import SimpleNamespace

import pytest
from django.core.files.storage import FileSystemStorage
from django.core.files.uploadedfile import SimpleUploadedFile

from palmares.benchmarks.models import Truth
from palmares.submissions.models import PendingFile, Submission
from palmares.uploads.models import Upload

TUS = {"HTTP_TUS_RESUMABLE": "1.0.0"}
NAME = "filename aGFuZHMubXA0"  # hands.mp4
PREDICTION = "filename cHJlZC56aXA="  # pred.zip
BENCHMARK = "/api/v1/benchmarks/contest-of-ours/"


@pytest.fixture
def disk(monkeypatch, settings):
    """A disk with 1000 bytes above the reserve; the number can be changed."""
    usage = SimpleNamespace(total=1 << 40, used=0, free=settings.MIN_FREE_BYTES + 1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    return usage


def is_refused(answer) -> bool:
    body = answer.json()
    assert answer["Content-Type"] == "application/problem+json"
    assert "/" not in body["detail"]
    return answer.status_code == 507 and body["title"] == "Insufficient Storage" and "space" in body["detail"]


def file(name: str) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, b"x" * 1001)


def test_files_sent_in_one_request_are_refused(api, contest, owner, disk):
    kept = Truth.objects.count()
    for url, fields in (
        ("/api/v1/uploads/", {"file": file("hands.mp4")}),
        (f"{BENCHMARK}submissions/", {"file": file("pred.zip"), "method": "m"}),
        (f"{BENCHMARK}truths/", {"file": file("truth.zip")}),
    ):
        assert is_refused(api(owner).post(url, fields, format="multipart")), url
    assert not Upload.objects.exists()
    assert not Submission.objects.exists()
    assert Truth.objects.count() == kept


@pytest.mark.parametrize(("url", "name"), [("uploads", NAME), ("predictions", PREDICTION)])
def test_announced_files_and_their_chunks_are_refused(api, member, db, disk, url, name):
    client = api(member)
    announce = {"HTTP_UPLOAD_METADATA": name, **TUS}
    assert is_refused(client.post(f"/api/v1/{url}/tus/", HTTP_UPLOAD_LENGTH="1001", **announce))
    assert not Upload.objects.exists()
    assert not PendingFile.objects.exists()
    place = client.post(f"/api/v1/{url}/tus/", HTTP_UPLOAD_LENGTH="1000", **announce)["Location"]
    disk.free -= 1
    sent = {"content_type": "application/offset+octet-stream", "HTTP_UPLOAD_OFFSET": "0", **TUS}
    assert is_refused(client.generic("PATCH", place, b"x" * 10, **sent))
    assert client.head(place, **TUS)["Upload-Offset"] == "0"
    disk.free += 1
    assert client.generic("PATCH", place, b"x" * 10, **sent).status_code == 204


def test_a_disk_that_fills_up_while_writing_is_answered_507(api, member, db, mp4, monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/srv/media/x.mp4")

    monkeypatch.setattr(FileSystemStorage, "_save", full)
    answer = api(member).post("/api/v1/uploads/", {"file": SimpleUploadedFile("hands.mp4", mp4)}, format="multipart")
    monkeypatch.undo()
    assert answer.status_code == 507
    assert "disk is full" in answer.json()["detail"]
    assert "srv" not in answer.content.decode()
    assert not Upload.objects.exists()
