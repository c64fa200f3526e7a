"""Boxes around hands that the detector missed: drawn, listed, deleted, limited, and kept by runs that are started after."""

from __future__ import annotations

import pytest

from palmares.queue.models import Status
from palmares.runs.models import Run
from palmares.uploads.hand_boxes import add_box
from palmares.uploads.models import HandBox, Upload
from tests.factories import UploadFactory

BOX = {"frame": 12, "x": 10.5, "y": 20, "width": 100, "height": 80.25, "side": "left"}


@pytest.fixture
def url(upload) -> str:
    Upload.objects.filter(pk=upload.pk).update(status=Status.SUCCEEDED, width=640, height=480, frame_count=150)
    upload.refresh_from_db()
    return f"/api/v1/uploads/{upload.pk}/boxes/"


@pytest.fixture
def box(upload, url, member) -> HandBox:
    return add_box(upload=upload, by=member, **BOX)


def test_one_is_drawn_listed_and_deleted(api, member, url):
    made = api(member).post(url, BOX)
    assert made.status_code == 201, made.json()
    assert {name: made.json()[name] for name in BOX} == BOX
    assert [each["id"] for each in api(member).get(url).json()["results"]] == [made.json()["id"]]
    assert api(member).delete(f"{url}{made.json()['id']}/").status_code == 204
    assert api(member).get(url).json()["results"] == []


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"frame": 150}, "frame", "it has frames 0 to 149"),
        ({"frame": -1}, "frame", "greater than or equal to 0"),
        ({"x": -1}, "x", "expected 0 to 640"),
        ({"x": 541}, "x", "from x = 541 to 641, expected 0 to 640"),
        ({"y": 400}, "y", "expected 0 to 480"),
        ({"width": 7}, "width", "at least 8 px"),
        ({"height": -80}, "height", "at least 8 px"),
        ({"x": "nan"}, "x", "valid number"),
        ({"width": "inf"}, "width", "valid number"),
        ({"side": "both"}, "side", "not a valid choice"),
        ({"y": None}, "y", "null"),
    ],
)
def test_an_invalid_box_or_one_outside_the_image_is_refused(api, member, url, change, field, words):
    answer = api(member).post(url, BOX | change)
    assert answer.status_code == 400
    assert words in " ".join(answer.json()["errors"][field])
    assert not HandBox.objects.exists()


def test_there_is_a_limit(api, member, url, box, monkeypatch):
    monkeypatch.setattr("palmares.uploads.hand_boxes.MOST_BOXES", 1)
    answer = api(member).post(url, BOX)
    assert answer.status_code == 409
    assert "the maximum" in answer.json()["detail"]


def test_an_upload_that_is_not_ready_has_no_frames_to_draw_in(api, member, url):
    Upload.objects.update(status=Status.RUNNING, frame_count=None)
    answer = api(member).post(url, BOX)
    assert answer.status_code == 409
    assert "its frames are not known yet" in answer.json()["detail"]


def test_outsiders_are_refused_and_viewers_may_only_read(refusals, url, box):
    assert refusals("get", url) == {"anonymous": 401, "outsider": 404, "viewer": 200}
    assert refusals("post", url, BOX) == {"anonymous": 401, "outsider": 404, "viewer": 403}
    assert refusals("delete", f"{url}{box.pk}/") == {"anonymous": 401, "outsider": 404, "viewer": 403}
    assert HandBox.objects.count() == 1


def test_another_uploads_box_is_not_found(api, member, subject, box):
    other = UploadFactory(subject=subject)
    assert api(member).delete(f"/api/v1/uploads/{other.pk}/boxes/{box.pk}/").status_code == 404


def test_a_run_keeps_the_boxes_that_there_were_when_it_was_started(api, member, upload, url, box):
    sent = {"upload": str(upload.pk), "method": "2d-fit"}
    first = api(member).post("/api/v1/runs/", sent).json()
    assert first["boxes"] == [{"id": str(box.pk), **BOX}]
    api(member).delete(f"{url}{box.pk}/")
    assert Run.objects.get(pk=first["id"]).boxes == first["boxes"]
    assert api(member).post("/api/v1/runs/", sent).json()["boxes"] == []
