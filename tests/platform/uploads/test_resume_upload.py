"""tus 1.0.0: uploads in parts."""

import base64
import hashlib
import threading
from datetime import timedelta

import pytest
from django.core.files.storage import default_storage
from django.db import connection
from django.utils import timezone

from palmares.queue.models import Status
from palmares.uploads import resumable
from palmares.uploads.models import Upload
from palmares.uploads.partial import partial_path

URL = "/api/v1/uploads/tus/"
TUS = {"HTTP_TUS_RESUMABLE": "1.0.0"}


def metadata(**values) -> str:
    return ",".join(f"{k} {base64.b64encode(str(v).encode()).decode()}" for k, v in values.items())


def create(client, size, **values):
    return client.post(
        URL, HTTP_UPLOAD_LENGTH=str(size), HTTP_UPLOAD_METADATA=metadata(**{"filename": "big.mp4", **values}), **TUS
    )


def append(client, url, offset, content, **headers):
    headers = {"content_type": "application/offset+octet-stream", "HTTP_UPLOAD_OFFSET": str(offset), **TUS, **headers}
    return client.generic("PATCH", url, content, **headers)


@pytest.fixture
def client(api, member):
    return api(member)


@pytest.fixture
def url(client, subject, mp4):
    response = create(client, len(mp4), subject=subject.pk)
    assert response.status_code == 201
    return response["Location"].removeprefix("http://testserver")


def offset_of(client, url):
    response = client.head(url, **TUS)
    assert response["Cache-Control"] == "no-store"
    return int(response["Upload-Offset"])


def test_it_works_in_three_parts(client, url, subject, mp4):
    for first, last in ((0, 100), (100, 9000), (9000, len(mp4))):
        response = append(client, url, first, mp4[first:last])
        assert (response.status_code, response["Upload-Offset"], response["Tus-Resumable"]) == (204, str(last), "1.0.0")
    upload = Upload.objects.get()
    assert (upload.public_status, upload.name, upload.subject, upload.kind) == ("queued", "big.mp4", subject, "video")
    with default_storage.open(upload.source) as stored:
        assert stored.read() == mp4
    assert upload.source == f"uploads/{upload.pk}/source.mp4"
    assert not partial_path(upload.pk).exists()


def test_the_number_of_unfinished_uploads_of_a_person_is_limited(api, client, owner, subject, mp4):
    url, *_ = [create(client, len(mp4), subject=subject.pk)["Location"] for _ in range(resumable.MOST_UNFINISHED)]
    refused = create(client, len(mp4), subject=subject.pk)
    assert refused.status_code == 409
    assert f"{resumable.MOST_UNFINISHED} unfinished uploads" in refused.json()["detail"]
    assert create(api(owner), len(mp4), subject=subject.pk).status_code == 201
    assert append(client, url, 0, mp4).status_code == 204
    assert create(client, len(mp4), subject=subject.pk).status_code == 201


def test_options_lists_the_supported_tus_version_and_extensions(client):
    response = client.options(URL)
    assert response.status_code == 204
    assert response["Tus-Version"] == "1.0.0"
    assert set(response["Tus-Extension"].split(",")) == {"creation", "termination", "checksum"}
    assert int(response["Tus-Max-Size"]) == 2 << 30


def test_it_goes_on_where_it_stopped(client, url, mp4):
    append(client, url, 0, mp4[:5000])
    assert offset_of(client, url) == 5000
    assert append(client, url, 5000, mp4[5000:]).status_code == 204
    assert Upload.objects.get().public_status == "queued"


def test_bytes_written_but_never_recorded_do_not_count(client, url, mp4):
    append(client, url, 0, mp4[:5000])
    with partial_path(Upload.objects.get().pk).open("ab") as partial:
        partial.write(b"cut off before the row knew")
    append(client, url, 5000, mp4[5000:])
    with default_storage.open(Upload.objects.get().source) as stored:
        assert stored.read() == mp4


