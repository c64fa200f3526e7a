import re
from uuid import uuid4

import pytest

from ml.catalog import METHODS
from ml.methods.interface import Request, UnsupportedModelError, load_method
from palmares.queue.models import Status
from palmares.runs.models import Prediction, Run
from palmares.subjects.models import HandShape
from palmares.uploads.models import Upload
from tests.factories import HandShapeFactory, RunFactory, UploadFactory

URL = "/api/v1/runs/"


@pytest.fixture
def data(upload):
    return {"upload": str(upload.pk), "method": "2d-fit"}


def test_it_works(api, member, data):
    response = api(member).post(URL, data)
    assert response.status_code == 201
    body = response.json()
    assert (body["status"], body["place"], body["method_title"], body["colour"]) == (
        "queued",
        1,
        "2D fit",
        METHODS["2d-fit"].colour,
    )
    assert body["prediction"] is None
    assert Run.objects.get().created_by == member


def test_with_a_hand_shape(api, member, data, subject):
    shape = HandShapeFactory(subject=subject)
    assert api(member).post(URL, {**data, "hand_shape": str(shape.pk)}).json()["hand_shape"] == str(shape.pk)


def test_on_an_upload_that_is_not_ready_it_waits(api, member, data):
    Upload.objects.update(status=Status.RUNNING)
    assert api(member).post(URL, data).json()["status"] == "queued"


@pytest.mark.parametrize("status", [Status.FAILED, Status.CANCELLED])
def test_a_run_on_a_failed_or_cancelled_upload_is_refused(api, member, data, status):
    Upload.objects.update(status=status)
    assert api(member).post(URL, data).status_code == 409
    assert not Run.objects.exists()


@pytest.mark.parametrize(
    "change",
    [{"method": "magic"}, {"method": ""}, {"hand_model": "smpl"}, {"upload": "x"}, {"upload": None}, {"hand_shape": 7}],
)
def test_it_refuses(api, member, data, change):
    assert api(member).post(URL, {**data, **change}).status_code == 400


def test_shapes_of_another_subject_model_or_team_are_refused(api, member, data, team, subject):
    of_another_subject = HandShapeFactory(subject__team=team)
    of_another_model = HandShapeFactory(subject=subject, hand_model="mano")
    of_another_team = HandShapeFactory()
    for shape in (of_another_subject, of_another_model, of_another_team):
        assert api(member).post(URL, {**data, "hand_shape": str(shape.pk)}).status_code == 400


def test_a_shape_of_the_first_open_hand_is_refused_and_not_offered(api, client, member, data, upload, subject):
    shape = HandShapeFactory(subject=subject, hand_model="open-1")
    answer = api(member).post(URL, {**data, "hand_shape": str(shape.pk)})
    assert answer.status_code == 400
    assert "belongs to the open hand of version 0.1" in answer.json()["detail"]
    client.force_login(member)
    assert str(shape.pk) not in client.get(f"/uploads/{upload.pk}/").content.decode()


@pytest.mark.parametrize("method", METHODS)
def test_a_hand_model_that_the_method_does_not_support_is_refused_with_a_reason(api, member, data, method):
    answer = api(member).post(URL, {**data, "method": method, "hand_model": "mano"})
    if "mano" in METHODS[method].hand_models:
        assert answer.status_code == 201
        return
    assert answer.status_code == 400
    nothing = Request(clip=None, keypoints=None, intrinsics=None, hand_model="mano")
    with pytest.raises(UnsupportedModelError) as said:
        load_method(method).estimate(nothing, lambda stage, fraction: None)
    assert answer.json()["detail"] == f"T{str(said.value)[1:]}."


def test_shapes_are_described_distinctly_and_offered_only_to_methods_that_accept_them(client, member, upload, subject):
    HandShapeFactory(subject=subject, side="left", source="calibrated", length_mm=187.24, details={"scale": "assumed"})
    HandShapeFactory(subject=subject, source="calibrated", length_mm=190, details={"scale": "a ruler"})
    HandShapeFactory(subject=subject, hand_model="mano")
    HandShape.objects.update(created_at="2026-11-21T12:34Z")
    client.force_login(member)
    page = client.get(f"/uploads/{upload.pk}/").content.decode()
    assert page.count(">left hand, 187.2 mm, 21 Nov 2026 12:34 UTC, calibrated, scale assumed<") == len(METHODS)
    assert page.count(">both hands, 190.0 mm, 21 Nov 2026 12:34 UTC, calibrated, scale from a ruler<") == len(METHODS)
    takes_mano = sum("mano" in method.hand_models for method in METHODS.values())
    assert page.count(">both hands, length not known, 21 Nov 2026 12:34 UTC, given, MANO<") == takes_mano < len(METHODS)


def preselected(client, member, upload) -> dict[str, list[str]]:
    """The shape that is chosen in the form of each method which offers any, on the page of an upload."""
    client.force_login(member)
    forms = client.get(f"/uploads/{upload.pk}/").content.decode().split("<form")[1:]
    offering = [form for form in forms if '<select name="hand_shape">' in form]
    return {
        re.search('name="method" value="([^"]+)"', form)[1]: re.findall('value="([^"]*)" selected', form) for form in offering
    }


