"""Media in an S3 bucket: few and small requests, uploads that move between web processes, temporary failures."""

from __future__ import annotations

import base64
import io
import tracemalloc
import zipfile
from datetime import timedelta

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils import timezone

from palmares import orphaned_files
from palmares.orphaned_files import sweep_orphans
from palmares.queue.models import Status
from palmares.runs.models import Run
from palmares.submissions.models import PendingFile
from palmares.uploads import resumable
from palmares.uploads.models import Upload
from tests.factories import SubjectFactory, UploadFactory, UserFactory
from tests.object_storage import Bucket, bucket, s3_server, storage_settings  # noqa: F401 - fixtures
from workers.storage import fetch

TUS = {"HTTP_TUS_RESUMABLE": "1.0.0"}
MB = 1 << 20


@pytest.fixture(autouse=True)
def _own_storage(bucket: Bucket) -> None:  # noqa: F811
    """In place of the folder that other tests of the web have."""


@pytest.fixture
def committed(django_capture_on_commit_callbacks):
    """Runs what waits for the end of the transaction."""
    return lambda: django_capture_on_commit_callbacks(execute=True)


@pytest.fixture
def large(subject) -> str:
    """The address of a video of 48 MB."""
    upload = UploadFactory(subject=subject, folder="uploads/large/web-1", status=Status.SUCCEEDED)
    content = bytes(range(256)) * (48 * MB // 256)
    default_storage.save(f"{upload.folder}/web.mp4", ContentFile(content))
    return f"/api/v1/uploads/{upload.pk}/media/web.mp4"


@pytest.mark.parametrize(
    ("asked", "status", "content", "span"),
    [
        ("bytes=1000-1999", 206, 1000, "bytes 1000-1999/50331648"),
        ("bytes=50331640-", 206, 8, "bytes 50331640-50331647/50331648"),
        ("bytes=-8", 206, 8, "bytes 50331640-50331647/50331648"),
        ("bytes=50331648-", 416, None, "bytes */50331648"),
        ("bytes=5-1", 200, 50331648, None),
    ],
)
def test_a_range_is_one_small_request(api, member, bucket, large, asked, status, content, span):  # noqa: F811
    client = api(member)
    bucket.watch()
    tracemalloc.start()
    answer = client.get(large, headers={"Range": asked})
    length = sum(len(piece) for piece in answer.streaming_content) if answer.streaming else None
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (answer.status_code, length, answer.get("Content-Range")) == (status, content, span)
    assert bucket.requests["GetObject"] <= 1
    assert sum(bucket.requests.values()) <= (2 if status == 416 else 1)
    assert peak < 20 * MB


def test_the_bytes_are_those_asked_for(api, member, large):
    answer = api(member).get(large, headers={"Range": "bytes=256-259"})
    assert b"".join(answer.streaming_content) == bytes([0, 1, 2, 3])


def test_head_and_conditional_requests_read_nothing(api, member, bucket, large):  # noqa: F811
    client = api(member)
    bucket.watch()
    head = client.head(large)
    assert (head.status_code, head["Content-Length"], dict(bucket.requests)) == (200, "50331648", {"HeadObject": 1})
    bucket.watch()
    again = client.get(large, headers={"If-None-Match": head["ETag"]})
    assert (again.status_code, sum(bucket.requests.values())) == (304, 1)
    other = client.get(large, headers={"Range": "bytes=0-9", "If-Range": '"another"'})
    assert (other.status_code, other["Content-Length"]) == (200, "50331648")
    assert sum(len(piece) for piece in other.streaming_content) == 50331648


def test_a_missing_file_is_answered_404(api, member, subject):
    upload = UploadFactory(subject=subject, folder="uploads/none/web-1", status=Status.SUCCEEDED)
    assert api(member).get(f"/api/v1/uploads/{upload.pk}/media/web.mp4").status_code == 404


def test_a_frame_exported_as_a_mesh_reads_only_a_small_part_of_the_file(api, member, bucket, finished_run):  # noqa: F811
    """The fixture's prediction, with 30 MB of other arrays before what is needed."""
    folder = finished_run.prediction.folder
    with default_storage.open(f"{folder}/prediction.npz", "rb") as stream:
        small = zipfile.ZipFile(io.BytesIO(stream.read()))
    padded = io.BytesIO()
    with zipfile.ZipFile(padded, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("padding.npy", bytes(30 * MB))
        for name in small.namelist():
            archive.writestr(name, small.read(name))
    default_storage.save(f"{folder}/prediction.npz", ContentFile(padded.getvalue()))
    client = api(member)
    bucket.watch()
    answer = client.get(f"/api/v1/runs/{finished_run.pk}/frames/0.glb")
    assert answer.status_code == 200
    assert (bucket.received < 2 * MB, sum(bucket.requests.values()) <= 12) == (True, True), bucket.requests


def test_the_files_of_a_viewer_are_one_request_each(api, member, bucket, finished_run):  # noqa: F811
    client, folder = api(member), finished_run.prediction.folder
    (chunk,) = default_storage.listdir(f"{folder}/track")[1]
    for name in ("track.json", f"track/{chunk}", "series.json"):
        bucket.watch()
        answer = client.get(f"/api/v1/runs/{finished_run.pk}/{name}".replace(".json", "/"))
        assert (answer.status_code, bool(answer.getvalue())) == (200, True), name
        assert sum(bucket.requests.values()) == 1, (name, bucket.requests)


def test_a_worker_fetches_a_file_once(bucket, tmp_path):  # noqa: F811
    default_storage.save("uploads/x/web.mp4", ContentFile(b"a video"))
    bucket.watch()
    first, second = (fetch("uploads/x/web.mp4", tmp_path) for _ in range(2))
    assert (first.read_bytes(), first == second) == (b"a video", True)
    assert bucket.requests["GetObject"] == 1


@pytest.mark.django_db(transaction=True)
def test_the_health_page_makes_two_storage_requests(client, bucket):  # noqa: F811
    bucket.watch()
    assert client.get("/health/").json()["storage"] == "working"
    assert (dict(bucket.requests), bucket.keys()) == ({"PutObject": 1, "DeleteObject": 1}, [])


def test_an_upload_goes_on_at_another_web_process(api, member, subject, mp4, settings, tmp_path, bucket, committed):  # noqa: F811
    webs = [tmp_path / "web-a", tmp_path / "web-b"]
    for folder in webs:
        folder.mkdir()
    client = api(member)
    facts = {"filename": "a.mp4", "subject": str(subject.pk)}
    metadata = ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in facts.items())
    made = client.post("/api/v1/uploads/tus/", HTTP_UPLOAD_LENGTH=str(len(mp4)), HTTP_UPLOAD_METADATA=metadata, **TUS)
    url, offset = made["Location"], 0
    with committed():
        for number, end in enumerate((5, 6000, 9000, len(mp4))):
            settings.FILE_UPLOAD_TEMP_DIR = webs[number % 2]
            part = mp4[offset:end]
            answer = client.generic(
                "PATCH", url, part, content_type="application/offset+octet-stream", HTTP_UPLOAD_OFFSET=str(offset), **TUS
            )
            assert answer.status_code == 204, answer.content
            offset = int(client.head(url, **TUS)["Upload-Offset"])
            assert offset == end
    upload = Upload.objects.get()
    with default_storage.open(upload.source, "rb") as stored:
        assert stored.read() == mp4
    assert (bucket.keys("partial/"), [list(folder.rglob("*.part")) for folder in webs]) == ([], [[], []])


def test_a_part_that_was_never_recorded_is_written_again(api, member, subject, mp4, committed):
    upload = resumable.begin(by=member, name="a.mp4", size=len(mp4), subject=subject)
    default_storage.save(f"partial/{upload.pk}/{0:020d}", ContentFile(b"cut off before it was recorded" * 999))
    with committed():
        for offset, part in ((0, mp4[:7000]), (7000, mp4[7000:])):
            resumable.append(upload_id=upload.pk, by=member, offset=offset, stream=ContentFile(part))
    upload.refresh_from_db()
    with default_storage.open(upload.source, "rb") as stored:
        assert stored.read() == mp4


def test_the_reaper_of_another_machine_keeps_an_upload_that_is_still_being_received(member, subject, mp4):
    upload = resumable.begin(by=member, name="a.mp4", size=len(mp4), subject=subject)
    Upload.objects.update(created_at=timezone.now() - timedelta(days=3))
    resumable.append(upload_id=upload.pk, by=member, offset=0, stream=ContentFile(mp4[:100]))
    assert resumable.expire_partials() == 0
    assert Upload.objects.exists()


def test_an_unreachable_storage_is_answered_503_until_it_is_back(api, member, large, settings, s3_server, bucket):  # noqa: F811
    present = settings.STORAGES
    settings.STORAGES = {**present, "default": storage_settings(bucket.name, "http://127.0.0.1:9")}
    answer = api(member).get(large)
    assert (answer.status_code, answer["Retry-After"], "does not answer" in answer.json()["detail"]) == (503, "10", True)
    settings.STORAGES = present
    assert api(member).get(large).status_code == 200


def test_files_that_a_deletion_left_are_removed_later(subject, bucket, monkeypatch):  # noqa: F811
    kept, gone = UploadFactory(subject=subject), SubjectFactory().pk
    run = Run.objects.create(upload=kept, method="2d-fit", method_version="1")
    pending = PendingFile.objects.create(created_by=UserFactory(), name="p.zip", size_bytes=1)
    left = [
        f"uploads/{gone}/source.mp4",
        f"runs/{gone}/1/prediction.npz",
        f"partial/{gone}/0",
        f"submissions/{gone}/source.zip",
    ]
    there = [f"uploads/{kept.pk}/source.mp4", f"runs/{run.pk}/1/track.json", f"partial/{pending.pk}/0", "benchmarks/readme/x"]
    for key in left + there:
        default_storage.save(key, ContentFile(b"x"))
    assert sweep_orphans() == 0, "they are young: their rows may be about to be committed"
    monkeypatch.setattr(orphaned_files, "YOUNG", timedelta(0))
    assert sweep_orphans() == 4
    assert sorted(bucket.keys()) == sorted(there)
