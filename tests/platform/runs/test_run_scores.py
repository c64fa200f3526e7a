"""Scores of a run by HTTP: only for the team, by clip and by frame; requested when the last of run and truth is ready."""

from __future__ import annotations

import io
import re

import numpy as np
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.urls import reverse

from ml.hand.skeleton import JOINTS
from palmares.queue.models import Status
from palmares.runs.models import Run, RunScore
from palmares.runs.scores import FRAMES_FILE, request_outdated_again, request_scores
from palmares.uploads.models import GroundTruth

CONTENT = {
    "unit": "mm", "scorer": "4.1", "coverage": 0.75, "fps": 30.0, "counts": {"rows": 4, "found": 3, "missing": 1, "extra": 0},
    "alignments": {
        "none": {}, "root": {"mpjpe": 12.0}, "scale-translation": {}, "procrustes": {"mpjpe": 7.5}, "procrustes-rotation": {},
    },
    "penalised": {
        "none": {}, "root": {}, "scale-translation": {}, "procrustes": {"mpjpe": 18.0}, "procrustes-rotation": {},
        "penalty_mm": 50.0,
    },
    "joints": {"procrustes": dict.fromkeys(JOINTS, 3.0)},
    "vertices": {"truth": None, "prediction": 5}, "reflected": 0, "notes": [],
}  # fmt: skip


@pytest.fixture
def truth(upload) -> GroundTruth:
    return GroundTruth.objects.create(
        upload=upload, name="t.npz", format="palmares", source="x", folder="truths/t/1", status=Status.SUCCEEDED
    )


@pytest.fixture
def url(finished_run):
    return f"/api/v1/runs/{finished_run.pk}/scores/"


@pytest.fixture
def score(finished_run, truth) -> RunScore:
    """Hands of two tracks: the left in frames 0 and 1, the right one, not found in frame 1."""
    made = RunScore(run=finished_run, truth=truth, status=Status.SUCCEEDED, content=CONTENT, scorer="4.1")
    made.folder = f"{made.storage_prefix}/1"
    joints = np.arange(4 * 21, dtype=np.float32).reshape(4, 21)
    arrays = {
        "frame": np.array([0, 1, 0, 1], np.int32), "track": np.array([3, 3, 4, 4], np.int32),
        "side": np.array([0, 0, 1, 1], np.uint8), "found": np.array([True, True, True, False]),
        "procrustes.mpjpe": np.array([1.5, 2.5, 3.5, np.nan], np.float32), "procrustes.joints": joints,
    }  # fmt: skip
    sink = io.BytesIO()
    np.savez(sink, **arrays)
    default_storage.save(f"{made.folder}/{FRAMES_FILE}", ContentFile(sink.getvalue()))
    made.save()
    return made


def test_over_the_clip(api, viewer, url, score):
    answer = api(viewer).get(url).json()
    assert {name: answer[name] for name in CONTENT} == CONTENT
    assert (answer["status"], answer["error"]) == ("succeeded", "")


def test_by_frame_and_hand(api, viewer, url, score):
    answer = api(viewer).get(f"{url}frames/?alignment=procrustes&metric=mpjpe").json()
    assert (answer["alignment"], answer["metric"], answer["unit"], answer["frame_count"]) == ("procrustes", "mpjpe", "mm", 150)
    left, right = answer["hands"]
    assert (left["track"], left["side"], left["values"][:3], len(left["values"])) == (3, "left", [1.5, 2.5, None], 150)
    assert (right["track"], right["side"], right["values"][:2]) == (4, "right", [3.5, None])


def test_of_one_joint(api, viewer, url, score):
    answer = api(viewer).get(f"{url}frames/?joint=8").json()
    assert answer["hands"][1]["values"][:2] == [42 + 8, 63 + 8]


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("alignment=best", 400), ("metric=error", 400), ("metric=acceleration", 400), ("joint=21", 400), ("joint=-1", 400),
        ("metric=f5&joint=2", 400), ("metric=mpvpe", 404),
    ],
)  # fmt: skip
def test_unknown_names_are_refused(api, viewer, url, score, query, status):
    answer = api(viewer).get(f"{url}frames/?{query}")
    assert answer.status_code == status
    assert answer["Content-Type"] == "application/problem+json"


