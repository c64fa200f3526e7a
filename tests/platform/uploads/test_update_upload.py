import pytest

from palmares.calibrations.models import Calibration
from tests.factories import SubjectFactory, TeamFactory


@pytest.fixture
def url(upload):
    upload.width, upload.height = 640, 360
    upload.facts = {"source_width": 1280, "source_height": 720}
    upload.save()
    return f"/api/v1/uploads/{upload.pk}/"


def test_name_subject_and_camera_change(api, member, team, upload, url):
    other = SubjectFactory(team=team, name="Other")
    answer = api(member).patch(url, {"name": "../a\x07b.mp4", "subject": str(other.pk), "focal_px": 1000.0})
    assert answer.status_code == 200, answer.json()
    shown = answer.json()
    assert (shown["name"], shown["subject"], shown["intrinsics_assumed"]) == ("ab.mp4", str(other.pk), False)
    assert shown["intrinsics"] == [500, 0, 320, 0, 500, 180, 0, 0, 1]
    matrix = [1200, 0, 600, 0, 1100, 350, 0, 0, 1]
    assert api(member).patch(url, {"intrinsics": matrix}).json()["intrinsics"] == [600, 0, 300, 0, 550, 175, 0, 0, 1]
    assert api(member).patch(url, {"focal_px": None}).json()["intrinsics"] is None


@pytest.mark.parametrize(
    "body",
    [
        {"focal_px": -1.0},
        {"intrinsics": [1.0, 2.0]},
        {"intrinsics": [0.0] * 9},
        {"name": ""},
        {"subject": "00000000-0000-0000-0000-000000000000"},
        [],
    ],
)
def test_invalid_changes_are_refused(api, member, upload, url, body):
    answer = api(member).patch(url, body)
    assert answer.status_code == 400, answer.content
    upload.refresh_from_db()
    assert (upload.name, upload.intrinsics) == ("our clip.mp4", None)


def test_a_subject_of_another_team_is_refused(api, member, url):
    theirs = SubjectFactory(team=TeamFactory())
    assert api(member).patch(url, {"subject": str(theirs.pk)}).status_code == 400


def test_an_upload_that_a_calibration_uses_keeps_its_subject(api, member, team, subject, upload, url):
    Calibration.objects.create(subject=subject).uploads.add(upload)
    answer = api(member).patch(url, {"subject": str(SubjectFactory(team=team).pk)})
    assert (answer.status_code, "delete that calibration" in answer.json()["detail"]) == (409, True)


def test_only_members_may_change_it(api, viewer, outsider, url):
    assert api(viewer).patch(url, {"name": "x"}).status_code == 403
    assert api(outsider).patch(url, {"name": "x"}).status_code == 404
    assert api().patch(url, {"name": "x"}).status_code == 401


def test_the_page_edits_it(client, member, team, upload, url):
    client.force_login(member)
    page = f"/uploads/{upload.pk}/"
    assert 'name="focal_px"' in client.get(page).content.decode()
    form = {"action": "edit", "name": "renamed.mp4", "focal_px": "800,5", "focal_px_before": ""}
    client.post(f"{page}change/", form)
    upload.refresh_from_db()
    assert (upload.name, upload.intrinsics[0]) == ("renamed.mp4", pytest.approx(400.25))
    answer = client.post(f"{page}change/", form | {"focal_px": "far", "focal_px_before": "800.5"}, follow=True)
    assert "is not a number of pixels" in answer.content.decode()
