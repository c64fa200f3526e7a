"""Calibrations over the API and from the page: requested, followed, cancelled, and visible only to their team."""

from __future__ import annotations

import html
import re
from typing import get_args

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from ml.identity.calibration import Solver, Weights, solver_named
from palmares.calibrations import forms as calibration_form
from palmares.calibrations import services
from palmares.calibrations.models import Calibration
from palmares.queue.models import Status
from palmares.subjects.models import HandShape
from palmares.uploads.models import Upload
from tests.factories import HandShapeFactory, SubjectFactory, UploadFactory

INTRINSICS = [600.0, 0, 320, 0, 600, 240, 0, 0, 1]
NOBODYS = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def url(subject) -> str:
    return f"/api/v1/subjects/{subject.pk}/calibrations/"


def test_members_calibrate_from_uploads_of_the_subject(api, url, upload, member, viewer, outsider):
    body = {"uploads": [str(upload.pk)], "side": "right", "max_images": 5, "scale": {"length_mm": 187}}
    for user, code in ((None, 401), (outsider, 404), (viewer, 403)):
        assert api(user).post(url, body).status_code == code
    answer = api(member).post(url, body)
    assert answer.status_code == 201, answer.json()
    made = answer.json()
    assert (made["status"], made["place"], made["side"], made["scale"]) == ("queued", 1, "right", {"length_mm": 187.0})
    assert made["hand_shape"] is None
    assert [c["id"] for c in api(viewer).get(url).json()] == [made["id"]]
    assert api(outsider).get(f"/api/v1/calibrations/{made['id']}/").status_code == 404
    assert api(outsider).get(url).status_code == 404


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"uploads": []}, "0 uploads"),
        ({"max_images": 1}, "max_images"),
        ({"max_images": 21}, "max_images"),
        ({"side": "middle"}, "side: There is no “middle”; there are left, right, both."),
        ({"scale": {"weight": 3}}, "no source of scale 'weight'"),
        ({"scale": {"length_mm": "long"}}, "length_mm"),
        ({"scale": {"length_mm": -3}}, "above 0 and below 100000"),
        ({"scale": {"length_mm": 1e9}}, "below 100000"),
        ({"scale": {"length_mm": True}}, "above 0"),
        ({"scale": {"object": 3}}, "`object` is an object"),
        ({"scale": {"object": {"size_mm": 85.6}}}, "`object.size_px` is missing"),
        ({"solver": "median"}, "solver: There is no “median”; there are joint-bundle, shrinkage, poster, mean."),
        ({"weights": "even"}, "weights: There is no “even”; there are confidence, uniform."),
        ({"scale": {"distance": {"distance_mm": 400, "upload": "x"}}}, "needs the id of an `upload`"),
        ({"scale": {"distance": {"distance_mm": 400, "upload": NOBODYS}}}, "not one of the uploads"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(api, url, upload, member, change, says):
    answer = api(member).post(url, {"uploads": [str(upload.pk)]} | change)
    assert answer.status_code == 400
    assert says in str(answer.json())
    assert not Calibration.objects.exists()


@pytest.mark.parametrize("frame", [1.7, "1", True, None, -1, 150])
def test_a_frame_is_a_whole_number_within_the_video(api, url, upload, member, frame):
    scale = {"object": {"size_mm": 85.6, "size_px": 200, "upload": str(upload.pk), "frame": frame}}
    answer = api(member).post(url, {"uploads": [str(upload.pk)], "scale": scale}, format="json")
    assert answer.status_code == 400
    assert "expected the index of a frame of “our clip.mp4”, 0 to 149" in answer.json()["detail"]


def test_a_distance_needs_a_camera_that_is_known(api, client, url, subject, upload, member):
    scale = {"distance": {"distance_mm": 450, "upload": str(upload.pk), "frame": 3}}
    body = {"uploads": [str(upload.pk)], "scale": scale}
    answer = api(member).post(url, body)
    assert answer.status_code == 400
    assert "of “our clip.mp4” the focal length is a guess" in answer.json()["detail"]
    assert "`intrinsics`" in answer.json()["detail"]
    client.force_login(member)
    sent = {"uploads": [str(upload.pk)], "distance_mm": "450", "scale_upload": str(upload.pk), "scale_frame": "3"}
    assert "the focal length is a guess" in html.unescape(
        client.post(f"/subjects/{subject.pk}/calibrate/", sent).content.decode()
    )
    assert not Calibration.objects.exists()
    for known in (
        {"intrinsics": INTRINSICS},
        {"facts": {"camera": {"focal_px": 600.0}}},
        {"facts": {"synthetic": {"seed": 1}}},
    ):
        other = UploadFactory(subject=subject, **known)
        scale["distance"]["upload"] = str(other.pk)
        assert api(member).post(url, {"uploads": [str(other.pk)], "scale": scale}).status_code == 201


def test_the_field_problem_of_version_0_1_is_still_accepted(api, url, upload, member):
    made = api(member).post(url, {"uploads": [str(upload.pk)], "problem": "fused"}).json()
    assert (made["solver"], made["problem"]) == ("shrinkage", "fused")
    refused = api(member).post(url, {"uploads": [str(upload.pk)], "problem": "median"})
    assert (refused.status_code, "There is no" in str(refused.json())) == (400, True)


def test_the_solver_and_the_weights_are_chosen(api, url, upload, member):
    assert tuple(solver_named(name) for name in services.SOLVERS) == get_args(Solver)
    assert get_args(Weights) == services.WEIGHTS
    body = {"uploads": [str(upload.pk)]}
    assert api(member).post(url, body).json()["solver"] == ""
    made = api(member).post(url, body | {"solver": "poster", "weights": "uniform"}).json()
    assert (made["solver"], made["weights"]) == ("poster", "uniform")
    refused = api(member).post(url, body | {"solver": "median"})
    assert refused.status_code == 400
    assert "joint-bundle, shrinkage, poster, mean" in refused.json()["detail"]


def test_other_subjects_uploads_are_refused(api, url, team, member, outsider):
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
    image = {"upload": str(upload.pk), "name": upload.name, "frame": 3, "side": "left", "joints": [[0.5, 0.5]] * 21}
    made.facts = {
        "images": [image | {"weight": 0.6}, image | {"weight": 0.4}],
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


def test_only_the_team_reads_the_drawings_of_a_calibration(api, finished, viewer, outsider):
    for name, kind in (("hand.glb", "model/gltf-binary"), ("frame-00.jpg", "image/jpeg")):
        answer = api(viewer).get(f"/api/v1/calibrations/{finished.pk}/files/{name}")
        assert (answer.getvalue(), answer["Content-Type"]) == (b"drawn", kind)
        assert api(outsider).get(f"/api/v1/calibrations/{finished.pk}/files/{name}").status_code == 404
    assert api(viewer).get(f"/api/v1/calibrations/{finished.pk}/files/frame-07.jpg").status_code == 404
    assert api(viewer).get(f"/api/v1/calibrations/{finished.pk}/files/../secret").status_code == 404


def test_the_page_shows_size_images_and_convergence(client, finished, viewer, outsider):
    client.force_login(viewer)
    page = client.get(f"/calibrations/{finished.pk}/").content.decode()
    assert "187.2 ± 1.2 mm long" in page
    assert "scale from length_mm" in page
    assert page.count("frame-0") == 2
    assert page.count("<polyline") == 2
    assert page.count(">number of images</text>") == page.count(">mm</text>") == 2
    assert "Length by number of images: 187.2 mm" in page
    assert {"180", "182", "184", "186"} <= set(re.findall(r">([\d.]+)</text>", page))
    assert "Delete" not in page
    client.force_login(outsider)
    assert client.get(f"/calibrations/{finished.pk}/").status_code == 404


def test_members_start_one_from_the_page(client, subject, upload, member, viewer):
    page = f"/subjects/{subject.pk}/calibrate/"
    client.force_login(viewer)
    assert (client.get(page).status_code, client.post(page, {}).status_code) == (403, 403)
    client.force_login(member)
    for field, sentence in (
        ({"length_mm": "18,7 cm"}, "Measured hand length: “18,7 cm” is no number"),
        ({"length_mm": "1e9"}, "“1e9” cannot be right, expected a number above 0 and below 100000"),
        ({"uploads": []}, "0 uploads; a calibration takes 1 to 20"),
        ({"max_images": "21"}, "takes 2 to 20 images"),
        ({"max_images": "nan"}, "is no number"),
        ({"object_mm": "85.6", "object_px": ""}, "Measure the size of the object"),
        ({"distance_mm": "-5", "scale_upload": str(upload.pk)}, "expected a number above 0"),
        ({"distance_mm": "500", "scale_upload": "x"}, "“Image that shows the object” is of a video that is not selected"),
        (
            {"distance_mm": "500", "scale_upload": str(upload.pk), "scale_frame": "1e300"},
            "Frame: “1e300”, expected a whole number",
        ),
        ({"distance_mm": "500", "scale_upload": str(upload.pk), "scale_frame": "1.7"}, "Frame: “1.7”, expected a whole number"),
        ({"distance_mm": "500", "scale_upload": str(upload.pk), "scale_frame": "150"}, "Frame: 150 is not in “our clip.mp4”"),
        ({"max_images": "2.5"}, "Maximum number of images: “2.5”, expected a whole number"),
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
    Upload.objects.update(intrinsics=INTRINSICS)
    where = {"scale_upload": str(upload.pk), "scale_frame": "7"}
    sent = {"object_mm": "85.6", "object_px": "171.2", "distance_mm": "450", "uploads": [str(upload.pk)], **where}
    client.post(f"/subjects/{subject.pk}/calibrate/", sent)
    picture = {"upload": str(upload.pk), "frame": 7}
    assert Calibration.objects.get().scale == {
        "object": {"size_mm": 85.6, "size_px": 171.2, **picture},
        "distance": {"distance_mm": 450.0, **picture},
    }


def test_the_image_with_the_scale_must_be_of_a_selected_video(client, subject, upload, member):
    client.force_login(member)
    newest, page = UploadFactory(subject=subject), f"/subjects/{subject.pk}/calibrate/"
    sent = {"object_mm": "85.6", "object_px": "171", "uploads": [str(upload.pk)], "scale_upload": str(newest.pk)}
    shown = html.unescape(client.post(page, sent).content.decode())
    assert "is of a video that is not selected under “Videos”" in shown
    assert "object.upload" not in shown
    chosen = re.search(r'<option value="([^"]+)" data-video="[^"]*"[^>]* selected', shown)
    assert chosen is not None
    assert chosen[1] == str(upload.pk)


def test_solver_and_weights_are_chosen_on_the_page_and_shown(client, subject, upload, member, finished):
    client.force_login(member)
    page = f"/subjects/{subject.pk}/calibrate/"
    shown = client.get(page).content.decode()
    assert all(f'<option value="{name}"' in shown for name in (*services.SOLVERS, *services.WEIGHTS))
    assert set(calibration_form.SOLVERS) == {"", *services.SOLVERS}
    assert tuple(calibration_form.WEIGHTS) == services.WEIGHTS
    refused = client.post(page, {"uploads": [str(upload.pk)], "solver": "median"}).content.decode()
    assert "There is no solver 'median'; there are joint-bundle, shrinkage, poster, mean" in html.unescape(refused)
    client.post(page, {"uploads": [str(upload.pk)], "solver": "poster", "weights": "uniform"})
    made = Calibration.objects.exclude(pk=finished.pk).get()
    assert (made.solver, made.weights) == ("poster", "uniform")
    Calibration.objects.filter(pk=finished.pk).update(facts=finished.facts | {"solver": "mean"}, weights="uniform")
    assert "Solver: mean. Weights: uniform." in client.get(f"/calibrations/{finished.pk}/").content.decode()


def test_other_calibrations_are_compared_and_failed_ones_left_out(client, subject, member, finished):
    client.force_login(member)
    Calibration.objects.create(subject=subject, status=Status.FAILED, error="No hand.")
    for beta, solver in ((1.0, "mean"), (2.0, "poster")):
        shape = HandShapeFactory(subject=subject, betas=[beta] + [0.0] * 9, length_mm=190.0, width_mm=60.0)
        facts = {"images": [{}] * 7, "solver": solver, "scale": "assumed"}
        Calibration.objects.create(subject=subject, status=Status.SUCCEEDED, hand_shape=shape, facts=facts)
    page = client.get(f"/calibrations/{finished.pk}/").content.decode().partition("Other calibrations")[2]
    rows = [re.sub(r"<[^>]+>", " ", row).split() for row in page.partition("</table>")[0].split("<tr>")[2:]]
    assert [row[-4:] for row in rows] == [["7", "poster", "confidence", "0.400"], ["7", "mean", "confidence", "0.100"]]
    assert "failed" not in page


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


def test_unsorted_uploads_cannot_be_calibrated(api, client, team, member):
    unsorted = SubjectFactory(team=team, name="Unsorted")
    upload = UploadFactory(subject=unsorted, status=Status.SUCCEEDED)
    answer = api(member).post(f"/api/v1/subjects/{unsorted.pk}/calibrations/", {"uploads": [str(upload.pk)]})
    assert (answer.status_code, "several people" in answer.json()["detail"]) == (400, True)
    client.force_login(member)
    page = client.get(f"/subjects/{unsorted.pk}/").content.decode()
    assert (f"/subjects/{unsorted.pk}/calibrate/" in page, "create a subject for the person" in page) == (False, True)


def test_deleting_an_upload_deletes_the_crops_cut_from_it(
    api, client, member, subject, upload, django_capture_on_commit_callbacks
):
    kept = UploadFactory(subject=subject, name="kept.mp4", status=Status.SUCCEEDED)
    images = [
        {"upload": str(each.pk), "name": each.name, "frame": 3, "side": "left", "joints": [[0.5, 0.5]], "weight": 0.5}
        for each in (kept, upload)
    ]
    made = Calibration.objects.create(
        subject=subject, status=Status.SUCCEEDED, folder="calibrations/x", facts={"images": images}
    )
    made.hand_shape = HandShapeFactory(subject=subject)
    made.save()
    made.uploads.set([kept, upload])
    for number in range(2):
        default_storage.save(f"calibrations/x/frame-{number:02d}.jpg", ContentFile(b"crop"))
    with django_capture_on_commit_callbacks(execute=True):
        assert api(member).delete(f"/api/v1/uploads/{upload.pk}/").status_code == 204
    address = f"/api/v1/calibrations/{made.pk}/"
    assert [default_storage.exists(f"calibrations/x/frame-{number:02d}.jpg") for number in range(2)] == [True, False]
    assert api(member).get(f"{address}files/frame-01.jpg").status_code == 404
    shown = api(member).get(address).content.decode()
    assert (upload.name in shown, str(upload.pk) in shown, kept.name in shown) == (False, False, True)
    client.force_login(member)
    page = client.get(f"/calibrations/{made.pk}/")
    assert (page.status_code, "Upload deleted" in page.content.decode()) == (200, True)