def test_without_a_truth_there_is_nothing(api, viewer, url):
    answer = api(viewer).get(url)
    assert (answer.status_code, "has no ground truth" in answer.json()["detail"]) == (404, True)


def test_before_it_is_scored(api, viewer, url, truth, finished_run):
    assert api(viewer).get(url).json()["status"] == "queued"
    assert api(viewer).get(f"{url}frames/").status_code == 404
    RunScore.objects.create(run=finished_run, truth=truth, status=Status.FAILED, error="It went wrong.")
    answer = api(viewer).get(url).json()
    assert (answer["status"], answer["error"], answer["alignments"]) == ("failed", "It went wrong.", {})


@pytest.mark.parametrize("path", ["", "frames/"])
def test_only_the_team_reads_the_scores(refusals, url, score, path):
    assert refusals("get", url + path) == {"anonymous": 401, "outsider": 404, "viewer": 200}


def test_scoring_is_requested_when_both_run_and_truth_are_ready(finished_run, upload):
    assert request_scores() == 0
    truth = GroundTruth.objects.create(upload=upload, name="t.npz", format="palmares", source="x")
    assert request_scores(upload_id=upload.pk) == 0
    GroundTruth.objects.update(folder="truths/t/1", status=Status.SUCCEEDED)
    assert request_scores(upload_id=upload.pk) == 1
    score = RunScore.objects.get()
    assert (score.run, score.truth, score.status) == (finished_run, truth, Status.QUEUED)
    assert request_scores() == 0


def test_a_run_without_a_prediction_is_not_scored(run, truth):
    assert request_scores() == 0


def test_scores_are_deleted_with_the_truth_and_with_the_run(
    api, member, score, upload, url, media_root, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        assert api(member).delete(f"/api/v1/uploads/{upload.pk}/truth/").status_code == 204
    assert not RunScore.objects.exists()
    assert Run.objects.exists()
    assert list((media_root / "scores").iterdir()) == []


def test_a_newer_scorer_scores_again(score):
    assert request_outdated_again(scorer="4.1") == 0
    assert request_outdated_again(scorer="5.1") == 1
    score.refresh_from_db()
    assert score.status == Status.QUEUED
    assert request_outdated_again(scorer="5.1") == 0


def test_the_pages_show_them(client, viewer, score, finished_run, upload):
    client.force_login(viewer)
    page = client.get(reverse("run", args=[finished_run.pk]), {"details": ""}).content.decode()
    assert "3 of 4 true hands were found" in page
    assert '<td class="num">7.50</td>' in page
    assert '<td class="num">18.00</td>' in page
    assert tuple(re.findall(r'<th scope="row">(\w+)</th><td class="num">3.00</td>', page)) == JOINTS
    assert client.get(reverse("run", args=[finished_run.pk])).status_code == 302
    page = client.get(reverse("upload", args=[upload.pk])).content.decode()
    assert '<td class="num" data-label="RA-MPJPE">12.00</td>' in page
    assert "75.0%" in page


def test_the_pages_show_that_one_is_on_its_way_or_failed(client, viewer, score, finished_run, upload):
    RunScore.objects.update(folder="", content={}, status=Status.RUNNING, stage="Reading the prediction")
    client.force_login(viewer)
    pages = reverse("run", args=[finished_run.pk]) + "?details", reverse("upload", args=[upload.pk])
    for page in pages:
        assert "Reading the prediction" in client.get(page).content.decode()
    RunScore.objects.update(status=Status.FAILED, error="It went wrong.")
    for page in pages:
        assert "It went wrong." in client.get(page).content.decode()
