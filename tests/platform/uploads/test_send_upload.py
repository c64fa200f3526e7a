import io
import zipfile

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError

from palmares.queue.models import Status
from palmares.uploads.models import Upload
from tests.factories import MembershipFactory, SubjectFactory, TeamFactory

URL = "/api/v1/uploads/"


def send(client, content, name="hands.mp4", **fields):
    return client.post(URL, {"file": SimpleUploadedFile(name, content), **fields}, format="multipart")


def zipped() -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("a.txt", "x")
    return target.getvalue()


def nothing_stored() -> bool:
    return not Upload.objects.exists() and not default_storage.exists("uploads")


def test_it_works(api, member, subject, mp4):
    response = send(api(member), mp4, subject=subject.pk)
    assert response.status_code == 201
    body = response.json()
    assert (body["status"], body["kind"], body["name"], body["size_bytes"]) == ("queued", "video", "hands.mp4", len(mp4))
    upload = Upload.objects.get(pk=body["id"])
    assert (upload.status, upload.created_by) == (Status.QUEUED, member)
    with default_storage.open(f"uploads/{upload.pk}/source.mp4") as stored:
        assert stored.read() == mp4


def test_without_a_subject_it_goes_to_unsorted(api, member, team, mp4):
    for _ in range(2):
        assert send(api(member), mp4).status_code == 201
    assert {(u.subject.name, u.subject.team) for u in Upload.objects.all()} == {("Unsorted", team)}


def test_someone_without_a_team_gets_one(api, db, mp4, django_user_model):
    loner = django_user_model.objects.create_user("loner@example.org")
    assert send(api(loner), mp4).status_code == 201
    assert loner.teams.get().name == "Team of loner"


def test_a_viewer_of_one_team_uploads_to_their_own(api, viewer, mp4):
    own = MembershipFactory(user=viewer, team=TeamFactory(name="Own")).team
    assert send(api(viewer), mp4).status_code == 201
    assert Upload.objects.get().subject.team == own


def test_the_focal_length_is_kept(api, member, mp4):
    send(api(member), mp4, focal_px="520.5")
    assert Upload.objects.get().facts == {"camera": {"focal_px": 520.5}}


def test_the_camera_matrix_is_kept(api, member, mp4):
    body = send(api(member), mp4, intrinsics="[500, 0, 320, 0, 500, 240, 0, 0, 1]").json()
    assert Upload.objects.get().facts["camera"]["intrinsics"][2] == 320.0
    assert body["intrinsics_assumed"] is False


@pytest.mark.parametrize(
    "intrinsics", ["[1, 2]", "x", "{}", "[" * 900, '["a"]', "[0,0,0,0,0,0,0,0,0]", "[NaN,0,1,0,5,1,0,0,1]", "1e999"]
)
def test_an_impossible_camera_matrix_is_refused(api, member, mp4, intrinsics):
    assert send(api(member), mp4, intrinsics=intrinsics).status_code == 400
    assert nothing_stored()


@pytest.mark.parametrize(
    ("content", "name", "status", "words"),
    [
        (b"", "empty.mp4", 400, "empty"),
        (b"just text", "text.mp4", 415, "unknown kind"),
        (b"%PDF-1.7", "thesis.mp4", 415, "PDF"),
        (b"ID3" + bytes(100), "song.mp4", 415, "sound"),
        (b"RIFF\x00\x00\x00\x00WAVEfmt ", "song.avi", 415, "sound"),
        (b"\x00\x00\x00\x18ftypheic", "photo.jpg", 415, "HEIF"),
        (b"#EXTM3U\nfile:///etc/passwd", "list.mp4", 415, "playlist"),
        (zipped(), "hands.mp4", 415, "ZIP"),
    ],
)
def test_a_file_that_is_neither_video_nor_image_is_refused_on_arrival(api, member, content, name, status, words):
    response = send(api(member), content, name)
    assert response.status_code == status
    assert response["Content-Type"] == "application/problem+json"
    assert words in response.json()["detail"]
    assert nothing_stored()


@pytest.mark.parametrize(
    ("content", "name", "kind"),
    [
        (zipped(), "images.zip", "images"),
        (b"\xff\xd8\xff\xe0" + bytes(50), "hand.jpg", "images"),
        (b"\x1a\x45\xdf\xa3" + bytes(50), "hand.webm", "video"),
        (b"RIFF\x00\x00\x00\x00AVI LIST", "hand.avi", "video"),
        ((b"\x47" + bytes(187)) * 3, "hand.ts", "video"),
        (bytes(4) + (b"\x47" + bytes(191)) * 3, "hand.mts", "video"),
        ((b"\x47" + bytes(203)) * 3, "hand.ts", "video"),
        (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11" + bytes(50), "hand.wmv", "video"),
        (bytes.fromhex("060e2b34020501010d0102010102") + bytes(50), "hand.mxf", "video"),
        (b"\x1f\x07\x00\xbf" + bytes(50), "hand.dv", "video"),
    ],
)
def test_the_kind_is_determined_by_the_content(api, member, content, name, kind):
    assert send(api(member), content, name).json()["kind"] == kind


def test_too_large(api, member, mp4, settings):
    settings.MAX_UPLOAD_BYTES = len(mp4) - 1
    response = send(api(member), mp4)
    assert response.status_code == 413
    assert nothing_stored()


@pytest.mark.parametrize(
    "name", ["/etc/cron.d/x.mp4", r"..\..\x.mp4", "../../x.mp4", "a" * 240 + ".mp4", "n\u00e9\u4e2d.mp4", "\u202e4pm.exe"]
)
def test_the_name_never_reaches_the_disk(api, member, mp4, name):
    body = (
        b'--b\r\nContent-Disposition: form-data; name="file"; filename="'
        + name.encode()
        + b'"\r\n\r\n'
        + mp4
        + b"\r\n--b--\r\n"
    )
    response = api(member).post(URL, body, content_type="multipart/form-data; boundary=b")
    assert response.status_code == 201
    upload = Upload.objects.get(pk=response.json()["id"])
    assert upload.source == f"uploads/{upload.pk}/source.mp4"
    assert upload.name.isprintable()
    assert not set("/\\") & set(upload.name)


def test_a_failure_leaves_nothing_behind(api, member, mp4, monkeypatch):
    def full(**_):
        raise IntegrityError

    monkeypatch.setattr("palmares.uploads.services.enqueue", full)
    client = api(member)
    with pytest.raises(IntegrityError):
        send(client, mp4)
    assert not Upload.objects.exists()
    assert default_storage.listdir("uploads")[0] == []


def test_no_file_and_wrong_type(api, member):
    assert api(member).post(URL, {}, format="multipart").status_code == 400
    assert api(member).post(URL, {"file": "x"}, format="json").status_code == 415


def test_a_subject_of_another_team(api, member, team, mp4):
    own, theirs = SubjectFactory(), SubjectFactory(team=team)
    assert send(api(member), mp4, subject=own.pk).status_code == 400
    other = MembershipFactory(user=member, team=TeamFactory()).team
    assert send(api(member), mp4, subject=theirs.pk, team=other.pk).status_code == 400
    assert nothing_stored()


def test_anonymous_callers_viewers_and_outsiders_are_refused(api, viewer, outsider, subject, mp4):
    assert send(api(None), mp4).status_code == 401
    assert send(api(viewer), mp4, subject=subject.pk).status_code == 403
    assert send(api(viewer), mp4, team=subject.team_id).status_code == 403
    assert send(api(outsider), mp4, subject=subject.pk).status_code == 400
    assert nothing_stored()


def test_wrong_method(api, member):
    assert api(member).put(URL, {}).status_code == 405