def test_the_newest_calibrated_shape_that_a_method_can_take_is_preselected(client, member, upload, subject):
    """However new one of a model that it cannot pose is, or one that was typed in."""
    calibrated = HandShape.Source.CALIBRATED
    HandShapeFactory(subject=subject, source=calibrated)
    opened = HandShapeFactory(subject=subject, source=calibrated)
    mano = HandShapeFactory(subject=subject, source=calibrated, hand_model="mano")
    HandShapeFactory(subject=subject, hand_model="open-1", source=calibrated)
    HandShapeFactory(subject=subject)
    expected = {name: [str((mano if "mano" in entry.hand_models else opened).pk)] for name, entry in METHODS.items()}
    assert len({tuple(entry.hand_models) for entry in METHODS.values()}) > 1
    assert preselected(client, member, upload) == expected


def test_shapes_that_were_typed_in_are_offered_and_not_preselected(client, member, upload, subject):
    HandShapeFactory(subject=subject)
    assert preselected(client, member, upload) == {name: [] for name in METHODS}


def test_outsiders_and_viewers_are_refused(refusals, data):
    assert refusals("post", URL, data) == {"anonymous": 401, "outsider": 400, "viewer": 403}
    assert not Run.objects.exists()


def test_another_teams_upload(api, member):
    assert api(member).post(URL, {"upload": str(UploadFactory().pk), "method": "2d-fit"}).status_code == 400


def test_wrong_method(api, member):
    assert api(member).put(URL, {}).status_code == 405


def finished(upload, method="kong2022"):
    made = Prediction.objects.create(folder=f"runs/{uuid4()}", sha256="0" * 64, size_bytes=1, rows=1, hand_model="open")
    return RunFactory(upload=upload, method=method, status=Status.SUCCEEDED, prediction=made)


def test_a_finished_run_is_refined_with_options(api, member, data, upload):
    start = finished(upload)
    body = {**data, "method": "hmp2024", "start": str(start.pk), "options": {"preset": "poster", "second.prior": 100.5}}
    made = api(member).post(URL, body).json()
    assert (made["start"], made["start_method"], made["method_title"]) == (str(start.pk), "kong2022", "HMP from Kong baseline")
    assert made["options"] == {"preset": "poster", "second.prior": 100.5}


def test_a_refined_run_is_called_the_same_on_every_page(client, member, upload):
    start = finished(upload)
    run = RunFactory(upload=upload, method="hmp2024", start=start, start_method=start.method, status=Status.SUCCEEDED)
    client.force_login(member)
    for page in ("/", f"/uploads/{upload.pk}/", f"/runs/{run.pk}/?details", f"/runs/{run.pk}/slices/"):
        assert '<span class="name">HMP from Kong baseline</span>' in client.get(page).content.decode(), page
    assert "<title>HMP from Kong baseline on " in client.get(f"/runs/{run.pk}/?details").content.decode()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"options": {"colour": 1}}, "no option 'colour'"),
        ({"options": {"solver": "newton"}}, "is one of gauss-newton, adam"),
        ({"options": {"detail": 1}}, "is one of true, false"),
        ({"options": {"second.prior": -1}}, "is a number from 0 to 1e+06"),
        ({"options": {"second.prior": True}}, "is a number"),
        ({"options": [1]}, "dictionary"),
        ({"method": "2d-fit", "options": {"solver": "adam"}}, "it has none"),
    ],
)
def test_options_that_the_method_does_not_have(api, member, data, change, words):
    response = api(member).post(URL, {**data, "method": "hmp2024", **change})
    assert response.status_code == 400
    assert words in response.content.decode()


def test_runs_that_cannot_be_refined(api, member, outsider, data, upload, subject):
    def answer(start, method="hmp2024"):
        return api(member).post(URL, {**data, "method": method, "start": str(start.pk)})

    assert answer(finished(upload), "2d-fit").status_code == 400
    assert answer(finished(UploadFactory(subject=subject))).status_code == 400
    assert answer(RunFactory(upload=upload)).status_code == 409
    assert answer(finished(UploadFactory())).status_code == 400  # another team's does not exist
    assert not Run.objects.filter(method="hmp2024").exists()


def test_a_method_for_video_is_refused_on_images(api, member, data):
    Upload.objects.update(kind=Upload.Kind.IMAGES)
    response = api(member).post(URL, {**data, "method": "hmp2024"})
    assert response.status_code == 400
    assert "needs a video" in response.json()["errors"]["method"][0]


def test_a_run_that_a_person_refines_goes_before_those_of_the_demonstration(api, member, data, upload):
    upload.facts = {"synthetic": {}}
    upload.save()
    api(member).post(URL, data)
    made = api(member).post(URL, {**data, "method": "hmp2024", "start": str(finished(upload).pk)}).json()
    assert made["place"] == 1
