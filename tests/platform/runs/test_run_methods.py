"""Methods on one upload, or on several at once: the first ones, those chosen, or all; a sample clip for those without one."""

from __future__ import annotations

from typing import Any

import pytest

from ml.catalog import METHODS
from palmares.queue.models import Status
from palmares.runs.models import Run
from palmares.teams.models import Role
from palmares.uploads.models import Upload
from tests.factories import MembershipFactory, RunFactory, UploadFactory, UserFactory

PAGE = "/uploads/runs/"


@pytest.fixture
def images(upload: Any) -> Any:
    return UploadFactory(subject=upload.subject, kind=Upload.Kind.IMAGES)


def queued_methods(upload: Any) -> list[str]:
    """In the order in which they were queued."""
    return [*upload.runs.filter(status=Status.QUEUED).order_by("created_at").values_list("method", flat=True)]


def test_a_video_gets_runs_of_hmp_and_fused_fit(client: Any, api: Any, member: Any, upload: Any):
    client.force_login(member)
    assert "Run HMP and Fused fit</button>" in client.get(f"/uploads/{upload.pk}/").content.decode()
    client.post(PAGE, {"uploads": str(upload.pk)})
    assert queued_methods(upload) == ["hmp2024", "fused-fit"]
    other = UploadFactory(subject=upload.subject)
    answer = api(member).post("/api/v1/runs/batch/", {"uploads": [str(upload.pk), str(other.pk)]})
    assert answer.json() == {"queued": 2, "left_out": 2}
    assert queued_methods(other) == ["hmp2024", "fused-fit"]


def test_images_get_a_run_of_fused_fit(client: Any, api: Any, member: Any, images: Any):
    client.force_login(member)
    page = client.get(f"/uploads/{images.pk}/").content.decode()
    assert "Run Fused fit</button>" in page
    assert 'value="hmp2024"' not in page.split('class="doors methods"')[1]
    answer = api(member).post("/api/v1/runs/batch/", {"uploads": [str(images.pk)]})
    assert answer.json() == {"queued": 1, "left_out": 0}
    assert queued_methods(images) == ["fused-fit"]


def test_a_run_without_a_method_uses_the_default_method(api: Any, member: Any, upload: Any, images: Any):
    made = [api(member).post("/api/v1/runs/", {"upload": str(each.pk)}).json() for each in (upload, images)]
    assert [run["method"] for run in made] == ["hmp2024", "fused-fit"]


def test_all_methods_on_one_upload_each_once(client: Any, member: Any, upload: Any):
    RunFactory(upload=upload, method="2d-fit", status=Status.SUCCEEDED)
    RunFactory(upload=upload, method="mediapipe-ik", status=Status.FAILED)
    client.force_login(member)
    sent = {"uploads": str(upload.pk), "methods": "all"}
    answer = client.post(PAGE, sent, follow=True)
    assert answer.redirect_chain[-1][0] == f"/uploads/{upload.pk}/"
    assert f"{len(METHODS) - 1} runs queued; 1 left out" in answer.content.decode()
    queued = Run.objects.filter(upload=upload, status=Status.QUEUED).values_list("method", flat=True)
    assert sorted(queued) == sorted(set(METHODS) - {"2d-fit"})
    client.post(PAGE, sent)
    assert Run.objects.filter(upload=upload, status=Status.QUEUED).count() == len(METHODS) - 1


def test_one_method_on_several_uploads(client: Any, member: Any, upload: Any):
    other, failed = UploadFactory(subject=upload.subject), UploadFactory(subject=upload.subject, status=Status.FAILED)
    client.force_login(member)
    sent = {"uploads": [str(each.pk) for each in (upload, other, failed)], "methods": "2d-fit"}
    assert client.post(PAGE, sent)["Location"] == "/uploads/"
    assert set(Run.objects.values_list("upload", "method")) == {(upload.pk, "2d-fit"), (other.pk, "2d-fit")}