def test_an_upload_interrupted_after_its_last_byte_is_queued_by_an_empty_chunk(client, url, mp4, monkeypatch):
    monkeypatch.setattr(resumable, "finish", lambda **_: Upload.objects.get())
    append(client, url, 0, mp4)
    monkeypatch.undo()
    assert Upload.objects.get().public_status == "receiving"
    assert append(client, url, len(mp4), b"").status_code == 204
    assert Upload.objects.get().public_status == "queued"


def test_an_upload_interrupted_between_storing_and_queueing_is_not_lost(client, url, mp4, monkeypatch):
    def cut(**_):
        raise ConnectionError

    monkeypatch.setattr(resumable, "admit", cut)
    with pytest.raises(ConnectionError):
        append(client, url, 0, mp4)
    monkeypatch.undo()
    assert resumable.expire_partials() == 0
    upload = Upload.objects.get()
    assert upload.public_status == "queued"
    assert upload.source == f"uploads/{upload.pk}/source.mp4"


@pytest.mark.parametrize("offset", [1, 4999, 5001])
def test_a_wrong_offset_is_refused(client, url, mp4, offset):
    append(client, url, 0, mp4[:5000])
    assert append(client, url, offset, b"x").status_code == 409
    assert offset_of(client, url) == 5000


def test_more_than_announced(client, url, mp4):
    assert append(client, url, 0, mp4 + b"x").status_code == 413
    assert offset_of(client, url) == 0


def test_more_after_the_end(client, url, mp4):
    append(client, url, 0, mp4)
    assert append(client, url, len(mp4), b"x").status_code == 409


@pytest.mark.parametrize("size", [0, (2 << 30) + 1])
def test_sizes_that_are_not_accepted(client, size):
    assert create(client, size).status_code == (413 if size else 400)
    assert not Upload.objects.exists()


@pytest.mark.parametrize("length", ["", "-1", "1.5", "x", "9" * 30, "\u0663"])
def test_an_invalid_upload_length_is_refused(client, length):
    response = client.post(URL, HTTP_UPLOAD_LENGTH=length, **TUS)
    assert response.status_code == 400


def test_not_a_video_is_refused_with_its_first_bytes_and_removed(client, subject):
    url = create(client, 10_000, subject=subject.pk)["Location"]
    response = append(client, url, 0, b"%PDF-1.7" + bytes(5000))
    assert response.status_code == 415
    assert "PDF" in response.json()["detail"]
    assert not Upload.objects.exists()
    assert client.head(url, **TUS).status_code == 404


def test_wrong_content_type(client, url):
    assert append(client, url, 0, b"x", content_type="application/octet-stream").status_code == 415


@pytest.mark.parametrize("version", ["0.2.2", ""])
def test_wrong_version(client, url, version):
    response = append(client, url, 0, b"x", HTTP_TUS_RESUMABLE=version)
    assert response.status_code == 412
    assert response["Tus-Version"] == "1.0.0"


@pytest.mark.parametrize(
    "header", ["filename x", "filename ////=", f"subject {base64.b64encode(b'nonsense').decode()}", "focal_px eA=="]
)
def test_metadata_that_cannot_be_read(client, header):
    assert client.post(URL, HTTP_UPLOAD_LENGTH="10", HTTP_UPLOAD_METADATA=header, **TUS).status_code == 400


def test_metadata(client, team):
    create(client, 10, team=team.pk, focal_px="500", filename="../n\u00e9.mp4")
    upload = Upload.objects.get()
    assert (upload.name, upload.subject.name, upload.facts["camera"]) == ("n\u00e9.mp4", "Unsorted", {"focal_px": 500.0})


def checksum(content, algorithm="sha1"):
    return f"{algorithm} {base64.b64encode(hashlib.new(algorithm, content).digest()).decode()}"


