"""Predictions received in parts by tus, and the submissions made of them."""

from __future__ import annotations

import base64
import hashlib
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from palmares import asgi
from palmares.benchmarks.models import Benchmark
from palmares.submissions import file_check, pending_files
from palmares.submissions.models import PendingFile, Submission
from palmares.uploads.partial import partial_path
from palmares_client.chunked_upload import CHUNK_BYTES
from tests.factories import UserFactory
from tests.predictions import hands, zipped
from tests.scored_benchmarks import SEQUENCES

URL = "/api/v1/predictions/tus/"
SUBMISSIONS = "/api/v1/benchmarks/contest-of-ours/submissions/"
TUS = {"HTTP_TUS_RESUMABLE": "1.0.0"}
GOOD = zipped(**SEQUENCES)
REFUSED = zipped(three=hands(3))
NOBODYS = "00000000-0000-4000-8000-000000000000"


def create(client, size, name="pred.zip"):
    metadata = f"filename {base64.b64encode(name.encode()).decode()}"
    return client.post(URL, HTTP_UPLOAD_LENGTH=str(size), HTTP_UPLOAD_METADATA=metadata, **TUS)


def append(client, url, offset, content, **headers):
    headers = {"content_type": "application/offset+octet-stream", "HTTP_UPLOAD_OFFSET": str(offset), **TUS, **headers}
    return client.generic("PATCH", url, content, **headers)


def sent(client, content=GOOD, name="pred.zip") -> str:
    """The id of a file that was received completely."""
    url = create(client, len(content), name)["Location"]
    assert append(client, url, 0, content).status_code == 204
    return url.rstrip("/").rpartition("/")[2]


def submit(client, key=None, **form):
    headers = {"HTTP_IDEMPOTENCY_KEY": key} if key else {}
    return client.post(SUBMISSIONS, {"method": "Ours v2", **form}, format="multipart", **headers)


@pytest.fixture
def client(api, member):
    return api(member)


@pytest.fixture
def url(client):
    response = create(client, len(GOOD))
    assert response.status_code == 201
    return response["Location"].removeprefix("http://testserver")


@pytest.fixture
def committed(django_capture_on_commit_callbacks):
    return lambda: django_capture_on_commit_callbacks(execute=True)


def offset_of(client, url):
    response = client.head(url, **TUS)
    assert response["Upload-Length"] == str(len(GOOD))
    return int(response["Upload-Offset"])


# ------------------------------------------------------------------------------------------------------- receiving the file


def test_it_comes_in_three_parts(client, url, member):
    for first, last in ((0, 100), (100, 900), (900, len(GOOD))):
        response = append(client, url, first, GOOD[first:last])
        assert (response.status_code, response["Upload-Offset"], response["Tus-Resumable"]) == (204, str(last), "1.0.0")
    found = PendingFile.objects.get()
    assert (found.name, found.created_by, found.received_bytes, found.size_bytes) == ("pred.zip", member, len(GOOD), len(GOOD))
    assert partial_path(found.pk).read_bytes() == GOOD


def test_it_goes_on_where_it_stopped(client, url):
    append(client, url, 0, GOOD[:500])
    assert offset_of(client, url) == 500
    with partial_path(PendingFile.objects.get().pk).open("ab") as partial:
        partial.write(b"cut off before the row knew")
    assert append(client, url, 500, GOOD[500:]).status_code == 204
    assert partial_path(PendingFile.objects.get().pk).read_bytes() == GOOD


def test_options_lists_the_supported_tus_version_and_extensions(client):
    response = client.options(URL)
    assert (response.status_code, response["Tus-Version"]) == (204, "1.0.0")
    assert set(response["Tus-Extension"].split(",")) == {"creation", "termination", "checksum"}


@pytest.mark.parametrize("length", ["", "0", "-1", "1.5", "x", "9" * 30, "\u0663", "1e3", " ", "0x10"])
def test_an_invalid_upload_length_is_refused(client, length):
    assert create(client, length).status_code == 400
    assert not PendingFile.objects.exists()


