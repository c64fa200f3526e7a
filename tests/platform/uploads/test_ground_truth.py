"""A team attaches ground truth to an upload, replaces and removes it; other teams see none of it."""

from __future__ import annotations

import json

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.urls import reverse

from palmares.queue.models import Status
from palmares.teams.storage_quota import storage_use
from palmares.uploads.models import GroundTruth, Upload
from tests.attachments import FRAMES, label_zip, list_zip
from tests.predictions import hands, moved, npz


@pytest.fixture
def clip(upload) -> Upload:
    upload.frame_count = FRAMES
    upload.save()
    return upload


@pytest.fixture
def url(clip):
    return f"/api/v1/uploads/{clip.pk}/truth/"


def sent(content: bytes | None = None, name: str = "hands.npz", **fields: str):
    return {
        "file": SimpleUploadedFile(name, npz(hands(FRAMES)) if content is None else content),
        "format": "palmares",
        **fields,
    }


def put(client, url, *args, **kwargs):
    return client.put(url, sent(*args, **kwargs), format="multipart")


@pytest.fixture
def attached(api, member, url, clip) -> GroundTruth:
    """A truth that a worker has read."""
    assert put(api(member), url).status_code == 201
    truth = GroundTruth.objects.get()
    truth.folder = f"{truth.storage_prefix}/made"
    default_storage.save(f"{truth.folder}/truth.npz", ContentFile(b"the true hands"))
    default_storage.save(f"{truth.folder}/track.json", ContentFile(b'{"version": 1}'))
    default_storage.save(f"{truth.folder}/track/{'0a' * 8}.bin", ContentFile(b"chunk"))
    truth.status = Status.SUCCEEDED
    truth.save()
    return truth


def test_it_is_checked_stored_and_queued(api, member, url, clip, media_root):
    answer = put(api(member), url)
    assert answer.status_code == 201, answer.json()
    assert (answer.json()["status"], answer.json()["rows"], answer.json()["format"]) == ("queued", FRAMES, "palmares")
    assert answer.json()["links"] == {"truth": None, "track": None}
    truth = GroundTruth.objects.get(upload=clip)
    assert (media_root / truth.source).read_bytes() == npz(hands(FRAMES))
    assert api(member).get(f"/api/v1/uploads/{clip.pk}/").json()["truth"]["id"] == str(truth.pk)
    assert api(member).get(url).status_code == 404


@pytest.mark.parametrize(
    ("content", "name", "file_format"),
    [(lambda: label_zip(hands(FRAMES)), "labels.zip", "dexycb"), (lambda: list_zip(hands(FRAMES)), "training.zip", "freihand")],
)
def test_other_formats(api, member, url, clip, content, name, file_format):
    clip.kind = Upload.Kind.IMAGES
    clip.save()
    assert put(api(member), url, content(), name, format=file_format).status_code == 201