def test_checksums(client, url, mp4):
    assert append(client, url, 0, mp4[:100], HTTP_UPLOAD_CHECKSUM=checksum(mp4[:100])).status_code == 204
    assert append(client, url, 100, mp4[100:200], HTTP_UPLOAD_CHECKSUM=checksum(b"other", "sha256")).status_code == 460
    assert offset_of(client, url) == 100
    for nonsense in ("crc32 AAAA", "sha1", "sha1 \u00e4", ""):
        assert append(client, url, 100, b"x", HTTP_UPLOAD_CHECKSUM=nonsense).status_code == 400


def test_termination(client, url, django_capture_on_commit_callbacks):
    path = partial_path(Upload.objects.get().pk)
    assert path.exists()
    with django_capture_on_commit_callbacks(execute=True):
        assert client.delete(url, **TUS).status_code == 204
    assert not path.exists()
    assert append(client, url, 0, b"x").status_code == 404


def test_an_upload_whose_received_bytes_are_lost_is_answered_410(client, url, mp4):
    append(client, url, 0, mp4[:5000])
    partial_path(Upload.objects.get().pk).unlink()
    assert append(client, url, 5000, mp4[5000:]).status_code == 410


def test_a_cancelled_upload_accepts_no_more_bytes(client, url, mp4):
    upload = Upload.objects.get()
    assert client.post(f"/api/v1/uploads/{upload.pk}/cancel/").status_code == 200
    assert append(client, url, 0, mp4).status_code == 409
    assert not partial_path(upload.pk).exists()


def test_unfinished_uploads_expire(client, url, mp4, django_capture_on_commit_callbacks):
    append(client, url, 0, mp4[:5000])
    path = partial_path(Upload.objects.get().pk)
    assert resumable.expire_partials() == 0
    Upload.objects.update(bytes_received_at=timezone.now() - timedelta(days=3))
    with django_capture_on_commit_callbacks(execute=True):
        assert resumable.expire_partials() == 1
    assert not path.exists()
    assert not Upload.objects.exists()


def test_unfinished_uploads_without_a_file_expire_too(client, url):
    partial_path(Upload.objects.get().pk).unlink()
    assert resumable.expire_partials(kept=timedelta(days=-1)) == 1


@pytest.mark.parametrize("method", ["head", "patch", "delete"])
def test_outsiders_are_refused_and_viewers_may_only_read(refusals, url, method):
    kwargs = {"content_type": "application/offset+octet-stream", "HTTP_UPLOAD_OFFSET": "0"} if method == "patch" else {}
    data = b"x" if method == "patch" else None
    viewer = 200 if method == "head" else 403
    assert refusals(method, url, data, **kwargs, **TUS) == {"anonymous": 401, "outsider": 404, "viewer": viewer}


def test_outsiders_and_viewers_cannot_begin_an_upload(api, viewer, outsider, subject):
    assert create(api(None), 10).status_code == 401
    assert create(api(viewer), 10, subject=subject.pk).status_code == 403
    assert create(api(outsider), 10, subject=subject.pk).status_code == 400


def test_wrong_method(client, url):
    assert client.get(url, **TUS).status_code == 405


@pytest.mark.django_db(transaction=True)
def test_two_senders_at_once(api, member, subject, mp4):
    """Many try to write the same bytes; each byte counts once, and the file is whole."""
    client = api(member)
    url = create(client, len(mp4), subject=subject.pk)["Location"]
    statuses: list[int] = []

    def send() -> None:
        try:
            for first in range(0, len(mp4), 4000):
                statuses.append(append(clients.pop(), url, first, mp4[first : first + 4000]).status_code)
        finally:
            connection.close()

    clients = [api(member) for _ in range(4 * 6)]
    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(statuses) <= {204, 409}
    upload = Upload.objects.get()
    while upload.received_at is None:
        first = upload.received_bytes
        append(client, url, first, mp4[first : first + 4000])
        upload.refresh_from_db()
    assert upload.status == Status.QUEUED
    with default_storage.open(upload.source) as stored:
        assert stored.read() == mp4
