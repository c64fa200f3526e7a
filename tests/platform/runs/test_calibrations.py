"""Calibrations over the API and from the page: asked for, followed, taken back, and seen by their team alone."""

from __future__ import annotations

import html

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from palmares.queue.models import Status
from palmares.runs.models import Calibration
from palmares.subjects.models import HandShape
from tests.factories import HandShapeFactory, SubjectFactory, UploadFactory

NOBODYS = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def url(subject) -> str:
    return f"/api/v1/subjects/{subject.pk}/calibrations/"


def test_members_calibrate_from_uploads_of_the_subject(api, url, upload, member, viewer, stranger):
    body = {"uploads": [str(upload.pk)], "side": "right", "max_images": 5, "scale": {"length_mm": 187}}
    for user, code in ((None, 401), (stranger, 404), (viewer, 403)):
        assert api(user).post(url, body).status_code == code
    answer = api(member).post(url, body)
    assert answer.status_code == 201, answer.json()
    made = answer.json()
    assert (made["status"], made["place"], made["side"], made["scale"]) == ("queued", 1, "right", {"length_mm": 187.0})
    assert made["hand_shape"] is None
    assert [c["id"] for c in api(viewer).get(url).json()] == [made["id"]]
    assert api(stranger).get(f"/api/v1/calibrations/{made['id']}/").status_code == 404
    assert api(stranger).get(url).status_code == 404


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"uploads": []}, "0 uploads"),
        ({"max_images": 1}, "max_images"),
        ({"max_images": 21}, "max_images"),
        ({"side": "middle"}, "side"),
        ({"scale": {"weight": 3}}, "no source of scale 'weight'"),
        ({"scale": {"length_mm": "long"}}, "length_mm"),
        ({"scale": {"length_mm": -3}}, "above 0"),
        ({"scale": {"length_mm": True}}, "above 0"),
        ({"scale": {"object": 3}}, "`object` is an object"),
        ({"scale": {"object": {"size_mm": 85.6}}}, "object.size_px"),
        ({"scale": {"distance": {"distance_mm": 400, "upload": "x"}}}, "needs the id of an `upload`"),
        ({"scale": {"distance": {"distance_mm": 400, "upload": NOBODYS}}}, "not one of the uploads"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(api, url, upload, member, change, says):
    answer = api(member).post(url, {"uploads": [str(upload.pk)]} | change)
    assert answer.status_code == 400
    assert says in str(answer.json())
    assert not Calibration.objects.exists()


def test_other_subjects_uploads_are_refused(api, url, team, member, stranger):
    ours = UploadFactory(subject=SubjectFactory(team=team))
    assert "another subject" in api(member).post(url, {"uploads": [str(ours.pk)]}).json()["detail"]
    theirs = UploadFactory()
    assert api(member).post(url, {"uploads": [str(theirs.pk)]}).status_code == 400
    failed = UploadFactory(subject_id=url.split("/")[4], status=Status.FAILED)
    assert api(member).post(url, {"uploads": [str(failed.pk)]}).status_code == 409


def test_it_waits_for_its_uploads(subject, api, url, member):
    waiting = UploadFactory(subject=subject, status=Status.RUNNING)
    made = api(member).post(url, {"uploads": [str(waiting.pk)]}).json()
    found = Calibration.objects.filter(Calibration.startable(), pk=made["id"])
    assert not found.exists()
    waiting.status = Status.SUCCEEDED
    waiting.save()
    assert found.exists()


@pytest.fixture
def finished(subject, upload, team) -> Calibration:
    shape = HandShapeFactory(
        subject=subject, source=HandShape.Source.CALIBRATED, length_mm=187.2, width_mm=64.0,
        details={"length_sigma_mm": 1.2, "width_sigma_mm": 0.8, "scale": "length_mm"},
    )  # fmt: skip
    made = Calibration.objects.create(subject=subject, status=Status.SUCCEEDED, hand_shape=shape)
    made.uploads.set([upload])
    made.folder = f"calibrations/{made.pk}/1"
    picture = {"upload": str(upload.pk), "name": upload.name, "frame": 3, "side": "left", "joints": [[0.5, 0.5]] * 21}
    made.facts = {
        "pictures": [picture | {"weight": 0.6}, picture | {"weight": 0.4}],
        "settled_mm": [[180.0, 60.0], [187.2, 64.0]],
        "length_sigma_mm": 1.2,
        "width_sigma_mm": 0.8,
        "betas_sigma": [0.1] * 10,
        "scale": "length_mm",
    }
    made.save()
    for name in ("hand.glb", "frame-00.jpg", "frame-01.jpg"):
        default_storage.save(f"{made.folder}/{name}", ContentFile(b"drawn"))
    return made


def test_its_drawings_are_its_teams_alone(api, finished, viewer, stranger):
    for name, kind in (("hand.glb", "model/gltf-binary"), ("frame-00.jpg", "image/jpeg")):
        answer = api(viewer).get(f"/api/v1/calibrations/{finished.pk}/files/{name}")
        assert (answer.getvalue(), answer["Content-Type"]) == (b"drawn", kind)
        assert api(stranger).get(f"/api/v1/calibrations/{finished.pk}/files/{name}").status_code == 404
    assert api(viewer).get(f"/api/v1/calibrations/{finished.pk}/files/frame-07.jpg").status_code == 404
    assert api(viewer).get(f"/api/v1/calibrations/{finished.pk}/files/../secret").status_code == 404


def test_the_page_shows_size_pictures_and_how_it_settled(client, finished, viewer, stranger):
    client.force_login(viewer)
    page = client.get(f"/calibrations/{finished.pk}/").content.decode()
    assert "187.2 ± 1.2 mm long" in page
    assert "scale from length_mm" in page
    assert page.count("frame-0") == 2
    assert page.count("<polyline") == 2
    assert "Delete" not in page
    client.force_login(stranger)
    assert client.get(f"/calibrations/{finished.pk}/").status_code == 404


def test_members_start_one_from_the_page(client, subject, upload, member, viewer):
    page = f"/subjects/{subject.pk}/calibrate/"
    client.force_login(viewer)
    assert (client.get(page).status_code, client.post(page, {}).status_code) == (403, 403)
    client.force_login(member)
    for field, sentence in (
        ({"length_mm": "18,7 cm"}, "«18.7 cm» is no number"),
        ({"uploads": []}, "0 uploads; a calibration takes 1 to 20"),
        ({"max_images": "21"}, "takes 2 to 20 pictures"),
        ({"max_images": "nan"}, "is no number"),
        ({"object_mm": "85.6", "object_px": ""}, "Measure in the picture"),
        ({"distance_mm": "-5", "scale_upload": str(upload.pk)}, "expected a number above 0"),
        ({"distance_mm": "500", "scale_upload": "x"}, "needs the id of an `upload`"),
        ({"distance_mm": "500", "scale_upload": str(upload.pk), "scale_frame": "1e300"}, "expected the index of a frame"),
    ):
        answer = client.post(page, {"side": "left", "uploads": [str(upload.pk)], **field})
        assert sentence in html.unescape(answer.content.decode()), field
        written = next(iter(field.values()))
        assert not written or f'value="{written}"' in answer.content.decode(), "what was written is still there"
    assert not Calibration.objects.exists()
    client.post(page, {"side": "both", "length_mm": "187,5", "max_images": "12", "uploads": [str(upload.pk)]})
    made = Calibration.objects.get()
    assert (made.scale, made.max_images) == ({"length_mm": 187.5}, 12)


def test_a_card_and_a_distance_are_given_on_the_page(client, subject, upload, member):
    client.force_login(member)
    where = {"scale_upload": str(upload.pk), "scale_frame": "7"}
    sent = {"object_mm": "85.6", "object_px": "171.2", "distance_mm": "450", "uploads": [str(upload.pk)], **where}
    client.post(f"/subjects/{subject.pk}/calibrate/", sent)
    picture = {"upload": str(upload.pk), "frame": 7}
    assert Calibration.objects.get().scale == {
        "object": {"size_mm": 85.6, "size_px": 171.2, **picture},
        "distance": {"distance_mm": 450.0, **picture},
    }


def test_without_a_ready_video_there_is_nothing_to_calibrate(client, subject, member):
    client.force_login(member)
    assert "No video of" in client.get(f"/subjects/{subject.pk}/calibrate/").content.decode()


def test_deleting_removes_shape_and_files(api, finished, member, viewer, media_root, django_capture_on_commit_callbacks):
    url = f"/api/v1/calibrations/{finished.pk}/"
    assert api(viewer).delete(url).status_code == 403
    with django_capture_on_commit_callbacks(execute=True):
        assert api(member).delete(url).status_code == 204
    assert not HandShape.objects.exists()
    assert not (media_root / "calibrations" / str(finished.pk)).exists()


def test_members_cancel_and_retry(api, url, upload, member, viewer):
    made = api(member).post(url, {"uploads": [str(upload.pk)]}).json()
    own = f"/api/v1/calibrations/{made['id']}/"
    assert api(viewer).post(f"{own}cancel/").status_code == 403
    assert api(member).post(f"{own}cancel/").json()["status"] == "cancelled"
    assert api(member).post(f"{own}cancel/").status_code == 409
    assert api(member).post(f"{own}retry/").json()["status"] == "queued"