def test_a_file_that_is_too_large_or_has_a_wrong_name_is_refused_when_it_is_announced(client):
    assert create(client, (2 << 30) + 1).status_code == 413
    answer = create(client, 10, "pred.exe")
    assert (answer.status_code, "ends in .exe" in answer.json()["detail"]) == (400, True)
    assert client.post(URL, HTTP_UPLOAD_LENGTH="10", HTTP_UPLOAD_METADATA="filename ////=", **TUS).status_code == 400
    assert client.post(URL, HTTP_UPLOAD_LENGTH="10", **TUS).status_code == 400
    assert not PendingFile.objects.exists()


def test_folders_and_null_characters_are_removed_from_the_file_name(client):
    create(client, 10, "../../etc/né\x00.zip")
    assert PendingFile.objects.get().name == "né.zip"


@pytest.mark.parametrize("offset", [1, 499, 501, 10**17])
def test_a_wrong_offset_is_refused_with_409(client, url, offset):
    append(client, url, 0, GOOD[:500])
    assert append(client, url, offset, b"x").status_code == 409
    assert offset_of(client, url) == 500


@pytest.mark.parametrize("offset", ["", "-1", "x", "9" * 30, "\u0660"])
def test_an_invalid_offset_is_refused_with_400(client, url, offset):
    assert append(client, url, offset, b"x").status_code == 400


def test_more_than_announced(client, url):
    assert append(client, url, 0, GOOD + b"x").status_code == 413
    assert offset_of(client, url) == 0
    assert append(client, url, 0, GOOD).status_code == 204
    assert append(client, url, len(GOOD), b"x").status_code == 409
    assert append(client, url, len(GOOD), b"").status_code == 204
    assert partial_path(PendingFile.objects.get().pk).read_bytes() == GOOD


def test_checksums(client, url):
    def checksum(content):
        return f"sha1 {base64.b64encode(hashlib.sha1(content).digest()).decode()}"

    assert append(client, url, 0, GOOD[:100], HTTP_UPLOAD_CHECKSUM=checksum(GOOD[:100])).status_code == 204
    assert append(client, url, 100, GOOD[100:], HTTP_UPLOAD_CHECKSUM=checksum(b"other")).status_code == 460
    assert append(client, url, 100, b"x", HTTP_UPLOAD_CHECKSUM="crc32 AAAA").status_code == 400
    assert offset_of(client, url) == 100


def test_wrong_type_version_and_method(client, url):
    assert append(client, url, 0, b"x", content_type="application/octet-stream").status_code == 415
    response = append(client, url, 0, b"x", HTTP_TUS_RESUMABLE="0.2.2")
    assert (response.status_code, response["Tus-Version"]) == (412, "1.0.0")
    assert client.get(url, **TUS).status_code == 405
    assert client.get(URL, **TUS).status_code == 405


def test_deleting_an_unfinished_file_removes_its_bytes(client, url, committed):
    path = partial_path(PendingFile.objects.get().pk)
    assert path.exists()
    with committed():
        assert client.delete(url, **TUS).status_code == 204
    assert not path.exists()
    assert append(client, url, 0, b"x").status_code == 404
    assert client.head(url, **TUS).status_code == 404


def test_a_file_whose_received_bytes_are_lost_is_answered_410(client, url):
    append(client, url, 0, GOOD[:500])
    partial_path(PendingFile.objects.get().pk).unlink()
    assert append(client, url, 500, GOOD[500:]).status_code == 410
    assert client.head(url, **TUS).status_code == 404


def test_five_at_a_time_for_each_person(client, api, owner):
    urls = [create(client, 10)["Location"] for _ in range(5)]
    answer = create(client, 10)
    assert (answer.status_code, "5 unfinished files" in answer.json()["detail"]) == (409, True)
    assert create(api(owner), 10).status_code == 201
    client.delete(urls[0], **TUS)
    assert create(client, 10).status_code == 201


@pytest.mark.django_db(transaction=True)
def test_five_at_a_time_when_they_are_announced_at_once(api, member):
    def announce(client):
        try:
            return create(client, 10).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(announce, [api(member) for _ in range(8)])) == [201] * 5 + [409] * 3


