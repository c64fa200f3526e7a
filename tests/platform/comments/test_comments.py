"""Comments on frames: written, listed, resolved and deleted, each by the people who have permission."""

from __future__ import annotations

from typing import Any

import pytest

from palmares.comments.models import Comment
from palmares.comments.services import add_comment
from palmares.teams.models import Role
from tests.factories import MembershipFactory, RunFactory, UploadFactory


@pytest.fixture
def url(upload) -> str:
    return f"/api/v1/uploads/{upload.pk}/comments/"


@pytest.fixture
def comment(upload, member) -> Comment:
    return add_comment(upload=upload, by=member, frame=3, text="The thumb is bent the wrong way.")


def test_one_is_pinned_to_frame_method_and_joint(api, member, url, finished_run):
    sent = {"frame": 12, "text": " Flips here. ", "run": str(finished_run.pk), "joint": 4, "side": "left"}
    answer = api(member).post(url, sent)
    assert answer.status_code == 201, answer.json()
    made = answer.json()
    assert (made["frame"], made["text"], made["joint"], made["side"]) == (12, "Flips here.", 4, "left")
    assert (made["author"], made["method"], made["is_resolved"]) == (member.email, "2D fit", False)
    assert made["address"] == (f"/uploads/{finished_run.upload_id}/view/?runs={finished_run.pk}&frame=12&comment={made['id']}")
    assert Comment.objects.get().joint_name == "left thumb 4"


def test_they_are_listed_by_frame_and_filtered(api, member, url, upload, comment, finished_run):
    first = add_comment(upload=upload, by=member, frame=0, text="First.", run=finished_run)
    api(member).patch(f"{url}{first.pk}/", {"is_resolved": True})
    listed = lambda query="": [each["text"] for each in api(member).get(f"{url}{query}").json()["results"]]  # noqa: E731
    assert listed() == ["First.", comment.text]
    assert listed("?resolved=false") == [comment.text]
    assert listed("?resolved=true") == ["First."]
    assert listed(f"?run={finished_run.pk}") == ["First."]
    assert listed("?frame=3") == [comment.text]


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({"frame": 150, "text": "x"}, "frame"),
        ({"frame": -1, "text": "x"}, "frame"),
        ({"frame": 0, "text": "  "}, "text"),
        ({"frame": 0, "text": "x" * 2001}, "text"),
        ({"frame": 0, "text": "x", "joint": 21, "side": "left"}, "joint"),
        ({"frame": 0, "text": "x", "joint": 3}, "side"),
        ({"frame": 0, "text": "x", "side": "left"}, "side"),
        ({"frame": 0, "text": "x", "run": "00000000-0000-0000-0000-000000000000"}, "run"),
    ],
)
def test_a_comment_with_an_invalid_frame_run_or_joint_is_refused(api, member, url, sent, field):
    answer = api(member).post(url, sent)
    assert answer.status_code == 400
    assert field in answer.json()["errors"]
    assert not Comment.objects.exists()


def test_a_run_of_another_upload_is_refused(api, member, url, subject):
    other = RunFactory(upload=UploadFactory(subject=subject))
    answer = api(member).post(url, {"frame": 0, "text": "x", "run": str(other.pk)})
    assert answer.json()["errors"] == {"run": ["The run is of another upload."]}


def test_outsiders_are_refused_and_viewers_may_only_read(refusals, url, comment):
    one = f"{url}{comment.pk}/"
    assert refusals("get", url) == {"anonymous": 401, "outsider": 404, "viewer": 200}
    assert refusals("get", one) == {"anonymous": 401, "outsider": 404, "viewer": 200}
    assert refusals("post", url, {"frame": 0, "text": "x"}) == {"anonymous": 401, "outsider": 404, "viewer": 403}
    assert refusals("patch", one, {"is_resolved": True}) == {"anonymous": 401, "outsider": 404, "viewer": 403}
    assert refusals("delete", one) == {"anonymous": 401, "outsider": 404, "viewer": 403}
    assert Comment.objects.unresolved().count() == 1


def test_others_resolve_but_do_not_rewrite_or_delete(api, owner, team, url, comment):
    colleague = MembershipFactory(team=team, role=Role.MEMBER).user
    one = f"{url}{comment.pk}/"
    resolved = api(colleague).patch(one, {"is_resolved": True}).json()
    assert (resolved["is_resolved"], resolved["resolved_by"]) == (True, colleague.email)
    assert not api(colleague).patch(one, {"is_resolved": False}).json()["is_resolved"]
    assert api(colleague).patch(one, {"text": "Mine."}).status_code == 403
    assert api(colleague).delete(one).status_code == 403
    assert api(owner).delete(one).status_code == 204
    assert not Comment.objects.exists()


def test_the_author_rewrites_and_deletes(api, member, url, comment):
    one = f"{url}{comment.pk}/"
    assert api(member).patch(one, {"text": "Better."}).json()["text"] == "Better."
    assert api(member).delete(one).status_code == 204


def test_another_uploads_comment_is_not_found(api, member, subject, comment):
    other = UploadFactory(subject=subject)
    assert api(member).get(f"/api/v1/uploads/{other.pk}/comments/{comment.pk}/").status_code == 404


def test_the_methods_name_stays_when_its_run_is_deleted(api, member, url, upload, finished_run):
    add_comment(upload=upload, by=member, frame=1, text="x", run=finished_run)
    finished_run.delete()
    (listed,) = api(member).get(url).json()["results"]
    assert (listed["run"], listed["method"]) == (None, "2D fit")
    assert listed["address"].startswith(f"/uploads/{upload.pk}/view/?frame=1&")


def test_there_is_a_limit(api, member, url, upload, monkeypatch):
    monkeypatch.setattr("palmares.comments.services.MOST_COMMENTS", 1)
    assert api(member).post(url, {"frame": 0, "text": "x"}).status_code == 201
    answer = api(member).post(url, {"frame": 0, "text": "x"})
    assert answer.status_code == 409
    assert "the maximum" in answer.json()["detail"]


def test_the_page_of_an_upload_lists_open_ones_with_links(client, viewer, upload, comment, member):
    done: Any = add_comment(upload=upload, by=member, frame=5, text="Already settled.")
    done.resolved_at = done.created_at
    done.save()
    client.force_login(viewer)
    page = client.get(f"/uploads/{upload.pk}/").content.decode()
    assert comment.text in page
    assert f"comment={comment.pk}" in page
    assert "Already settled." not in page
