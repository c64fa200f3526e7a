"""Submissions over the API: checked on arrival, visible to their team, followed, edited, cancelled and deleted."""

from __future__ import annotations

import io
import pickle
import zipfile
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from ml.metrics.frame_values import write_frame_values
from palmares.benchmarks.models import Benchmark
from palmares.queue.models import Status
from palmares.submissions.models import Submission
from tests.predictions import hands, npz, zipped
from tests.scored_benchmarks import SEQUENCES

URL = "/api/v1/benchmarks/contest-of-ours/submissions/"


def form(content: bytes, name: str = "pred.zip", **facts):
    return {"file": SimpleUploadedFile(name, content), "method": "Ours v2", **facts}


def send(client, content: bytes, name: str = "pred.zip", key: str | None = None, **facts):
    headers = {"HTTP_IDEMPOTENCY_KEY": key} if key else {}
    return client.post(URL, form(content, name, **facts), format="multipart", **headers)


def stored(media_root) -> list[str]:
    return sorted(str(p) for p in (media_root / "submissions").rglob("*") if p.is_file())


def test_a_prediction_is_taken_in_and_queued(api, contest, member, media_root):
    answer = send(api(member), zipped(**SEQUENCES), description="d", links=["https://example.org/code"], is_public=True)
    body = answer.json()
    assert answer.status_code == 201, body
    assert (body["status"], body["place"], body["method"], body["is_public"]) == ("queued", 1, "Ours v2", True)
    assert body["links"] == ["https://example.org/code"]
    assert len(body["sha256"]) == 64
    assert body["scores"] is None
    assert len(stored(media_root)) == 1


def test_the_same_key_gives_the_same_submission(api, contest, member, media_root):
    content = zipped(**SEQUENCES)
    first, second = (send(api(member), content, key="k-1").json()["id"] for _ in range(2))
    assert first == second
    assert Submission.objects.count() == 1
    assert len(stored(media_root)) == 1


class Evil:
    def __reduce__(self):
        return (open, ("/tmp/palmares-was-here", "w"))


def _objects() -> bytes:
    sink = io.BytesIO()
    np.savez(sink, joints=np.array([Evil()], dtype=object))
    return sink.getvalue()


def _escaping() -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        archive.writestr("../one.npz", npz(SEQUENCES["one"]))
    return sink.getvalue()


def _bomb() -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("one.npz", b" " * (64 << 20))
    return sink.getvalue()


@pytest.mark.parametrize(
    ("content", "name", "sentence"),
    [
        (b"", "pred.zip", "empty"),
        (b"[1, 2", "pred.json", "expected a canonical .npz"),
        (b"hello", "pred.exe", "ends in .exe"),
        (pickle.dumps(Evil()), "pred.npz", "pickle"),
        (_objects(), "pred.npz", "joints"),
        (_escaping(), "pred.zip", "lead out"),
        (_bomb(), "pred.zip", "one.npz"),
        (zipped(three=hands(3)), "pred.zip", "no sequence `three`"),
        (zipped(**SEQUENCES)[:-40], "pred.zip", "pred.zip"),
    ],
    ids=["empty", "json", "exe", "pickle", "objects", "escaping", "bomb", "outsider", "truncated"],
)
def test_a_file_that_cannot_be_scored_is_refused_with_a_sentence_and_nothing_is_kept(
    api, contest, member, media_root, content, name, sentence
):
    answer = send(api(member), content, name)
    assert answer.status_code in (400, 413, 415, 422), answer.json()
    assert sentence in answer.json()["detail"]
    assert answer["Content-Type"] == "application/problem+json"
    assert not Submission.objects.exists()
    assert stored(media_root) == []


def test_a_file_in_millimetres_instead_of_metres_is_refused_with_that_reason(api, contest, member):
    from dataclasses import replace  # noqa: PLC0415

    wrong = {name: replace(s, joints=s.joints * np.float32(1000)) for name, s in SEQUENCES.items()}
    answer = send(api(member), zipped(**wrong))
    assert answer.status_code == 422
    assert "millimetres" in answer.json()["detail"]
    assert answer.json()["findings"][0]["level"] == "error"


def test_the_daily_quota_counts_scored_submissions_also_after_they_are_deleted(api, contest, scored, member, owner):
    for _ in range(3):
        scored(quota_day=datetime.now(UTC).date())
    answer = send(api(member), zipped(**SEQUENCES))
    assert answer.status_code == 429
    assert "3 scored submissions of today" in answer.json()["detail"]
    one = Submission.objects.first()
    assert api(member).delete(f"/api/v1/submissions/{one.pk}/").status_code == 204
    assert api(member).get(f"/api/v1/submissions/{one.pk}/").status_code == 404
    assert send(api(member), zipped(**SEQUENCES)).status_code == 429
    Submission.objects.update(quota_day=datetime.now(UTC).date() - timedelta(days=1))
    assert send(api(member), zipped(**SEQUENCES)).status_code == 201


def test_after_the_deadline_it_is_too_late(api, contest, member):
    Benchmark.objects.update(deadline=timezone.now() - timedelta(minutes=1))
    answer = send(api(member), zipped(**SEQUENCES))
    assert answer.status_code == 409
    assert "deadline" in answer.json()["detail"]


