"""Scores by attributes of the true hands, by HTTP."""

from __future__ import annotations

import io

import numpy as np
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.urls import reverse

from palmares.queue.models import Status
from palmares.runs.models import Run, RunScore
from palmares.runs.scores import FRAMES_FILE
from palmares.uploads.models import GroundTruth
from tests.factories import RunFactory

COUNT = 600


@pytest.fixture
def truth(upload) -> GroundTruth:
    return GroundTruth.objects.create(
        upload=upload, name="t.npz", format="palmares", source="x", folder="truths/t/1", status=Status.SUCCEEDED
    )


def score_of(run: Run, truth: GroundTruth, shift: float = 0.0) -> RunScore:
    """Palm views have an error of 5 mm, others of 10 mm."""
    made = RunScore(run=run, truth=truth, status=Status.SUCCEEDED, content={"fps": 30.0, "occlusion": "truth"})
    made.folder = f"{made.storage_prefix}/1"
    view = (np.arange(COUNT) // 30 % 2).astype(np.int8)
    noise = np.random.default_rng(0).normal(0, 0.5, COUNT)
    arrays = {
        "frame": np.arange(COUNT, dtype=np.int32), "track": np.zeros(COUNT, np.int32), "side": np.ones(COUNT, np.uint8),
        "procrustes.mpjpe": (5 + 5 * view + noise + shift).astype(np.float32), "slice.viewpoint": view,
        "slice.speed": np.where(np.arange(COUNT) < 300, 0, 2).astype(np.int8),
    }  # fmt: skip
    sink = io.BytesIO()
    np.savez(sink, **arrays)
    default_storage.save(f"{made.folder}/{FRAMES_FILE}", ContentFile(sink.getvalue()))
    made.save()
    return made


@pytest.fixture
def score(finished_run, truth) -> RunScore:
    return score_of(finished_run, truth)


@pytest.fixture
def url(finished_run):
    return f"/api/v1/runs/{finished_run.pk}/slices/"


def test_by_one_attribute(api, viewer, url, score):
    answer = api(viewer).get(f"{url}?by=viewpoint").json()
    assert (answer["by"], answer["unit"], answer["occlusion"]) == (["viewpoint"], "mm", "truth")
    palm, back = answer["cells"]
    assert (palm["key"], palm["n"], palm["found"], back["key"]) == (["palm"], 300, 300, ["back"])
    assert palm["low"] < 5 < palm["high"] < back["low"] < 10 < back["high"]
    values = [frame["value"] for frame in back["frames"]]
    assert values == sorted(values, reverse=True)
    assert back["frames"][0]["frame"] // 30 % 2 == 1


def test_by_two_crossed(api, viewer, url, score):
    found = api(viewer).get(f"{url}?by=viewpoint&and=speed").json()["cells"]
    assert [cell["key"] for cell in found] == [["palm", "still"], ["palm", "fast"], ["back", "still"], ["back", "fast"]]
    assert [cell["n"] for cell in found] == [150] * 4


def test_two_runs_are_compared_in_each_slice(api, viewer, url, score, truth, upload):
    other = RunFactory(upload=upload)
    score_of(other, truth, shift=2.0)
    palm, _ = api(viewer).get(f"{url}?against={other.pk}").json()["cells"]
    assert palm["difference"]["mean"] == pytest.approx(-2, abs=1e-5)
    assert palm["difference"]["shared"] == 300


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("by=colour", 400), ("by=side&and=side", 400), ("metric=x", 400), ("against=me", 400), ("by=pose", 404),
        ("against=00000000-0000-0000-0000-000000000000", 404),
    ],
)  # fmt: skip
def test_unknown_attributes_and_runs_are_refused(api, viewer, url, score, query, status):
    assert api(viewer).get(f"{url}?{query}").status_code == status


def test_only_the_team_reads_the_slices(refusals, url, score):
    assert refusals("get", url) == {"anonymous": 401, "outsider": 404, "viewer": 200}


def test_a_comparison_with_a_run_of_another_team_is_not_found(api, viewer, url, score):
    foreign = RunFactory()
    assert api(viewer).get(f"{url}?against={foreign.pk}").status_code == 404


def test_the_page_shows_them_and_links_to_the_frames(client, viewer, score, finished_run, upload):
    client.force_login(viewer)
    page = client.get(reverse("run-slices-page", args=[finished_run.pk]), {"by": "viewpoint", "and": "speed"}).content.decode()
    assert "palm" in page
    assert f"{reverse('viewer', args=[upload.pk])}?runs={finished_run.pk}&amp;" in page
    page = client.get(reverse("run-slices-page", args=[finished_run.pk]), {"by": "pose"}).content.decode()
    assert "cannot be shown" in page