def test_the_body_limit_admits_a_chunk(url):
    assert all(path.startswith(asgi._pages.file_prefixes) for path in (URL, url))
    assert asgi._pages.largest > CHUNK_BYTES


# --------------------------------------------------------------------------------------------------------------- permissions


def test_only_its_sender_can_use_an_unfinished_file(api, client, url, contest, owner, viewer, outsider):
    pk = PendingFile.objects.get().pk
    append(client, url, 0, GOOD)
    Benchmark.objects.update(visibility="public")
    for user, code in ((None, 401), (owner, 404), (viewer, 404), (outsider, 404)):
        other = api(user)
        answers = [other.head(url, **TUS), append(other, url, len(GOOD), b"x"), other.delete(url, **TUS)]
        assert [answer.status_code for answer in answers] == [code] * 3
    for user in (owner, outsider):
        known, unknown = (submit(api(user), sent=pk) for pk in (pk, NOBODYS))
        assert (known.status_code, unknown.status_code) == (400, 400)
        assert known.content.decode().replace(str(pk), NOBODYS) == unknown.content.decode()
    assert create(api(None), 10).status_code == 401
    assert partial_path(pk).read_bytes() == GOOD
    assert not Submission.objects.exists()


def test_deleting_an_account_deletes_its_unfinished_files(db, api, committed):
    somebody = UserFactory()
    path = partial_path(sent(api(somebody)))
    assert path.exists()
    with committed():
        somebody.delete()
    assert not path.exists()


# -------------------------------------------------------------------------------------------------- submitting the file


def test_a_complete_file_becomes_a_submission_and_is_no_longer_pending(client, contest, committed, url):
    for first, last in ((0, 700), (700, len(GOOD))):
        append(client, url, first, GOOD[first:last])
    pk = PendingFile.objects.get().pk
    with committed():
        answer = submit(client, sent=pk, links=["https://example.org/code"], is_public=True)
    body = answer.json()
    assert answer.status_code == 201, body
    assert (body["status"], body["method"], body["is_public"]) == ("queued", "Ours v2", True)
    assert body["sha256"] == hashlib.sha256(GOOD).hexdigest()
    made = Submission.objects.get()
    assert (made.name, made.size_bytes) == ("pred.zip", len(GOOD))
    with default_storage.open(made.source) as stored:
        assert stored.read() == GOOD
    assert not PendingFile.objects.exists()
    assert not partial_path(pk).exists()
    again = submit(client, sent=pk)
    assert (again.status_code, list(again.json()["errors"])) == (400, ["sent"])


def test_the_same_key_gives_the_same_submission_though_the_file_is_gone(client, contest):
    pk = sent(client)
    first, second = (submit(client, key="k", sent=pk) for _ in range(2))
    assert (first.status_code, second["Idempotency-Replayed"]) == (201, "true")
    assert first.json()["id"] == second.json()["id"]
    assert submit(client, key="k", sent=sent(client)).status_code == 422
    assert Submission.objects.count() == 1


def test_exactly_one_of_file_and_sent(client, contest):
    pk, file = sent(client), SimpleUploadedFile("pred.zip", GOOD)
    for form, came in (({}, "neither"), ({"file": file, "sent": pk}, "both")):
        answer = submit(client, **form)
        assert answer.status_code == 400
        assert f"Give exactly one of `file` and `sent`; {came} came." in answer.json()["detail"]
    for nonsense in ("", "x", "../etc", NOBODYS[:-1]):
        assert submit(client, sent=nonsense).status_code == 400
    assert PendingFile.objects.count() == 1
    assert not Submission.objects.exists()


@pytest.mark.parametrize("key", [None, "k"])
@pytest.mark.parametrize(("content", "name", "code"), [(REFUSED, "pred.zip", 422), (b"[1, 2", "pred.json", 422)])
def test_a_file_that_is_refused_is_gone(client, contest, media_root, committed, content, name, code, key):
    pk = sent(client, content, name)
    with committed():
        answer = submit(client, key=key, sent=pk)
    assert answer.status_code == code, answer.json()
    assert answer.json()["errors"]["file"]
    assert not PendingFile.objects.exists()
    assert not partial_path(pk).exists()
    assert not (media_root / "submissions").exists()