def test_viewers_outsiders_and_anonymous_callers_cannot_submit_for_the_team(api, contest, team, viewer, outsider):
    for user, code in ((None, 401), (outsider, 404), (viewer, 403)):
        answer = api(user).post(URL, form(zipped(**SEQUENCES), team=str(team.pk)), format="multipart")
        assert answer.status_code == code
    assert not Submission.objects.exists()


def test_private_submissions_are_visible_to_their_team_only(api, contest, scored, member, viewer, outsider):
    Benchmark.objects.update(visibility="public", shows_frames=True)
    private, public = scored("private"), scored("public", is_public=True)
    for user in (member, viewer):
        assert api(user).get(f"/api/v1/submissions/{private.pk}/").status_code == 200
    assert api(outsider).get(f"/api/v1/submissions/{private.pk}/").status_code == 404
    assert api(outsider).get(f"/api/v1/submissions/{public.pk}/").json()["scores"]["figures"]["pa_mpjpe"] == 10.0
    for address in ("/api/v1/submissions/", URL):
        assert [s["method"] for s in api(outsider).get(address).json()["results"]] == ["public"]
        assert [s["method"] for s in api(member).get(address).json()["results"]] == ["public", "private"]
    Benchmark.objects.update(visibility="team")
    assert api(outsider).get(f"/api/v1/submissions/{public.pk}/").status_code == 404
    assert api(outsider).get(URL).status_code == 404


def test_members_edit_the_description_of_a_submission_on_its_page(client, contest, scored, member, viewer):
    made = scored("theirs")
    page = f"/submissions/{made.pk}/change/"
    sent = {"action": "change", "method": "ours", "description": "d", "links": "https://a.example\nhttps://b.example"}
    client.force_login(viewer)
    client.post(page, sent)
    client.force_login(member)
    for wrong in ({"method": ""}, {"links": "javascript:alert(1)"}, {"links": " ".join(["https://a.example"] * 6)}):
        client.post(page, sent | wrong)
    made.refresh_from_db()
    assert (made.method, made.links) == ("theirs", [])
    client.post(page, sent)
    made.refresh_from_db()
    assert (made.method, made.description, made.links) == ("ours", "d", ["https://a.example", "https://b.example"])
    assert ">https://a.example\nhttps://b.example\n</textarea>" in client.get(f"/submissions/{made.pk}/").content.decode()


def test_files_are_for_the_team_that_sent_them(api, contest, scored, member, outsider):
    Benchmark.objects.update(visibility="public")
    made = scored("public", is_public=True)
    answer = api(member).get(f"/api/v1/submissions/{made.pk}/file/")
    assert answer.getvalue() == b"what they sent"
    assert api(outsider).get(f"/api/v1/submissions/{made.pk}/file/").status_code == 404


def test_errors_by_frame_are_shown_where_the_owner_allows_it(api, contest, scored, member, outsider):
    made = scored(is_public=True)
    answer = api(member).get(f"/api/v1/submissions/{made.pk}/frames/")
    assert answer.status_code == 403
    assert "reconstructed" in answer.json()["detail"]
    Benchmark.objects.update(visibility="public", shows_frames=True)
    assert api(outsider).get(f"/api/v1/submissions/{made.pk}/frames/").status_code == 403


def test_errors_by_frame_come_as_csv_without_formulas(api, contest, scored, member, tmp_path):
    truth = contest.truths.get()
    truth.sequences = [{"name": name, "rows": 1, "upload": None} for name in ("+cmd|' /C calc'!A0", "two")]
    truth.save()
    Benchmark.objects.update(visibility="public", shows_frames=True)
    made = scored()
    write_frame_values(
        tmp_path / "frames.npz", found=np.array([True, False]), sequence=np.arange(2), frame=np.array([0, 7]), clusters=None,
        metrics={"pa_mpjpe": np.array([1.5, np.nan])}, zero_errors={}, contributions={},
    )  # fmt: skip
    default_storage.save(f"{made.scores.get().folder}/frames.npz", ContentFile((tmp_path / "frames.npz").read_bytes()))
    answer = api(member).get(f"/api/v1/submissions/{made.pk}/frames/")
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.content.decode().splitlines() == [
        "sequence,row,frame,found,pa_mpjpe",
        "'+cmd|' /C calc'!A0,0,0,1,1.5",
        "two,1,7,0,",
    ]


def test_members_change_cancel_and_retry_and_others_do_not(api, contest, scored, member, viewer, outsider):
    Benchmark.objects.update(visibility="public")
    made = scored(is_public=True)
    url = f"/api/v1/submissions/{made.pk}/"
    for user, code in ((viewer, 403), (outsider, 404)):
        assert api(user).patch(url, {"method": "Theirs"}).status_code == code
        assert api(user).delete(url).status_code == code
        assert api(user).post(f"{url}cancel/").status_code == code
    assert api(member).patch(url, {"method": "Ours v3", "is_public": False}).json()["method"] == "Ours v3"
    assert api(member).post(f"{url}cancel/").status_code == 409
    made.scorings.update(status=Status.FAILED)
    assert api(member).post(f"{url}retry/").json()["status"] == "queued"
    assert api(member).post(f"{url}cancel/").json()["status"] == "cancelled"