def test_a_new_ground_truth_replaces_the_old_one_and_its_files(
    api, member, url, attached, media_root, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        assert put(api(member), url, npz(moved(hands(FRAMES), 5))).status_code == 200
    truth = GroundTruth.objects.get()
    assert truth.pk != attached.pk
    assert [path.name for path in (media_root / "truths").iterdir()] == [str(truth.pk)]


@pytest.mark.parametrize(
    ("content", "name", "fields", "status", "sentence"),
    [
        (npz(hands(FRAMES + 8)), "long.npz", {}, 422, "`frame` 19, but the video has 12 frames"),
        (npz(hands(FRAMES, fps=25)), "slow.npz", {}, 422, "at 25 frames/s, but the video has 30"),
        (b"\x80\x04.", "hands.npz", {}, 422, "it is a pickle, which is never loaded"),
        (b"", "hands.npz", {}, 400, "is empty"),
        (b"x", "hands.pkl", {}, 400, "ends in .pkl; expected one of .npz, .zip, .json"),
        (None, "hands.npz", {"format": "stb"}, 400, "is not a valid choice"),
        (None, "hands.npz", {"side": "both"}, 400, "is not a valid choice"),
    ],
)
def test_an_unusable_file_is_refused_and_the_old_ground_truth_is_kept(
    api, member, url, attached, media_root, content, name, fields, status, sentence
):
    answer = put(api(member), url, content, name, **fields)
    assert answer.status_code == status, answer.json()
    assert answer["Content-Type"] == "application/problem+json"
    assert sentence in json.dumps(answer.json(), ensure_ascii=False)
    assert GroundTruth.objects.get().pk == attached.pk
    assert [path.name for path in (media_root / "truths").iterdir()] == [str(attached.pk)]


def test_an_upload_that_is_not_ready_accepts_no_ground_truth(api, member, url, clip):
    clip.status = Status.RUNNING
    clip.save()
    answer = put(api(member), url)
    assert (answer.status_code, "is ingesting" in answer.json()["detail"]) == (409, True)


def test_its_files_are_served_to_the_team(api, viewer, url, attached):
    client = api(viewer)
    assert client.get(url).getvalue() == b"the true hands"
    assert client.get(f"{url}track/").getvalue() == b'{"version": 1}'
    chunk = client.get(f"{url}track/{'0a' * 8}.bin")
    assert (chunk.getvalue(), "immutable" in chunk["Cache-Control"]) == (b"chunk", True)
    assert client.get(f"/api/v1/uploads/{attached.upload_id}/").json()["truth"]["links"] == {
        "truth": url,
        "track": f"{url}track/",
    }


def test_removing_a_ground_truth_deletes_its_files(api, member, url, attached, media_root, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        assert api(member).delete(url).status_code == 204
    assert api(member).get(url).status_code == 404
    assert list((media_root / "truths").iterdir()) == []
    assert api(member).delete(url).status_code == 404


def test_deleting_an_upload_deletes_its_ground_truth(
    api, member, clip, attached, media_root, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        assert api(member).delete(f"/api/v1/uploads/{clip.pk}/").status_code == 204
    assert not GroundTruth.objects.exists()
    assert list((media_root / "truths").iterdir()) == []


def test_outsiders_and_viewers_cannot_change_it(refusals, url, attached):
    assert refusals("put", url, sent(), format="multipart") == {"anonymous": 401, "outsider": 404, "viewer": 403}
    assert refusals("delete", url) == {"anonymous": 401, "outsider": 404, "viewer": 403}
    assert GroundTruth.objects.get().pk == attached.pk


@pytest.mark.parametrize("path", ["", "track/", f"track/{'0a' * 8}.bin"])
def test_only_the_team_reads_it(refusals, url, attached, path):
    assert refusals("get", url + path) == {"anonymous": 401, "outsider": 404, "viewer": 200}


def test_the_page_offers_it_to_members(client, member, viewer, clip):
    address, change = reverse("upload", args=[clip.pk]), reverse("upload-truth-change", args=[clip.pk])
    client.force_login(viewer)
    assert change not in client.get(address).content.decode()
    client.force_login(member)
    assert change in client.get(address).content.decode()
    page = client.post(change, sent() | {"action": "attach"}, follow=True).content.decode()
    assert "The ground truth was accepted" in page
    assert f"hands.npz (palmares): {FRAMES} hands" in page
    assert "Choose the file" in client.post(change, {"action": "attach"}, follow=True).content.decode()
    bad = client.post(change, sent(npz(hands(FRAMES, fps=25))) | {"action": "attach"}, follow=True).content.decode()
    assert "at 25 frames/s, but the video has 30" in bad
    assert "The ground truth was removed" in client.post(change, {"action": "remove"}, follow=True).content.decode()
    assert not GroundTruth.objects.exists()


def test_the_command(clip, tmp_path, capsys):
    path = tmp_path / "hands.npz"
    path.write_bytes(npz(hands(FRAMES)))
    call_command("truth", str(clip.pk), str(path))
    assert f"{FRAMES} hands were attached" in capsys.readouterr().out
    assert GroundTruth.objects.get().created_by is None
    call_command("truth", str(clip.pk), remove=True)
    assert not GroundTruth.objects.exists()
    with pytest.raises(CommandError, match="has no ground truth"):
        call_command("truth", str(clip.pk), remove=True)
    path.write_bytes(npz(hands(FRAMES + 1)))
    with pytest.raises(CommandError, match="the video has 12 frames"):
        call_command("truth", str(clip.pk), str(path))


def test_it_counts_in_the_teams_storage(api, member, url, clip, team):
    team.storage_limit_bytes = clip.size_bytes + 100
    team.save()
    answer = put(api(member), url)
    assert (answer.status_code, "may store" in answer.json()["detail"]) == (413, True)
    assert not GroundTruth.objects.exists()
    team.storage_limit_bytes = clip.size_bytes + 10 * len(npz(hands(FRAMES)))
    team.save()
    assert put(api(member), url).status_code == 201
    assert storage_use(team).used == clip.size_bytes + len(npz(hands(FRAMES)))