def test_an_incomplete_file_is_refused_and_kept(client, contest, url):
    append(client, url, 0, GOOD[:500])
    answer = submit(client, sent=PendingFile.objects.get().pk)
    assert (answer.status_code, f"500 of {len(GOOD)} bytes" in answer.json()["detail"]) == (409, True)
    assert append(client, url, 500, GOOD[500:]).status_code == 204
    assert submit(client, sent=PendingFile.objects.get().pk).status_code == 201


@pytest.mark.parametrize("key", [None, "k"])
def test_a_file_is_kept_when_quota_deadline_or_fields_refuse_the_submission(client, contest, scored, key):
    pk, today = sent(client), timezone.now().date()
    for _ in range(3):
        scored(quota_day=today)
    assert submit(client, key=key, sent=pk).status_code == 429
    Submission.objects.update(quota_day=today - timedelta(days=1))
    Benchmark.objects.update(deadline=timezone.now() - timedelta(minutes=1))
    assert submit(client, key=key, sent=pk).status_code == 409
    Benchmark.objects.update(deadline=None)
    assert submit(client, key=key, sent=pk, method="m" * 81).status_code == 400
    assert submit(client, key=key, sent=pk, team=NOBODYS).status_code == 400
    assert submit(client, key=key, sent=pk).status_code == 201


def test_a_file_is_kept_after_an_internal_error(client, contest, monkeypatch, media_root):
    def broken(**_):
        raise RuntimeError

    client.raise_request_exception = False
    pk = sent(client)
    monkeypatch.setattr("palmares.submissions.services.check_file", broken)
    assert submit(client, key="k", sent=pk).status_code == 500
    monkeypatch.setattr("palmares.submissions.services.check_file", file_check.check_file)
    monkeypatch.setattr("palmares.queue.services.enqueue", broken)
    assert submit(client, key="k", sent=pk).status_code == 500
    assert not list((media_root / "submissions").rglob("source*"))
    monkeypatch.undo()
    assert submit(client, key="k", sent=pk).status_code == 201


def test_submitting_a_file_whose_bytes_are_lost_is_answered_410_and_removes_it(client, contest):
    pk = sent(client)
    partial_path(pk).unlink()
    answer = submit(client, sent=pk)
    assert (answer.status_code, list(answer.json()["errors"])) == (410, ["sent"])
    assert not PendingFile.objects.exists()


def test_viewers_cannot_submit_a_received_file_for_the_team(api, viewer, contest, team):
    client = api(viewer)
    pk = sent(client)
    assert submit(client, sent=pk, team=str(team.pk)).status_code == 403
    assert PendingFile.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_two_simultaneous_requests_make_one_submission_of_a_file(api, contest, member):
    def post(client):
        try:
            return submit(client, sent=pk).status_code
        finally:
            connection.close()

    pk = sent(api(member))
    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(post, [api(member) for _ in range(2)])) == [201, 400]
    assert Submission.objects.count() == 1


# ------------------------------------------------------------------------------------------------------------------- expiry


def aged(pk, **age):
    PendingFile.objects.filter(pk=pk).update(changed_at=timezone.now() - timedelta(**age))


def test_incomplete_and_unused_files_expire_after_two_days(client, url, committed):
    begun, complete = PendingFile.objects.get().pk, sent(client)
    append(client, url, 0, GOOD[:500])
    for pk in (begun, complete):
        aged(pk, days=1, hours=23)
    with committed():
        assert pending_files.expire_pending() == 0
    append(client, url, 500, GOOD[500:600])
    aged(complete, days=2, minutes=1)
    with committed():
        call_command("reap")
    assert [row.pk for row in PendingFile.objects.all()] == [begun]
    assert (partial_path(begun).exists(), partial_path(complete).exists()) == (True, False)
    assert client.head(f"{URL}{complete}/", **TUS).status_code == 404


def test_announced_files_without_any_bytes_expire_after_an_hour(client, url):
    pk = PendingFile.objects.get().pk
    aged(pk, minutes=59)
    assert pending_files.expire_pending() == 0
    aged(pk, minutes=61)
    assert pending_files.expire_pending() == 1
