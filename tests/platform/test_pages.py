"""Pages: open to their team alone, as many queries with thirty rows as with three, and no form value causes a 500."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from palmares.queue.models import Status
from palmares.runs.models import Prediction
from palmares.teams.models import Membership, Role
from tests.factories import RunFactory, SubjectFactory, TeamFactory, UploadFactory

TABS = ["leaderboard", "plots", "sequences", "submit", "about", "manage"]
LISTS = ["/", "/subjects/", "/uploads/", "/benchmarks/", "/account/"]


def add_rows(team: Any, count: int, subject: Any) -> None:
    """Uploads of one subject and of others, each with a finished and a waiting run."""
    for n in range(count):
        upload = UploadFactory(subject=subject if n % 2 else SubjectFactory(team=team))
        made = Prediction.objects.create(
            folder=f"runs/{upload.pk}/1", sha256="0" * 64, size_bytes=1, rows=1, hand_model="open",
            summary={"reprojection": 2.0, "jitter": 1.0},
        )  # fmt: skip
        RunFactory(upload=upload, status=Status.SUCCEEDED, prediction=made, finished_at=timezone.now())
        RunFactory(upload=upload)
        UploadFactory(subject=subject, status=Status.RUNNING)


def queries(client: Any, path: str, counter: Any) -> int:
    client.get(path)
    with counter(200) as found:
        answer = client.get(path)
    assert answer.status_code == 200, path
    return len(found)


def test_the_number_of_queries_of_pages_does_not_grow_with_rows(
    client, team, member, subject, contest, scored, django_assert_max_num_queries
):
    client.force_login(member)
    add_rows(team, 25, subject)  # more than Home lists: what it does not list is counted
    for n in range(3):
        scored(f"m{n}", figures={"pa_mpjpe": 10.0 + n, "pa_auc_joints": 0.5})
    paths = [
        *LISTS,
        f"/subjects/{subject.pk}/",
        f"/teams/{team.pk}/",
        *(f"/benchmarks/{contest.slug}/?tab={tab}" for tab in TABS),
    ]
    few = {path: queries(client, path, django_assert_max_num_queries) for path in paths}
    add_rows(team, 26, subject)
    for n in range(20):
        scored(f"n{n}", figures={"pa_mpjpe": 20.0 + n, "pa_auc_joints": 0.5})
    many = {path: queries(client, path, django_assert_max_num_queries) for path in paths}
    assert many == few
    assert max(many.values()) <= 40, many


def test_the_number_of_queries_of_an_upload_page_does_not_grow_with_runs(client, member, upload, django_assert_max_num_queries):
    client.force_login(member)
    RunFactory(upload=upload)
    few = queries(client, f"/uploads/{upload.pk}/", django_assert_max_num_queries)
    for _ in range(30):
        RunFactory(upload=upload)
    assert queries(client, f"/uploads/{upload.pk}/", django_assert_max_num_queries) == few


def test_lists_are_searched_sorted_and_paged_by_their_address(client, team, member):
    client.force_login(member)
    subject = SubjectFactory(team=team, name="Ada")
    for n in range(60):
        UploadFactory(subject=subject, name=f"clip {n:03d}.mp4", frame_count=n + 1)
    page = client.get("/uploads/?sort=-frames").content.decode()
    assert page.index("clip 059.mp4") < page.index("clip 050.mp4")
    assert "clip 005.mp4" not in page
    assert "clip 005.mp4" in client.get("/uploads/?sort=-frames&page=2").content.decode()
    found = client.get("/uploads/?q=042").content.decode()
    assert "clip 042.mp4" in found
    assert "clip 041.mp4" not in found
    assert "No upload matches" in client.get("/uploads/?q=nothing-like-it").content.decode()


@pytest.mark.parametrize(
    "query", ["?q=%00", "?q=" + "x" * 5000, "?sort=password", "?page=-1", "?page=1e9", "?sort=-", "?q=%ff"]
)
@pytest.mark.parametrize("path", ["/uploads/", "/subjects/"])
def test_invalid_query_parameters_cause_no_error(client, member, path, query):
    client.force_login(member)
    assert client.get(path + query).status_code == 200


JUNK = ["", "\x00", "x" * 10_000, "not-an-id", "00000000-0000-4000-8000-000000000000", "<script>alert(1)</script>", "%s%n", "🖐"]


@pytest.mark.parametrize("junk", JUNK)
def test_invalid_form_values_never_cause_a_server_error(client, team, owner, subject, upload, run, contest, scored, junk):
    client.force_login(owner)
    forms = {
        "/subjects/": ("name", "team"),
        f"/subjects/{subject.pk}/": ("name", "notes"),
        f"/subjects/{subject.pk}/calibrate/": (
            "side",
            "length_mm",
            "max_images",
            "uploads",
            "scale_frame",
            "distance_mm",
            "object_mm",
        ),
        f"/uploads/{upload.pk}/runs/": ("method", "hand_shape"),
        f"/runs/{run.pk}/change/": ("action",),
        "/teams/": ("name",),
        "/teams/choice/": ("team", "next"),
        f"/teams/{team.pk}/invite/": ("email", "role"),
        "/account/": ("name",),
        "/benchmarks/": ("name", "protocol", "team"),
        f"/benchmarks/{contest.slug}/change/": ("action", "revision", "visibility"),
        f"/benchmarks/{contest.slug}/settings/": ("name", "deadline", "daily_limit", "primary_metric"),
        f"/submissions/{scored().pk}/change/": ("action",),
    }
    for path, fields in forms.items():
        for field in fields:
            answer = client.post(path, {field: junk})
            assert answer.status_code in (200, 302, 400, 404), f"{path} {field}"
            if answer.status_code == 302:
                assert answer["Location"].startswith(("/", "/accounts/")), f"{path} leads to {answer['Location']}"
                assert not answer["Location"].startswith("//")


def test_choosing_a_team_narrows_the_lists(client, team, member):
    other = TeamFactory(name="Second")
    Membership.objects.create(team=other, user=member, role=Role.MEMBER)
    UploadFactory(subject=SubjectFactory(team=team), name="first.mp4")
    UploadFactory(subject=SubjectFactory(team=other), name="second.mp4")
    client.force_login(member)
    both = client.get("/uploads/").content.decode()
    assert "first.mp4" in both
    assert "second.mp4" in both
    client.post("/teams/choice/", {"team": str(other.pk), "next": "/uploads/"})
    narrowed = client.get("/uploads/").content.decode()
    assert "first.mp4" not in narrowed
    assert "second.mp4" in narrowed
    assert client.post("/teams/choice/", {"team": str(TeamFactory().pk)}).status_code == 404


def test_a_queued_run_has_a_page_and_a_finished_one_opens_in_the_viewer(client, member, outsider, run, finished_run):
    client.force_login(member)
    assert client.get(f"/runs/{finished_run.pk}/")["Location"].endswith(f"/view/?runs={finished_run.pk}")
    waiting = RunFactory(upload=finished_run.upload)
    assert b"Cancel" in client.get(f"/runs/{waiting.pk}/").content
    client.force_login(outsider)
    assert client.get(f"/runs/{waiting.pk}/").status_code == 404


def test_viewers_are_offered_nothing_that_they_may_not_do(client, viewer, upload, subject):
    client.force_login(viewer)
    for path in (f"/uploads/{upload.pk}/", f"/subjects/{subject.pk}/", "/uploads/", "/"):
        page = client.get(path).content.decode()
        assert "Delete" not in page, path
        assert 'type="file"' not in page, path