def test_the_ticked_methods_on_several_uploads_by_the_api(api: Any, member: Any, upload: Any):
    other = UploadFactory(subject=upload.subject)
    RunFactory(upload=other, method="2d-fit", status=Status.SUCCEEDED)
    sent = {"uploads": [str(upload.pk), str(other.pk)], "methods": ["2d-fit", "fused-fit"]}
    answer = api(member).post("/api/v1/runs/batch/", sent)
    assert (answer.status_code, answer.json()) == (200, {"queued": 3, "left_out": 1})
    queued = Run.objects.filter(status=Status.QUEUED).values_list("upload", "method")
    assert set(queued) == {(upload.pk, "2d-fit"), (upload.pk, "fused-fit"), (other.pk, "fused-fit")}
    all_methods = api(member).post("/api/v1/runs/batch/", {"uploads": [str(upload.pk)], "methods": list(METHODS)})
    assert all_methods.json() == {"queued": len(METHODS) - 2, "left_out": 2}


@pytest.mark.parametrize("sent", [{}, {"uploads": []}, {"uploads": ["junk"]}, {"methods": ["no-such"]}])
def test_a_batch_that_names_nothing_is_refused(api: Any, member: Any, upload: Any, sent: dict[str, Any]):
    answer = api(member).post("/api/v1/runs/batch/", {"uploads": [str(upload.pk)]} | sent if "methods" in sent else sent)
    assert answer.status_code == 400
    assert not Run.objects.exists()


def test_a_batch_with_one_upload_of_others_starts_nothing(api: Any, refusals: Any, viewer: Any, member: Any, upload: Any):
    sent = {"uploads": [str(upload.pk)]}
    assert refusals("post", "/api/v1/runs/batch/", sent) == {"anonymous": 401, "outsider": 400, "viewer": 403}
    mixed = {"uploads": [str(upload.pk), str(UploadFactory().pk)]}
    assert api(member).post("/api/v1/runs/batch/", mixed).status_code == 400
    own = UploadFactory(subject__team=MembershipFactory(user=viewer, role=Role.MEMBER).team)
    assert api(viewer).post("/api/v1/runs/batch/", {"uploads": [str(own.pk), str(upload.pk)]}).status_code == 403
    assert not Run.objects.exists()


def test_without_a_selection_the_page_says_so(client: Any, member: Any):
    client.force_login(member)
    for sent in ({}, {"uploads": "junk"}):
        assert "Select one or several uploads first." in client.post(PAGE, sent, follow=True).content.decode()


@pytest.mark.parametrize(("who", "status"), [("outsider", 404), ("viewer", 302), (None, 302)])
def test_only_members_run_anything(client: Any, upload: Any, request: Any, who: str | None, status: int):
    if who:
        client.force_login(request.getfixturevalue(who))
    assert client.post(PAGE, {"uploads": str(upload.pk)}).status_code == status
    assert not Run.objects.exists()


def test_a_newcomer_gets_a_sample_clip_of_their_own(client: Any, db: Any):
    newcomer = UserFactory()
    client.force_login(newcomer)
    assert "Add a sample clip" in client.get("/uploads/").content.decode()
    address = client.post("/uploads/sample/")["Location"]
    made = Upload.objects.get()
    assert address == f"/uploads/{made.pk}/"
    assert made.subject.team.memberships.get().user == newcomer
    assert made.facts["synthetic"] == {"subject": 0, "seed": 0}
    assert queued_methods(made) == ["hmp2024", "fused-fit"]
    client.post("/uploads/sample/")
    assert sorted(Upload.objects.values_list("name", flat=True)) == ["Sample clip 1.mp4", "Sample clip 2.mp4"]


def test_a_viewer_of_a_team_adds_no_sample(client: Any, viewer: Any, team: Any):
    client.force_login(viewer)
    assert "Add a sample clip" not in client.get("/uploads/").content.decode()
    session = client.session
    session["team"] = str(team.pk)
    session.save()
    client.post("/uploads/sample/")
    assert not Upload.objects.filter(subject__team=team).exists()
