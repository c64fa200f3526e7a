"""A team adds predictions of its own method to an upload; such a run is shown like any other."""

from __future__ import annotations

import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from palmares.queue.models import Status
from palmares.runs.method_names import EXTERNAL_COLOURS
from palmares.runs.models import Run
from palmares.uploads.models import Upload
from tests.attachments import FRAMES
from tests.predictions import hands, npz

URL = "/api/v1/runs/"


@pytest.fixture
def clip(upload) -> Upload:
    upload.frame_count = FRAMES
    upload.save()
    return upload


def sent(clip: Upload, content: bytes | None = None, name: str = "hands.npz", **fields: str):
    file = SimpleUploadedFile(name, npz(hands(FRAMES)) if content is None else content)
    return {"upload": str(clip.pk), "method_name": "Our method", "format": "palmares", "file": file, **fields}


def test_predictions_become_a_run(api, member, clip, media_root):
    answer = api(member).post(URL, sent(clip, version="v3", link="https://example.org/code"), format="multipart")
    assert answer.status_code == 201, answer.json()
    shown = answer.json()
    assert (shown["method"], shown["method_title"], shown["method_version"]) == ("Our method", "Our method", "v3")
    assert (shown["is_external"], shown["link"], shown["status"]) == (True, "https://example.org/code", "queued")
    assert shown["colour"] in EXTERNAL_COLOURS
    run = Run.objects.get(pk=shown["id"])
    assert (media_root / run.source).read_bytes() == npz(hands(FRAMES))
    assert [row["id"] for row in api(member).get(f"{URL}?method=Our method").json()["results"]] == [shown["id"]]


def test_a_method_of_the_platform_is_still_started_as_json(api, member, clip):
    answer = api(member).post(URL, {"upload": str(clip.pk), "method": "2d-fit"}, format="json")
    assert (answer.status_code, answer.json()["is_external"]) == (201, False)


def test_the_same_key_adds_it_once(api, member, clip):
    client = api(member)
    first, second = (
        client.post(URL, sent(clip), format="multipart", headers={"Idempotency-Key": "once"}).json()["id"] for _ in range(2)
    )
    assert first == second
    assert Run.objects.count() == 1


@pytest.mark.parametrize(
    ("content", "fields", "status", "sentence"),
    [
        (npz(hands(FRAMES + 1)), {}, 422, "`frame` 12, but the video has 12 frames"),
        (npz(hands(FRAMES, fps=60)), {}, 422, "at 60 frames/s, but the video has 30"),
        (None, {"format": "mano"}, 422, "which is not known; expected frame, is_right"),
        (None, {"format": "pickle"}, 400, "is not a valid choice"),
        (None, {"name": "hands.pt"}, 400, "ends in .pt; expected one of .npz, .zip, .json"),
        (None, {"method_name": "2d fit"}, 400, "is a method of the platform"),
        (None, {"method_name": "2D-FIT"}, 400, "is a method of the platform"),
        (None, {"method_name": " \t"}, 400, "method_name"),
        (None, {"method_name": "x" * 81}, 400, "no more than 80"),
        (None, {"link": "javascript:alert(1)"}, 400, "Enter a valid URL"),
        (None, {"upload": "0" * 8}, 400, "upload"),
    ],
)
def test_what_cannot_be_used_is_refused_and_leaves_nothing(api, member, clip, media_root, content, fields, status, sentence):
    answer = api(member).post(URL, sent(clip, content, **fields), format="multipart")
    assert answer.status_code == status, answer.json()
    assert sentence in json.dumps(answer.json(), ensure_ascii=False)
    assert not Run.objects.exists()
    assert not list((media_root / "runs").glob("*")) if (media_root / "runs").exists() else True


def test_an_upload_that_is_not_ready_accepts_no_external_run(api, member, clip):
    clip.status = Status.QUEUED
    clip.save()
    answer = api(member).post(URL, sent(clip), format="multipart")
    assert (answer.status_code, "try again when it is ready" in answer.json()["detail"]) == (409, True)


def test_anonymous_callers_viewers_and_outsiders_are_refused(api, clip, viewer, outsider):
    def status(user):
        return api(user).post(URL, sent(clip), format="multipart").status_code

    assert (status(viewer), status(outsider), status(None)) == (403, 400, 401)
    assert not Run.objects.exists()


def test_predictions_can_be_added_on_the_page(client, member, viewer, clip):
    change = reverse("upload-add-run", args=[clip.pk])
    client.force_login(viewer)
    assert change not in client.get(reverse("upload", args=[clip.pk])).content.decode()
    client.force_login(member)
    assert change in client.get(reverse("upload", args=[clip.pk])).content.decode()
    page = client.post(change, sent(clip), follow=True).content.decode()
    assert "Our method" in page
    assert "“Our method” was added" in page
    wrong = client.post(change, sent(clip, npz(hands(FRAMES, fps=60))), follow=True).content.decode()
    assert "at 60 frames/s, but the video has 30" in wrong
    assert "Choose the file" in client.post(change, {"method_name": "x"}, follow=True).content.decode()
    assert Run.objects.count() == 1


def test_the_viewer_shows_an_external_run(client, member, clip, finished_run):
    finished_run.method, finished_run.source = "Our method", "runs/x/source.npz"
    finished_run.save()
    client.force_login(member)
    (shown,) = client.get(reverse("viewer", args=[clip.pk])).context["viewer"]["runs"]
    assert (shown["is_external"], shown["method_title"], shown["shape_used"]) == (
        True,
        "Our method",
        "as in the file that was sent",
    )


def test_a_team_at_its_limit_of_open_runs_is_refused(api, member, clip, settings, run):
    settings.TEAM_OPEN_RUNS = 1
    answer = api(member).post(URL, sent(clip), format="multipart")
    assert (answer.status_code, "at the same time" in answer.json()["detail"]) == (429, True)
