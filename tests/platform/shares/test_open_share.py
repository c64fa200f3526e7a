"""What a share link opens to people without an account, and what not."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils import timezone

from palmares.queue.models import Status
from palmares.runs.models import Prediction
from palmares.shares.models import ShareLink
from palmares.shares.services import create_share
from palmares.shares.throttles import LinkThrottle
from palmares.uploads.models import GroundTruth, Upload
from tests.factories import RunFactory, SubjectFactory, UploadFactory


@pytest.fixture
def link_to(member, finished_run) -> Callable[..., str]:
    """Makes a link to the viewer of the finished run; its token."""

    def make(**fields: Any) -> str:
        chosen = {"kind": "viewer", "id": str(finished_run.upload_id), "state": f"runs={finished_run.pk}&frame=1", **fields}
        return create_share(by=member, **chosen)[1]

    return make


def status_of(client: Any, url: str, **headers: str) -> int:
    """Status of an answer, which is read to its end, so that files are closed."""
    answer = client.get(url, headers=headers)
    answer.getvalue()
    return answer.status_code


def data_of(page: str) -> dict[str, Any]:
    return json.loads(re.search(r'<script id="viewer-data" type="application/json">(.*?)</script>', page)[1])


def another_run(run: Any) -> Any:
    """A second finished run of the same upload, with files of its own."""
    made = RunFactory(upload=run.upload, method="mediapipe-ik", status=Status.SUCCEEDED)
    for name in ("track.json", "series.json"):
        default_storage.save(f"runs/{made.pk}/1/{name}", ContentFile(b'{"hands": []}'))
    made.prediction = Prediction.objects.create(
        folder=f"runs/{made.pk}/1", sha256="7" * 64, size_bytes=1, rows=1, hand_model="open"
    )
    made.save()
    return made


def test_it_opens_the_shared_runs_and_nothing_else(client, link_to, finished_run):
    other = another_run(finished_run)
    token = link_to()
    answer = client.get(f"/shared/{token}/")
    page = answer.content.decode()
    assert answer.status_code == 200
    assert [run["id"] for run in data_of(page)["runs"]] == [str(finished_run.pk)]
    assert data_of(page)["query"] == f"runs={finished_run.pk}&frame=1"
    base = f"/api/v1/shared/{token}"
    assert data_of(page)["api"] == base
    track = client.get(f"{base}/runs/{finished_run.pk}/track/")
    assert track.status_code == 200
    name = json.loads(track.getvalue())["hands"][0]["faces"]["file"]
    assert status_of(client, f"{base}/runs/{finished_run.pk}/track/{name}") == 200
    assert status_of(client, f"{base}/runs/{finished_run.pk}/series/") == 200
    for path in ("track/", f"track/{name}", "series/"):
        assert status_of(client, f"{base}/runs/{other.pk}/{path}") == 404
    for path in ("prediction/", "frames/0.glb", "", "scores/"):
        assert status_of(client, f"{base}/runs/{finished_run.pk}/{path}") == 404


def test_names_and_videos_are_hidden_unless_shared(client, link_to, finished_run):
    finished_run.shape = {"given": {"side": "both", "words": "measured on 1 Jan 2026", "betas": [0.0] * 10}}
    finished_run.save()
    token = link_to()
    page = client.get(f"/shared/{token}/").content.decode()
    for secret in ("our clip", "Ours 1", "@example.org", str(finished_run.upload.subject_id), "source", "prediction.npz"):
        assert secret not in page, secret
    media = f"/api/v1/shared/{token}/media/{finished_run.upload_id}"
    for file in ("web.mp4", "poster.jpg", "filmstrip.jpg", "source"):
        assert status_of(client, f"{media}/{file}") == 404


def test_names_and_videos_are_shown_where_shared(client, link_to, finished_run):
    token = link_to(media=True, names=True)
    page = client.get(f"/shared/{token}/").content.decode()
    assert "our clip.mp4" in page
    media = data_of(page)["upload"]["media"]
    for address in media.values():
        assert status_of(client, address) == 200
    assert status_of(client, media["web_video"], Range="bytes=0-3") == 206
    assert status_of(client, media["web_video"].replace("web.mp4", "source")) == 404
    other = UploadFactory(subject=finished_run.upload.subject, folder=finished_run.upload.folder)
    assert client.get(media["web_video"].replace(str(finished_run.upload_id), str(other.pk))).status_code == 404


def test_the_ground_truth_is_shown_where_shared(client, link_to, finished_run):
    upload = finished_run.upload
    truth = GroundTruth.objects.create(upload=upload, name="secret.npz", status=Status.SUCCEEDED, folder="truths/t/1")
    for name, content in (("track.json", b'{"hands": []}'), ("track/0123456789abcdef.bin", b"x"), ("truth.npz", b"arrays")):
        default_storage.save(f"{truth.folder}/{name}", ContentFile(content))
    hidden, shown = link_to(), link_to(truth=True)
    assert data_of(client.get(f"/shared/{hidden}/").content.decode())["upload"]["truth"] is None
    page = client.get(f"/shared/{shown}/").content.decode()
    assert "secret.npz" not in page
    track = data_of(page)["upload"]["truth"]["links"]["track"]
    assert track == f"/api/v1/shared/{shown}/truth/{upload.pk}/track/"
    other = UploadFactory(subject=upload.subject, folder=upload.folder)
    GroundTruth.objects.create(upload=other, status=Status.SUCCEEDED, folder="truths/t/1")
    for path in (track, f"{track}0123456789abcdef.bin"):
        assert status_of(client, path) == 200
        assert status_of(client, path.replace(shown, hidden)) == 404
        assert status_of(client, path.replace(str(upload.pk), str(other.pk))) == 404
    assert status_of(client, track.removesuffix("track/")) == 404  # the arrays
    truth.folder = ""
    truth.save()
    assert status_of(client, track) == 404
    assert data_of(client.get(f"/shared/{shown}/").content.decode())["upload"]["truth"] is None


def close_revoked(link: ShareLink) -> str:
    link.revoked_at = timezone.now()
    link.save()
    return "was revoked by the team"


def close_expired(link: ShareLink) -> str:
    link.expires_at = timezone.now() - timedelta(seconds=1)
    link.save()
    return "expired on"


def close_deleted(link: ShareLink) -> str:
    Upload.objects.get(pk=link.target).delete()
    return "has been deleted by its team"


@pytest.mark.parametrize("close", [close_revoked, close_expired, close_deleted])
def test_a_closed_link_says_why(client, link_to, finished_run, close):
    token = link_to(media=True)
    files = [
        f"/api/v1/shared/{token}/runs/{finished_run.pk}/track/",
        f"/api/v1/shared/{token}/media/{finished_run.upload_id}/web.mp4",
    ]
    sentence = close(ShareLink.objects.get())
    answer = client.get(f"/shared/{token}/")
    assert answer.status_code == 410
    assert sentence in answer.content.decode()
    for url in files:
        refused = client.get(url)
        assert refused.status_code == 410
        assert sentence in refused.json()["detail"]


def test_a_deleted_run_is_named_and_the_rest_is_shown(client, link_to, finished_run):
    other = another_run(finished_run)
    token = link_to(state=f"runs={finished_run.pk},{other.pk}")
    other.delete()
    page = client.get(f"/shared/{token}/").content.decode()
    assert "1 of the shared runs has been deleted" in page
    assert [run["id"] for run in data_of(page)["runs"]] == [str(finished_run.pk)]
    finished_run.delete()
    assert "All runs that this link opened have been deleted" in client.get(f"/shared/{token}/").content.decode()


def test_an_unknown_link_is_not_found(client, db):
    answer = client.get("/shared/nonsense/")
    assert answer.status_code == 404
    assert "There is no such link" in answer.content.decode()


def test_its_use_is_listed(client, api, member, link_to):
    token = link_to()
    client.get(f"/shared/{token}/")
    client.get(f"/shared/{token}/")
    (listed,) = api(member).get("/api/v1/shares/").json()["results"]
    assert listed["opened"] == 2
    assert listed["last_used_at"] is not None


def test_pages_are_not_indexed_by_robots_and_not_cached(client, link_to):
    answer = client.get(f"/shared/{link_to()}/")
    assert answer["X-Robots-Tag"] == "noindex, nofollow"
    assert "no-store" in answer["Cache-Control"]
    assert 'name="robots" content="noindex, nofollow"' in answer.content.decode()


def test_only_the_sites_of_the_link_may_embed_it(client, link_to):
    token = link_to(allowed_sites=["https://lab.example.org"])
    answer = client.get(f"/shared/{token}/")
    assert "frame-ancestors 'self' https://lab.example.org" in answer["Content-Security-Policy"]
    assert "X-Frame-Options" not in answer
    framed = {"Sec-Fetch-Dest": "iframe"}
    allowed = client.get(f"/shared/{token}/", headers={**framed, "Referer": "https://lab.example.org/page"})
    assert allowed.status_code == 200
    refused = client.get(f"/shared/{token}/", headers={**framed, "Referer": "https://evil.example/"})
    assert refused.status_code == 403
    assert "https://evil.example may not embed this link" in refused.content.decode()
    assert "viewer-data" not in refused.content.decode()
    assert "frame-ancestors *" in refused["Content-Security-Policy"]
    silent = client.get(f"/shared/{token}/", headers=framed)
    assert "frame-ancestors 'self' https://lab.example.org;" in silent["Content-Security-Policy"] + ";"


def test_too_many_requests_are_refused(client, link_to, monkeypatch):
    monkeypatch.setattr(LinkThrottle, "rate", "2/min", raising=False)
    token = link_to()
    answers = [status_of(client, f"/shared/{token}/") for _ in range(3)]
    assert answers == [200, 200, 429]


@pytest.fixture
def board_link(member, contest):
    def make(**fields: Any) -> str:
        return create_share(by=member, kind="board", id=contest.slug, **fields)[1]

    return make


def test_a_board_shows_public_rows_and_those_of_the_team_that_shared_it(client, board_link, contest, scored, outsider):
    contest.shows_frames = True
    contest.save()
    theirs = outsider.teams.get()
    scored(method="our own", figures={"pa_mpjpe": 10.123})
    scored(method="their public one", by_team=theirs, is_public=True)
    scored(method="their private one", by_team=theirs)
    page = client.get(f"/shared/{board_link()}/").content.decode()
    assert "our own" in page
    assert "10.12" in page
    assert "their public one" in page
    assert "their private one" not in page


def test_a_board_of_a_private_truth_is_shown_as_other_teams_see_it(client, board_link, contest, scored):
    scored(method="our own", figures={"pa_mpjpe": 10.123})
    page = client.get(f"/shared/{board_link()}/").content.decode()
    assert "The ground truth is private: values are withheld, because it has too few hands" in page
    assert "10.12" not in page


def test_a_board_shows_the_metric_of_the_link(client, board_link, contest, scored):
    contest.shows_frames = True
    contest.save()
    scored(method="ours", figures={"pa_mpjpe": 10.0, "ra_mpjpe": 20.0})
    page = client.get(f"/shared/{board_link(state='metric=ra_mpjpe&columns=ra_mpjpe')}/?metric=pa_mpjpe").content.decode()
    assert "20.00" in page
    assert "10.00" not in page


def test_a_board_that_is_gone_says_so(client, board_link, contest):
    token = board_link()
    contest.delete()
    answer = client.get(f"/shared/{token}/")
    assert answer.status_code == 410
    assert "The benchmark that this link opened has been deleted" in answer.content.decode()


def test_a_link_whose_saved_state_is_no_longer_valid_is_reported(client, board_link, scored):
    scored()
    answer = client.get(f"/shared/{board_link(state='board=gone')}/")
    assert answer.status_code == 404
    assert "There is no board “gone”" in answer.content.decode()


def test_a_moved_upload_is_not_opened_for_its_new_team(client, link_to, finished_run, outsider):
    token = link_to()
    finished_run.upload.subject = SubjectFactory(team=outsider.teams.get())
    finished_run.upload.save()
    assert status_of(client, f"/shared/{token}/") == 410


def test_a_link_shows_a_signed_in_owner_the_same_as_anyone(client, link_to, finished_run, owner):
    other = another_run(finished_run)
    token = link_to()
    client.force_login(owner)
    assert status_of(client, f"/api/v1/shared/{token}/runs/{other.pk}/track/") == 404
